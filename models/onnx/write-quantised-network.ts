import { weightsOf } from '../network/convolutions.ts';
import { pictureNames } from '../network/ends.ts';
import { inputOf, intOf, intsOf, type Network, type Operator, outputOf, refusal } from '../network/network.ts';
import type { Range } from '../quantise/affine.ts';
import { absorbedRelu, type Coding, codings, moves, recodes, storedTensors } from '../quantise/plan.ts';
import { OnnxBuilder } from './builder.ts';
import { isStem, quantisedStem, repeatPixels, repetition } from './quantised-moves.ts';
import { dequantise, quantise, quantisedConvolution } from './quantised-parts.ts';
import { writeHardSwish } from './write-network.ts';

/**
 * The network as int8 ONNX in QDQ form; the convolutions that `floatLayers` names by their outputs stay float32. `ranges` holds one range
 * for each tensor that calibration sees. Throws `bundle-invalid` where a range is missing.
 */
export function writeQuantisedNetwork(
  network: Network,
  ranges: ReadonlyMap<string, Range>,
  floatLayers: ReadonlySet<string>,
): Uint8Array<ArrayBuffer> {
  return new Writer(network, ranges, floatLayers).write();
}

class Writer {
  private readonly builder = new OnnxBuilder();
  private readonly network: Network;
  private readonly floatLayers: ReadonlySet<string>;
  private readonly stored: ReadonlySet<string>;
  private readonly codings: ReadonlyMap<string, Coding>;
  /** The name under which a stored tensor's bytes lie in the graph. */
  private readonly bytes = new Map<string, string>();
  /** Stored tensors that somebody reads as numbers: nothing is read back for nobody. */
  private readonly readBack = new Set<string>();

  constructor(network: Network, ranges: ReadonlyMap<string, Range>, floatLayers: ReadonlySet<string>) {
    this.network = network;
    this.floatLayers = floatLayers;
    this.stored = storedTensors(network, floatLayers);
    this.codings = codings(network, this.stored, ranges);
  }

  write(): Uint8Array<ArrayBuffer> {
    const { network, builder } = this;
    const absorbed = new Set<Operator>();
    for (const node of network.nodes) {
      if (absorbed.has(node)) continue;
      const output = outputOf(node);
      const relu = this.stored.has(output) ? absorbedRelu(network, node) : undefined;
      if (relu !== undefined) absorbed.add(relu);
      if (this.feedsStoredPicture(node)) continue;
      if (this.stored.has(output)) this.operate(node, relu === undefined ? output : outputOf(relu));
      else this.copy(node, output);
    }
    return builder.encode('network', network.inputs, network.outputs, network.opset);
  }

  /** The picture's bytes are the first stored tensor: nothing has to be cast or subtracted. */
  private feedsStoredPicture(node: Operator): boolean {
    if (!this.stored.has(pictureNames.centred)) return false;
    this.bytes.set(pictureNames.centred, pictureNames.bytes);
    const centred = this.network.producer(pictureNames.centred);
    const cast = centred === undefined ? undefined : this.network.producer(inputOf(centred, 0));
    return node === centred || node === cast || outputOf(node) === pictureNames.bytes;
  }

  private operate(node: Operator, output: string): void {
    const recoding = recodes(this.network, node, this.stored);
    if (recoding !== undefined) this.bytes.set(output, this.bytesOf(recoding.input));
    else if (moves(node)) this.move(node, output);
    else {
      this.bytes.set(output, `${output}:stored`);
      if (node.op === 'Conv' && !this.floatLayers.has(outputOf(node))) this.convolve(node, output);
      else {
        if (node.op === 'HardSwish') this.hardSwish(inputOf(node, 0), output);
        else this.copy(node, `${output}:real`);
        quantise(this.builder, output, this.coding(output).affine);
      }
    }
  }

  /** Bytes that are only moved keep their coding. */
  private move(node: Operator, output: string): void {
    const { builder } = this;
    const stored = `${output}:stored`;
    const inputs = (node.op === 'Concat' ? node.inputs : node.inputs.slice(0, 1)).map((name) => this.bytesOf(name));
    const copies = node.op === 'Resize' ? repetition(this.network, node) : undefined;
    if (copies !== undefined) repeatPixels(builder, inputs[0] ?? '', stored, copies);
    else builder.node(node.op, [...inputs, ...this.rest(node, inputs.length)], stored, node.attributes);
    this.bytes.set(output, stored);
  }

  private rest(node: Operator, from: number): string[] {
    return node.inputs.slice(from).map((name) => this.constant(name));
  }

  /** `x * clip((x + 3) / 6, 0, 1)` in two integer operators: the sum saturates where the clip cuts. */
  private hardSwish(input: string, output: string): void {
    const { builder } = this;
    const gate = `${output}:gate`;
    const three = [
      builder.constant('three:stored', Uint8Array.of(255), []),
      builder.scalar('three:scale', 3 / 255),
      builder.constant('three:zero', Uint8Array.of(0), []),
    ];
    builder.node('DequantizeLinear', three, `${gate}:three`);
    builder.node('Add', [this.real(input), `${gate}:three`], `${gate}:sum`);
    const zero = builder.constant('gate:zero', Uint8Array.of(0), []);
    builder.node('QuantizeLinear', [`${gate}:sum`, builder.scalar('six:scale', 6 / 255), zero], `${gate}:stored`);
    builder.node('DequantizeLinear', [`${gate}:stored`, builder.scalar('gate:scale', 1 / 255), zero], gate);
    builder.node('Mul', [this.real(input), gate], `${output}:real`);
  }

  private convolve(node: Operator, output: string): void {
    const { weights, shape, bias } = weightsOf(this.network, node);
    const input = inputOf(node, 0);
    const { affine, offset } = this.coding(input);
    if ((intsOf(node, 'dilations') ?? []).some((step) => step !== 1)) throw refusal(node, 'is dilated');
    const parts = {
      name: output,
      input,
      weights,
      kernel: shape,
      group: intOf(node, 'group', 1),
      strides: intsOf(node, 'strides') ?? [1, 1],
      pads: intsOf(node, 'pads') ?? [0, 0, 0, 0],
    };
    const shift = shifted(bias, weights, shape, offset);
    const target = this.coding(output).affine;
    if (input === pictureNames.centred && isStem(parts)) {
      quantisedStem(this.builder, { ...parts, input: pictureNames.input }, shift, affine, target);
    } else {
      quantisedConvolution(this.builder, { ...parts, input: this.real(input) }, shift, affine.scale);
      quantise(this.builder, output, target);
    }
  }

  /** The operator as it is, between tensors read back from bytes where they are stored. */
  private copy(node: Operator, output: string): void {
    const inputs = node.inputs.map((name) =>
      this.network.constants.has(name) ? this.constant(name) : this.real(name),
    );
    if (node.op === 'HardSwish') writeHardSwish(this.builder, inputs[0] ?? '', output);
    else this.builder.node(node.op, inputs, output, node.attributes);
  }

  private constant(name: string): string {
    const constant = this.network.constants.get(name);
    return constant === undefined ? name : this.builder.constant(name, constant.data, constant.shape);
  }

  private real(name: string): string {
    const bytes = this.bytes.get(name);
    if (bytes !== undefined && !this.readBack.has(name)) {
      if (name === pictureNames.centred)
        this.builder.node('Transpose', [pictureNames.input], pictureNames.bytes, { perm: [0, 3, 1, 2] });
      dequantise(this.builder, name, this.coding(name).affine, bytes);
      this.readBack.add(name);
    }
    return name;
  }

  private bytesOf(name: string): string {
    return this.bytes.get(name) ?? `${name}:stored`;
  }

  private coding(name: string): Coding {
    const coding = this.codings.get(name);
    if (coding === undefined) throw new Error(`${name} is not stored`);
    return coding;
  }
}

/** What an offset on every input value adds to each output channel, exact but for the padded border. */
function shifted(
  bias: Float32Array,
  weights: Float32Array,
  shape: readonly number[],
  offset: Coding['offset'],
): Float32Array {
  const size = weights.length / bias.length;
  const perInput = size / (shape[1] ?? 1);
  const at = (i: number) => (typeof offset === 'number' ? offset : (offset[Math.floor(i / perInput)] ?? 0));
  return bias.map((b, c) => weights.subarray(c * size, (c + 1) * size).reduce((sum, w, i) => sum + w * at(i), b));
}
