import { setWeights, weightsOf } from './convolutions.ts';
import { inputOf, intOf, intsOf, type Network, type Operator, operator, outputOf, textOf } from './network.ts';

/**
 * Turns transposed convolutions of 2x2 at stride 2 into pointwise ones, each with four outputs in the place of one, and one
 * DepthToSpace at the end: every output pixel of such a convolution has one input pixel only, so nothing is computed twice. Two in a row, with
 * an activation between them, work on the same small picture. Exact.
 */
export function flattenEnlargements(network: Network): void {
  for (const listed of [...network.nodes]) {
    const node = network.producer(outputOf(listed));
    if (node === undefined || !doubles(network, node)) continue;
    const activation = network.soleConsumer(outputOf(node));
    const second = activation?.op === 'Relu' ? network.soleConsumer(outputOf(activation)) : undefined;
    if (activation !== undefined && second !== undefined && doubles(network, second)) flattenTwo(network, node, second);
    else flattenOne(network, node);
  }
  network.prune();
}

function doubles(network: Network, node: Operator): boolean {
  const same = (name: string, value: number) => (intsOf(node, name) ?? []).every((side) => side === value);
  return (
    node.op === 'ConvTranspose' &&
    network.floats(inputOf(node, 1)) !== undefined &&
    intOf(node, 'group', 1) === 1 &&
    intsOf(node, 'strides')?.join() === '2,2' &&
    network.constants.get(inputOf(node, 1))?.shape.slice(2).join() === '2,2' &&
    same('pads', 0) &&
    same('dilations', 1) &&
    same('output_padding', 0) &&
    intsOf(node, 'output_shape') === undefined &&
    textOf(node, 'auto_pad') === undefined
  );
}

const pointwise = { kernel_shape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], group: 1 } as const;

/** Where DepthToSpace (mode DCR) looks for channel `c` of the pixel at `(y, x)` of a block. */
const place = (y: number, x: number, block: number, channels: number, c: number) => (y * block + x) * channels + c;

function flattenOne(network: Network, node: Operator): void {
  const flat = flatten(network, node, [[0, 0]], 1);
  const output = outputOf(node);
  const small = network.fresh(`${output}:flat`);
  network.replace(flat, { ...flat, outputs: [small] }, shuffle(small, output, 2));
}

function flattenTwo(network: Network, first: Operator, second: Operator): void {
  const output = outputOf(second);
  flatten(network, first, [[0, 0]], 1);
  const cells = [0, 1].flatMap((y) => [0, 1].map((x): [number, number] => [y, x]));
  const flat = flatten(network, second, cells, 2);
  const small = network.fresh(`${output}:flat`);
  network.replace(flat, { ...flat, outputs: [small] }, shuffle(small, output, 4));
}

/**
 * Weights `[in, out, 2, 2]` to `[place of (cell, 2x2 pixel, out), place of (cell, in), 1, 1]`: the input holds the channels of `cells`
 * pixels of a block of `side` by `side`; each gives its own 2x2 pixels of a block twice as wide.
 */
function flatten(network: Network, node: Operator, cells: readonly [number, number][], side: number): Operator {
  const { weights, shape, bias } = weightsOf(network, node);
  const [inputs = 0, outputs = 0] = shape;
  const block = side * 2;
  const columns = cells.length * inputs;
  const flat = new Float32Array(block * block * outputs * columns);
  const flatBias = new Float32Array(block * block * outputs);
  for (const [cy, cx] of cells) {
    for (const [dy, dx] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      for (let o = 0; o < outputs; o++) {
        const row = place(cy * 2 + dy, cx * 2 + dx, block, outputs, o);
        flatBias[row] = bias[o]!;
        for (let i = 0; i < inputs; i++) {
          flat[row * columns + place(cy, cx, side, inputs, i)] = weights[((i * outputs + o) * 2 + dy) * 2 + dx]!;
        }
      }
    }
  }
  const parts = { weights: flat, shape: [block * block * outputs, columns, 1, 1], bias: flatBias };
  const changed = setWeights(network, node, parts, pointwise);
  const convolution = { ...changed, op: 'Conv' };
  network.replace(changed, convolution);
  return convolution;
}

function shuffle(input: string, output: string, blocksize: number): Operator {
  return operator('DepthToSpace', [input], output, { blocksize, mode: 'DCR' });
}
