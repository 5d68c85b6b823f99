import { isConvolution, scaleOutputs } from './convolutions.ts';
import { floatOf, inputOf, intOf, type Network, type Operator, outputOf, refusal } from './network.ts';

/**
 * Folds what only scales and shifts the channels of a convolution into its weights and bias: BatchNormalization, and Mul, Div, Add and
 * Sub with a constant. Exact but for float32's rounding. What does not follow a convolution alone stays as it is.
 */
export function foldBack(network: Network): void {
  for (const listed of [...network.nodes]) {
    const node = network.producer(outputOf(listed));
    if (node === undefined) continue;
    const change = node.op === 'BatchNormalization' ? normalisation(network, node) : arithmetic(network, node);
    if (change === undefined) continue;
    const before = network.producer(change.input);
    const folds = isConvolution(network, before) || isTransposedConvolution(network, before);
    if (!folds || network.soleConsumer(change.input) !== node) continue;
    const channels = outputChannels(network, before!);
    const [factors, terms] = [change.factors, change.terms].map((values) => perChannel(values, channels));
    if (factors === undefined || terms === undefined) continue;
    const changed = scaleOutputs(network, before!, factors, terms);
    network.replace(node);
    network.replace(changed, { ...changed, outputs: node.outputs });
  }
  network.prune();
}

interface Change {
  readonly input: string;
  readonly factors: Values;
  readonly terms: Values;
}

interface Values {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

const one: Values = { data: Float32Array.of(1), shape: [] };
const nought: Values = { data: Float32Array.of(0), shape: [] };

function arithmetic(network: Network, node: Operator): Change | undefined {
  if (!['Mul', 'Div', 'Add', 'Sub'].includes(node.op)) return undefined;
  const at = network.floats(inputOf(node, 1)) !== undefined ? 1 : 0;
  const constant = network.constants.get(inputOf(node, at));
  if (!(constant?.data instanceof Float32Array)) return undefined;
  // A constant divided by, or reduced by, a tensor is neither scaled nor shifted.
  if (at === 0 && (node.op === 'Div' || node.op === 'Sub')) return undefined;
  const input = inputOf(node, 1 - at);
  const { data, shape } = constant;
  switch (node.op) {
    case 'Mul':
      return { input, factors: { data, shape }, terms: nought };
    case 'Div':
      return { input, factors: { data: data.map((v) => 1 / v), shape }, terms: nought };
    case 'Add':
      return { input, factors: one, terms: { data, shape } };
    default:
      return { input, factors: one, terms: { data: data.map((v) => -v), shape } };
  }
}

/** `(x - mean) / sqrt(variance + epsilon) * gamma + beta` (ONNX operator BatchNormalization). */
function normalisation(network: Network, node: Operator): Change {
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((i) => network.floats(inputOf(node, i)));
  if (!gamma || !beta || !mean || !variance) throw refusal(node, 'lacks one of its four constants');
  const epsilon = floatOf(node, 'epsilon', 1e-5);
  const factors = gamma.map((g, c) => g / Math.sqrt(variance[c]! + epsilon));
  const shape = [1, gamma.length, 1, 1];
  const terms = beta.map((b, c) => b - mean[c]! * factors[c]!);
  return { input: inputOf(node, 0), factors: { data: factors, shape }, terms: { data: terms, shape } };
}

/** A value for each channel, where the constant is one number or one per channel; undefined where it is anything else. */
function perChannel({ data, shape }: Values, channels: number): ((channel: number) => number) | undefined {
  if (data.length === 1) return () => data[0]!;
  const [height, width] = shape.slice(-2);
  if (shape.length < 3 || height !== 1 || width !== 1 || data.length !== channels) return undefined;
  return (channel) => data[channel]!;
}

function isTransposedConvolution(network: Network, node: Operator | undefined): boolean {
  return node?.op === 'ConvTranspose' && intOf(node, 'group', 1) === 1 && network.floats(node.inputs[1]) !== undefined;
}

function outputChannels(network: Network, node: Operator): number {
  const shape = network.constants.get(inputOf(node, 1))?.shape ?? [];
  return shape[node.op === 'ConvTranspose' ? 1 : 0] ?? 0;
}
