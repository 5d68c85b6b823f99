import { channelsOf } from '../network/convolutions.ts';
import { inputOf, type Network, type Operator, textOf } from '../network/network.ts';
import type { Affine } from '../quantise/affine.ts';
import type { OnnxBuilder } from './builder.ts';
import { dequantise, type QuantisedConvolution, quantise, quantisedConvolution } from './quantised-parts.ts';

/** Operators that ONNX Runtime's integer kernels do slowly, said in others that it does fast. Exact. */

export interface Repetition {
  readonly times: number;
  readonly channels: number;
}

/** How often a Resize repeats each pixel both ways, for a network of batch 1; undefined where it does anything else. */
export function repetition(network: Network, node: Operator): Repetition | undefined {
  const [batch, channel, high, wide] = network.floats(inputOf(node, 2)) ?? [];
  const channels = channelsOf(network, inputOf(node, 0));
  const isOne = network.inputs[0]?.shape?.[0] === 1;
  const mode = [textOf(node, 'coordinate_transformation_mode'), textOf(node, 'nearest_mode')].join();
  if (!isOne || channels === undefined || mode !== 'asymmetric,floor' || batch !== 1 || channel !== 1) return undefined;
  return high === wide && high !== undefined && Number.isInteger(high) && high > 1
    ? { times: high, channels }
    : undefined;
}

/**
 * Bytes `[1, c, h, w]` to `[1, c, times * h, times * w]`, each pixel repeated: copies of rows of channels, where a Resize computes each
 * byte's place (25 times as long where it was tried).
 */
export function repeatPixels(
  builder: OnnxBuilder,
  input: string,
  output: string,
  { times, channels }: Repetition,
): void {
  const copies = (name: string) => Array.from({ length: times }, () => name);
  const reshape = (from: string, to: string, shape: readonly number[]) =>
    builder.node('Reshape', [from, builder.integers(`${to}:shape`, shape)], to);
  builder.node('Transpose', [input], `${output}:nhwc`, { perm: [0, 2, 3, 1] });
  builder.node('Concat', copies(`${output}:nhwc`), `${output}:twins`, { axis: 3 });
  reshape(`${output}:twins`, `${output}:wide`, [0, 0, -1, channels]);
  reshape(`${output}:wide`, `${output}:rows`, [-1, 1, 0, channels]);
  builder.node('Concat', copies(`${output}:rows`), `${output}:doubled`, { axis: 1 });
  reshape(`${output}:doubled`, `${output}:large`, [1, -1, 0, channels]);
  builder.node('Transpose', [`${output}:large`], output, { perm: [0, 3, 1, 2] });
}

/** True for a 3x3 convolution at stride 2 over the three channels of a picture. */
export function isStem({ kernel, group, strides, pads }: QuantisedConvolution): boolean {
  return kernel.slice(1).join() === '3,3,3' && group === 1 && strides.join() === '2,2' && pads.join() === '1,1,1,1';
}

/**
 * The first convolution over groups of four pixels, twelve channels, each giving two pixels: longer rows to multiply, less than half the
 * time. The picture `[n, h, w, 3]` has a width that 4 divides; its bytes are `input`. Stores `NAME:stored`.
 */
export function quantisedStem(
  builder: OnnxBuilder,
  { name, input, weights, kernel }: QuantisedConvolution,
  bias: Float32Array,
  picture: Affine,
  affine: Affine,
): void {
  const [outputs = 0] = kernel;
  const groups = `${name}:groups`;
  builder.node('Reshape', [input, builder.integers('groups:shape', [0, 0, -1, 12])], `${groups}:nhwc`);
  builder.node('Transpose', [`${groups}:nhwc`], `${groups}:stored`, { perm: [0, 3, 1, 2] });
  dequantise(builder, groups, picture);
  const wide = new Float32Array(2 * outputs * 12 * 3 * 2);
  for (let pixel = 0; pixel < 2; pixel++) {
    for (let o = 0; o < outputs; o++) {
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < 3; y++) {
          for (let x = 0; x < 3; x++) {
            // Output pixel 2q + pixel looks at the input pixels 4q + 2 pixel - 1 to + 1; -1 is the last of the group before.
            const at = 2 * pixel + x - 1 + 4;
            const row = (pixel * outputs + o) * 12 + (at % 4) * 3 + c;
            wide[(row * 3 + y) * 2 + Math.floor(at / 4)] = weights[((o * 3 + c) * 3 + y) * 3 + x]!;
          }
        }
      }
    }
  }
  const twice = Float32Array.from({ length: 2 * outputs }, (_, i) => bias[i % outputs]!);
  const parts = { name: `${name}:pairs`, input: groups, weights: wide, kernel: [2 * outputs, 12, 3, 2], group: 1 };
  quantisedConvolution(builder, { ...parts, strides: [2, 1], pads: [1, 1, 1, 0] }, twice, picture.scale);
  splitPairs(builder, name, outputs, affine);
}

/** The bytes of pairs of pixels, `[n, 2c, h, w / 2]`, as those of pixels, `[n, c, h, w]`. */
function splitPairs(builder: OnnxBuilder, name: string, channels: number, affine: Affine): void {
  quantise(builder, `${name}:pairs`, affine);
  builder.node('Transpose', [`${name}:pairs:stored`], `${name}:pairs:nhwc`, { perm: [0, 2, 3, 1] });
  builder.node(
    'Reshape',
    [`${name}:pairs:nhwc`, builder.integers(`${name}:pixels:shape`, [0, 0, -1, channels])],
    `${name}:pixels`,
  );
  builder.node('Transpose', [`${name}:pixels`], `${name}:stored`, { perm: [0, 3, 1, 2] });
}
