import { AtalayaError } from '../../device/kernel/errors.ts';
import { type Convolution, type Detector, type Layer, pictureName } from '../graph/layers.ts';
import { type Affine, affineFor, quantiseBias, quantiseWeights, type Range } from '../quantise/affine.ts';
import { OnnxBuilder } from './builder.ts';
import { detectorInput, detectorOutputs, joinHeads } from './heads.ts';
import { tensorNames } from './names.ts';

/**
 * The detector as int8 ONNX in QDQ form: each convolution and sum stands between DequantizeLinear and QuantizeLinear, which ONNX
 * Runtime fuses into integer kernels.
 *
 * A ReLU6 needs no node: its output is stored from 0 to at most 6, and what lies outside saturates. `ranges` holds one range per layer.
 * Throws `bundle-invalid` where a range is missing.
 */
export function writeQuantised(detector: Detector, ranges: ReadonlyMap<string, Range>): Uint8Array<ArrayBuffer> {
  const builder = new OnnxBuilder();
  const coding = new Map<string, Affine>();
  const quantised = new Set(quantisedLayers(detector));
  const picture = viewPicture(builder, detector);
  coding.set(pictureName, picture.affine);
  for (const layer of detector.layers) {
    if (layer.kind === 'convolution' && !quantised.has(layer)) {
      multiplyHead(builder, layer);
      continue;
    }
    const affine = affineFor(requireRange(ranges, layer.name));
    coding.set(layer.name, affine);
    if (layer.kind === 'sum') {
      builder.node('Add', layer.inputs, `${layer.name}:real`);
    } else {
      const shift = layer.input === pictureName ? picture.shift : 0;
      convolve(builder, layer, coding.get(layer.input)!, shift);
    }
    store(builder, layer.name, affine);
  }
  joinHeads(builder, detector.boxHeads, tensorNames.boxes, (cells) => cells);
  joinHeads(builder, detector.scoreHeads, tensorNames.scores, (cells) => cells);
  return builder.encode('detector', [detectorInput(detector)], detectorOutputs(detector));
}

/**
 * The layers that are stored as bytes: all but the heads. A head's logits and encodings would saturate wherever a vehicle is larger,
 * nearer or clearer than any that calibration saw, and its weights are few.
 */
export function quantisedLayers(detector: Detector): Layer[] {
  const heads = new Set([...detector.boxHeads, ...detector.scoreHeads].map((head) => head.layer));
  return detector.layers.filter((layer) => !heads.has(layer.name));
}

/**
 * Reads the picture's bytes as quantised values: `byte * scale - offset` is affine already. Its zero point, `offset / scale`, is rounded
 * to a whole number; `shift` is what that leaves over, a constant that goes into the first bias.
 */
function viewPicture(builder: OnnxBuilder, detector: Detector): { affine: Affine; shift: number } {
  const { scale, offset } = detector.normalisation;
  const affine: Affine = { scale, zeroPoint: Math.round(offset / scale) };
  builder.node('Transpose', [tensorNames.input], `${pictureName}:stored`, { perm: [0, 3, 1, 2] });
  dequantise(builder, pictureName, affine);
  return { affine, shift: scale * affine.zeroPoint - offset };
}

function convolve(builder: OnnxBuilder, layer: Convolution, input: Affine, shift: number): void {
  const { name, kernel, strides, pads, group } = layer;
  const weights = quantiseWeights(layer.weights, kernel[0]);
  const bias = quantiseBias(shift === 0 ? layer.bias : shiftedBias(layer, shift), input.scale, weights.scales);
  const perChannel = [kernel[0]];
  const weightInputs = [
    builder.constant(`${name}:weights:stored`, weights.values, kernel),
    builder.constant(`${name}:weights:scales`, weights.scales, perChannel),
    builder.constant(`${name}:weights:zeros`, new Int8Array(kernel[0]), perChannel),
  ];
  const biasInputs = [
    builder.constant(`${name}:bias:stored`, bias.values, perChannel),
    builder.constant(`${name}:bias:scales`, bias.scales, perChannel),
    builder.constant(`${name}:bias:zeros`, new Int32Array(kernel[0]), perChannel),
  ];
  builder.node('DequantizeLinear', weightInputs, `${name}:weights`, { axis: 0 });
  builder.node('DequantizeLinear', biasInputs, `${name}:bias`, { axis: 0 });
  const attributes = { strides, pads, group, kernel_shape: kernel.slice(2) };
  builder.node('Conv', [layer.input, `${name}:weights`, `${name}:bias`], `${name}:real`, attributes);
}

/**
 * A head is a 1x1 convolution, so over rows of channels a matrix product: uint8 times int8 with float32 sums, which no range cuts off.
 * `[1, C, h, w]` in, `[h * w, outputs]` out.
 */
function multiplyHead(builder: OnnxBuilder, layer: Convolution): void {
  const { name, kernel, bias } = layer;
  const [outputs, inputs] = kernel;
  const { values, scales } = quantiseWeights(layer.weights, outputs);
  const columns = Int8Array.from(
    { length: values.length },
    (_, i) => values[(i % outputs) * inputs + Math.floor(i / outputs)]!,
  );
  const weights = [
    builder.constant(`${name}:weights:stored`, columns, [inputs, outputs]),
    builder.constant(`${name}:weights:scales`, scales, [outputs]),
    builder.constant(`${name}:weights:zeros`, new Int8Array(outputs), [outputs]),
  ];
  builder.node('Transpose', [layer.input], `${name}:nhwc`, { perm: [0, 2, 3, 1] });
  builder.node('Reshape', [`${name}:nhwc`, builder.integers(`${name}:cells-shape`, [1, -1, inputs])], `${name}:cells`);
  builder.node('DequantizeLinear', weights, `${name}:weights`, { axis: 1 });
  builder.node('MatMul', [`${name}:cells`, `${name}:weights`], `${name}:products`);
  // Reshaped in between, because ONNX Runtime would merge a product and the sum right after it into a float32 Gemm.
  builder.node(
    'Reshape',
    [`${name}:products`, builder.integers(`${name}:products-shape`, [-1, outputs])],
    `${name}:flat`,
  );
  builder.node('Add', [`${name}:flat`, builder.constant(`${name}:bias`, bias, [outputs])], name);
}

/** A constant added to every input value adds itself times the sum of a channel's weights (exact but for the padded border). */
function shiftedBias(layer: Convolution, shift: number): Float32Array {
  const size = layer.weights.length / layer.kernel[0];
  return layer.bias.map(
    (b, c) => b + shift * layer.weights.subarray(c * size, (c + 1) * size).reduce((sum, w) => sum + w, 0),
  );
}

function store(builder: OnnxBuilder, name: string, affine: Affine): void {
  constants(builder, name, affine);
  builder.node('QuantizeLinear', [`${name}:real`, `${name}:scale`, `${name}:zero`], `${name}:stored`);
  dequantise(builder, name, affine);
}

function dequantise(builder: OnnxBuilder, name: string, affine: Affine): void {
  constants(builder, name, affine);
  builder.node('DequantizeLinear', [`${name}:stored`, `${name}:scale`, `${name}:zero`], name);
}

function constants(builder: OnnxBuilder, name: string, { scale, zeroPoint }: Affine): void {
  builder.scalar(`${name}:scale`, scale);
  builder.constant(`${name}:zero`, Uint8Array.of(zeroPoint), []);
}

function requireRange(ranges: ReadonlyMap<string, Range>, name: string): Range {
  const range = ranges.get(name);
  if (range === undefined) {
    throw new AtalayaError('bundle-invalid', `the calibration table has no range for layer ${name}`, {
      hint: 'Make it again with `atalaya-models calibrate`.',
    });
  }
  return range;
}
