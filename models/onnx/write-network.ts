import type { Network } from '../network/network.ts';
import { OnnxBuilder } from './builder.ts';

/** The network as float32 ONNX. The same network gives the same bytes. */
export function writeNetwork(network: Network): Uint8Array<ArrayBuffer> {
  const builder = new OnnxBuilder();
  for (const [name, { data, shape }] of network.constants) builder.constant(name, data, shape);
  for (const node of network.nodes) {
    const [output = ''] = node.outputs;
    if (node.op === 'HardSwish') writeHardSwish(builder, node.inputs[0] ?? '', output);
    else builder.node(node.op, node.inputs, output, node.attributes);
  }
  return builder.encode('network', network.inputs, network.outputs, network.opset);
}

/** `x * clip(x / 6 + 1 / 2, 0, 1)`, which opset 13 knows in two parts only. */
export function writeHardSwish(builder: OnnxBuilder, input: string, output: string): void {
  builder.node('HardSigmoid', [input], `${output}:gate`, { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
  builder.node('Mul', [input, `${output}:gate`], output);
}
