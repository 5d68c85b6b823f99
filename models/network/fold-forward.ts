import { isConvolution, isPointwise, setWeights, tapSums, weightsOf } from './convolutions.ts';
import { inputOf, type Network, type Operator, operator, outputOf } from './network.ts';

/**
 * Folds a factor, and a term where no padding stands between, into the convolutions that come after: what foldBack cannot take
 * because an activation stands before it. Exact but for float32's rounding.
 */
export function foldForward(network: Network): void {
  for (const listed of [...network.nodes]) {
    const node = network.producer(outputOf(listed));
    if (node?.op === 'Mul') foldFactor(network, node);
  }
  for (const listed of [...network.nodes]) {
    const node = network.producer(outputOf(listed));
    if (node?.op === 'Add') foldTerm(network, node);
  }
  network.prune();
}

/** `conv(gate * (factor * x + term))` is `conv'(gate * (x + term / factor))` with weights `factor` times as large. */
function foldFactor(network: Network, node: Operator): void {
  const operand = scalarOperand(network, node);
  if (operand === undefined || operand.value === 0) return;
  const { value: factor, input } = operand;
  const sum = network.soleConsumer(outputOf(node));
  const shift = sum?.op === 'Add' ? scalarOperand(network, sum) : undefined;
  const end = sum !== undefined && shift !== undefined ? outputOf(sum) : outputOf(node);
  const takers = convolutionsAfter(network, end);
  if (takers === undefined) return;
  for (const name of takers) {
    const taker = network.producer(name)!;
    const { weights, shape, bias } = weightsOf(network, taker);
    setWeights(network, taker, { weights: weights.map((w) => w * factor), shape, bias });
  }
  if (sum !== undefined && shift !== undefined) {
    const term = network.constant(`${outputOf(sum)}:term`, Float32Array.of(shift.value / factor), []);
    network.replace(sum, operator('Add', [outputOf(node), term], outputOf(sum)));
  }
  network.bypass(node, input);
}

/** A term before convolutions without padding adds the same to each of their outputs. */
function foldTerm(network: Network, node: Operator): void {
  const operand = scalarOperand(network, node);
  const takers = network.consumers(outputOf(node));
  if (operand === undefined || isOutput(network, outputOf(node)) || takers.length === 0) return;
  if (!takers.every((taker) => isConvolution(network, taker) && isPointwise(network, taker))) return;
  for (const taker of takers) {
    const { weights, shape, bias } = weightsOf(network, taker);
    const sums = tapSums(weights, shape[0]!);
    setWeights(network, taker, { weights, shape, bias: bias.map((b, c) => b + operand.value * sums[c]!) });
  }
  network.bypass(node, operand.input);
}

function scalarOperand(network: Network, node: Operator): { value: number; input: string } | undefined {
  for (const at of [1, 0]) {
    const value = network.scalar(inputOf(node, at));
    if (value !== undefined) return { value, input: inputOf(node, 1 - at) };
  }
  return undefined;
}

/**
 * Outputs of the convolutions that a factor on `tensor` reaches through averages and products with another tensor; undefined where it
 * reaches anything else.
 */
function convolutionsAfter(network: Network, tensor: string): string[] | undefined {
  if (isOutput(network, tensor)) return undefined;
  const found = new Set<string>();
  for (const taker of network.consumers(tensor)) {
    if (isConvolution(network, taker)) {
      if (inputOf(taker, 0) !== tensor) return undefined;
      found.add(outputOf(taker));
      continue;
    }
    const isProduct = taker.op === 'Mul' && inputOf(taker, 0) !== inputOf(taker, 1);
    if (!isProduct && taker.op !== 'GlobalAveragePool') return undefined;
    const further = convolutionsAfter(network, outputOf(taker));
    if (further === undefined) return undefined;
    // The same factor through both sides of a product would be its square: such a path leads through the product twice.
    for (const name of further) found.add(name);
  }
  return productsOfBothSides(network, tensor) ? undefined : [...found];
}

/** True where a product has `tensor`, scaled and unbent, on both sides. */
function productsOfBothSides(network: Network, tensor: string): boolean {
  const scaled = new Set([tensor]);
  for (const node of network.nodes) {
    const touched = node.inputs.filter((name) => scaled.has(name)).length;
    if (node.op === 'Mul' && touched > 1) return true;
    if (touched > 0 && (node.op === 'Mul' || node.op === 'GlobalAveragePool')) scaled.add(outputOf(node));
  }
  return false;
}

function isOutput(network: Network, tensor: string): boolean {
  return network.outputs.some((output) => output.name === tensor);
}
