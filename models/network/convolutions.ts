import { inputOf, intOf, intsOf, type Network, type Operator, outputOf, refusal, textOf } from './network.ts';

/** What passes ask of convolutions, and how they change their weights. Weights are `[out, in / group, h, w]`, row-major. */

/** The convolution's weights and bias, a bias of zeros where it has none. */
export function weightsOf(
  network: Network,
  node: Operator,
): { weights: Float32Array; shape: number[]; bias: Float32Array } {
  const weights = network.floats(inputOf(node, 1));
  const shape = [...(network.constants.get(inputOf(node, 1))?.shape ?? [])];
  if (weights === undefined || shape.length !== 4) throw refusal(node, 'has no constant weights');
  const outputs = node.op === 'ConvTranspose' ? shape[1]! : shape[0]!;
  const given = inputOf(node, 2);
  const bias = given === '' ? new Float32Array(outputs) : network.floats(given);
  if (bias?.length !== outputs) throw refusal(node, 'has no constant bias of the right length');
  return { weights, shape, bias };
}

/** Puts a convolution with other weights in the place of one, under names that nobody else reads. */
export function setWeights(
  network: Network,
  node: Operator,
  { weights, shape, bias }: { weights: Float32Array; shape: readonly number[]; bias: Float32Array },
  attributes: Operator['attributes'] = node.attributes,
): Operator {
  const changed = {
    ...node,
    inputs: [
      inputOf(node, 0),
      network.constant(`${outputOf(node)}:weights`, weights, shape),
      network.constant(`${outputOf(node)}:bias`, bias, [bias.length]),
    ],
    attributes,
  };
  network.replace(node, changed);
  return changed;
}

export function isConvolution(network: Network, node: Operator | undefined): boolean {
  return node?.op === 'Conv' && network.floats(node.inputs[1]) !== undefined;
}

/** True where no output sees anything but the picture: a constant before the convolution is the same as one after it. */
export function isUnpadded(node: Operator): boolean {
  return (intsOf(node, 'pads') ?? []).every((side) => side === 0) && textOf(node, 'auto_pad') === undefined;
}

export function isPointwise(network: Network, node: Operator): boolean {
  const [, , height, width] = network.constants.get(inputOf(node, 1))?.shape ?? [];
  return (
    height === 1 &&
    width === 1 &&
    isUnpadded(node) &&
    (intsOf(node, 'strides') ?? []).every((step) => step === 1) &&
    intOf(node, 'group', 1) === 1
  );
}

/** `values[0] * x + ...` for each output channel: multiplies the channel's weights and bias, then adds to the bias. */
export function scaleOutputs(
  network: Network,
  node: Operator,
  factor: (channel: number) => number,
  term: (channel: number) => number,
): Operator {
  const { weights, shape, bias } = weightsOf(network, node);
  const channelOf =
    node.op === 'ConvTranspose'
      ? (i: number) => Math.floor(i / (shape[2]! * shape[3]!)) % shape[1]!
      : (i: number) => Math.floor(i / (weights.length / shape[0]!));
  return setWeights(network, node, {
    weights: weights.map((w, i) => w * factor(channelOf(i))),
    shape,
    bias: bias.map((b, c) => b * factor(c) + term(c)),
  });
}

/** Sum of the weights that each output channel applies: what a constant 1 before the convolution adds to it. */
export function tapSums(weights: Float32Array, channels: number): Float64Array {
  const size = weights.length / channels;
  return Float64Array.from({ length: channels }, (_, c) =>
    weights.subarray(c * size, (c + 1) * size).reduce((sum, w) => sum + w, 0),
  );
}

/** Channels of a tensor, found by walking back to a convolution; undefined where the way leads elsewhere. */
export function channelsOf(network: Network, tensor: string): number | undefined {
  const node = network.producer(tensor);
  if (node === undefined) return undefined;
  if (isConvolution(network, node)) return network.constants.get(inputOf(node, 1))?.shape[0];
  if (!['Mul', 'Add', 'Relu', 'HardSwish', 'Resize', 'GlobalAveragePool', 'HardSigmoid'].includes(node.op))
    return undefined;
  const widths = (node.op === 'Resize' ? node.inputs.slice(0, 1) : node.inputs)
    .filter((name) => !network.constants.has(name))
    .map((name) => channelsOf(network, name));
  return widths.every((width) => width === widths[0]) ? widths[0] : undefined;
}
