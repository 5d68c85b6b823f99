import { inputOf, type Network, outputOf } from './network.ts';

/**
 * States the sizes that a Reshape computes while it runs as constants: what is copied from its input becomes 0, the one size that is
 * left to find becomes -1 (ONNX operator Reshape).
 */
export function fixShapes(network: Network): void {
  for (const listed of [...network.nodes]) {
    const node = network.producer(outputOf(listed));
    if (node?.op !== 'Reshape') continue;
    const sizes = sizesOf(network, inputOf(node, 1), inputOf(node, 0));
    if (sizes === undefined || sizes.filter((size) => size === 'unknown' || size === -1).length > 1) continue;
    const shape = sizes.map((size) => (size === 'unknown' ? -1 : size));
    const name = network.constant(`${outputOf(node)}:shape`, BigInt64Array.from(shape, BigInt), [shape.length]);
    network.replace(node, { ...node, inputs: [inputOf(node, 0), name] });
  }
  network.prune();
}

type Size = number | 'unknown';

/** The sizes that a tensor of whole numbers holds, as far as they are known without running; undefined where even their count is not. */
function sizesOf(network: Network, tensor: string, reshaped: string): Size[] | undefined {
  const known = network.integers(tensor);
  if (known !== undefined) return known;
  const node = network.producer(tensor);
  if (node === undefined) return undefined;
  switch (node.op) {
    case 'Cast':
      return sizesOf(network, inputOf(node, 0), reshaped);
    case 'Concat': {
      const parts = node.inputs.map((name) => sizesOf(network, name, reshaped));
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    case 'Slice': {
      const [start] = network.integers(inputOf(node, 1)) ?? [];
      const [end] = network.integers(inputOf(node, 2)) ?? [];
      if (start === undefined || end === undefined || start < 0 || end < start || end > 8) return undefined;
      if (node.inputs.length > 4) return undefined;
      const source = sourceOf(network, inputOf(node, 0));
      if (source?.op !== 'Shape') return undefined;
      // The first sizes of the tensor that is reshaped stay in their places.
      if (start === 0 && inputOf(source, 0) === reshaped) return Array.from({ length: end }, () => 0);
      return Array.from({ length: end - start }, (): Size => 'unknown');
    }
    default:
      return undefined;
  }
}

function sourceOf(network: Network, tensor: string) {
  const node = network.producer(tensor);
  return node?.op === 'Cast' ? network.producer(inputOf(node, 0)) : node;
}
