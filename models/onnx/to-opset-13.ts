import { floatOf, intOf, intsOf, Network, type Operator, outputOf, refusal } from '../network/network.ts';

/**
 * Brings a network of opset 9 to 12 to opset 13: what became an input of an operator is made one. A newer network stays as it is.
 * Sources: the ONNX operator changelog for Clip (11), Slice (10), Squeeze, Unsqueeze and Softmax (13).
 */
export function toOpset13(network: Network): Network {
  if (network.opset >= 13) return network;
  const upgraded = new Network({ ...network, opset: 13, inputs: network.inputs, outputs: network.outputs, nodes: [] });
  const integers = (node: Operator, name: string): string => {
    const values = intsOf(node, name);
    return values === undefined
      ? ''
      : upgraded.constant(`${outputOf(node)}:${name}`, BigInt64Array.from(values, BigInt), [values.length]);
  };
  upgraded.nodes = network.nodes.map((node): Operator => {
    const attributes = (...dropped: string[]) =>
      Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !dropped.includes(name)));
    switch (node.op) {
      case 'Clip': {
        if (node.inputs.length > 1) return node;
        const bounds = (['min', 'max'] as const).map((name) =>
          node.attributes[name] === undefined
            ? ''
            : upgraded.constant(`${outputOf(node)}:${name}`, Float32Array.of(floatOf(node, name, 0)), []),
        );
        return { ...node, inputs: [...node.inputs, ...bounds], attributes: attributes('min', 'max') };
      }
      case 'Slice': {
        if (node.inputs.length > 1) return node;
        const sides = ['starts', 'ends', 'axes'].map((name) => integers(node, name));
        return { ...node, inputs: [...node.inputs, ...sides], attributes: {} };
      }
      case 'Squeeze':
      case 'Unsqueeze':
        return { ...node, inputs: [...node.inputs, integers(node, 'axes')], attributes: {} };
      case 'Softmax':
        // Before opset 13 all axes from `axis` on were one: the same where it is the last axis, as exporters write it.
        return { ...node, attributes: { ...node.attributes, axis: intOf(node, 'axis', 1) } };
      case 'HardSigmoid':
        return { ...node, attributes: { alpha: { float: 0.2 }, beta: { float: 0.5 }, ...node.attributes } };
      case 'Upsample':
      case 'ReduceSum':
      case 'Split':
        throw refusal(node, `is of opset ${network.opset} and cannot be brought to 13 here`);
      default:
        return node;
    }
  });
  return upgraded;
}
