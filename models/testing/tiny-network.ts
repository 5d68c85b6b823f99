import { OnnxBuilder } from '../onnx/builder.ts';
import type { FinderRecipe, ReaderRecipe } from '../recipe/network-recipe.ts';

/** Small ONNX files with every pattern that importing a network rewrites: for tests, with weights from a given source of numbers from -1 to 1. */

const source = { kind: 'file', path: 'tiny.onnx', sha256: '0'.repeat(64) } as const;
const said = { version: '1.0.0', licence: 'Apache-2.0', licenceStatement: 'a test', description: 'made for a test' };

export const tinyFinder: FinderRecipe = {
  id: 'tiny-finder',
  task: 'text-detection',
  source,
  ...said,
  normalisation: { order: 'BGR', mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
  probability: 'map-of-text',
  side: { multiple: 32, smallest: 32, largest: 1280 },
  floatLayers: [],
};

export const tinyReader: ReaderRecipe = {
  id: 'tiny-reader',
  task: 'text-recognition',
  source,
  ...said,
  normalisation: { order: 'RGB', mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] },
  logits: 'sums',
  height: 48,
  width: { multiple: 8, smallest: 32, largest: 640 },
  stride: 2,
  alphabet: 'AB',
  characters: 'alphabet',
  floatLayers: [],
};

type Numbers = () => number;
const channels = 4;

class Parts {
  readonly builder = new OnnxBuilder();
  private readonly number: Numbers;

  constructor(number: Numbers) {
    this.number = number;
  }

  values(name: string, shape: readonly number[], of: (value: number) => number = (value) => value): string {
    const length = shape.reduce((product, side) => product * side, 1);
    return this.builder.constant(
      name,
      Float32Array.from({ length }, () => of(this.number())),
      shape,
    );
  }

  convolve(
    name: string,
    input: string,
    kernel: readonly number[],
    attributes: Record<string, number | number[]>,
  ): string {
    const inputs = [input, this.values(`${name}:w`, kernel)];
    return this.builder.node('Conv', inputs, name, { kernel_shape: kernel.slice(2), ...attributes });
  }

  normalise(name: string, input: string, width: number): string {
    const positive = (value: number) => 0.5 + Math.abs(value);
    const constants = ['gamma', 'beta', 'mean', 'variance'].map((part) =>
      this.values(`${name}:${part}`, [width], part === 'gamma' || part === 'variance' ? positive : undefined),
    );
    return this.builder.node('BatchNormalization', [input, ...constants], name, { epsilon: { float: 1e-3 } });
  }

  /** `factor * x + term`, the constants first, as an exporter may leave it. */
  shift(name: string, input: string): string {
    this.builder.node('Mul', [this.values(`${name}:s`, [1], (v) => 0.5 + Math.abs(v)), input], `${name}:m`);
    return this.builder.node('Add', [`${name}:m`, this.values(`${name}:t`, [1])], name);
  }

  hardSwish(name: string, input: string): string {
    const { builder } = this;
    builder.node('Add', [input, builder.scalar('three', 3)], `${name}:a`);
    builder.node('Clip', [`${name}:a`, builder.scalar('zero', 0), builder.scalar('six', 6)], `${name}:c`);
    builder.node('Mul', [input, `${name}:c`], `${name}:p`);
    return builder.node('Div', [`${name}:p`, builder.scalar('six', 6)], name);
  }

  gate(name: string, input: string): string {
    const { builder } = this;
    builder.node('GlobalAveragePool', [input], `${name}:mean`);
    this.convolve(`${name}:narrow`, `${name}:mean`, [channels, channels, 1, 1], {});
    return builder.node('HardSigmoid', [`${name}:narrow`], name, { alpha: { float: 0.2 }, beta: { float: 0.5 } });
  }

  enlarge(name: string, input: string, outputs: number): string {
    const weights = this.values(`${name}:w`, [channels, outputs, 2, 2]);
    this.builder.node('ConvTranspose', [input, weights], `${name}:raw`, { kernel_shape: [2, 2], strides: [2, 2] });
    return this.builder.node('Add', [`${name}:raw`, this.values(`${name}:b`, [1, outputs, 1, 1])], name);
  }
}

const padded = { pads: [1, 1, 1, 1] };
const halved = { ...padded, strides: [2, 2] };

/** Takes `x`, `[1, 3, height, width]`, normalised; gives a map of the same size, where 4 divides both sides. */
export function tinyFinderFile(number: Numbers): Uint8Array {
  const parts = new Parts(number);
  const { builder } = parts;
  const stem = parts.normalise('stem', parts.convolve('stem:conv', 'x', [channels, 3, 3, 3], halved), channels);
  const deep = parts.shift(
    'deep',
    parts.convolve('deep:conv', stem, [channels, 1, 3, 3], { ...padded, group: channels }),
  );
  const bent = parts.shift('bent:shift', parts.hardSwish('bent', deep));
  const small = parts.convolve('small', bent, [channels, 1, 3, 3], { ...halved, group: channels });
  const again = parts.shift('again:shift', parts.hardSwish('again', small));
  builder.node('Mul', [again, parts.gate('weigh', again)], 'weighed');
  const mixed = parts.convolve('mixed', 'weighed', [channels, channels, 1, 1], {});
  builder.node('Mul', [mixed, parts.gate('raise', mixed)], 'raised:part');
  builder.node('Add', [mixed, 'raised:part'], 'raised');
  const grown = parts.normalise('grown', parts.enlarge('grow', 'raised', channels), channels);
  builder.node('Relu', [grown], 'grown:relu');
  builder.node('Sigmoid', [parts.enlarge('map', 'grown:relu', 1)], 'map-of-text');
  return builder.encode(
    'tiny',
    [{ name: 'x', type: 'float32', shape: [1, 3, 'h', 'w'] }],
    [{ name: 'map-of-text', type: 'float32', shape: [1, 1, 'h', 'w'] }],
  );
}

/** Columns of the tiny reader before some are cut. */
export const tinyColumns = 7;

/** Takes `x`, `[n, 3, 48, width]`, normalised; gives `[n, width / 2, 7]` after a softmax, with shapes computed while it runs. */
export function tinyReaderFile(number: Numbers): Uint8Array {
  const parts = new Parts(number);
  const { builder } = parts;
  const stem = parts.normalise('stem', parts.convolve('stem:conv', 'x', [channels, 3, 3, 3], halved), channels);
  const bent = parts.shift('bent:shift', parts.hardSwish('bent', stem));
  const cut = [parts.convolve('cut:conv', bent, [channels, channels, 3, 3], padded), builder.scalar('zero', 0)];
  builder.node('Clip', [...cut, builder.scalar('six', 6)], 'cut');
  builder.node('MaxPool', ['cut'], 'most', { kernel_shape: [2, 1], strides: [2, 1] });
  builder.node('HardSigmoid', ['most'], 'most:gate', { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
  builder.node('Mul', ['most', 'most:gate'], 'swish');
  builder.node('AveragePool', ['swish'], 'line', { kernel_shape: [12, 1], strides: [12, 1] });
  builder.node('Shape', ['line'], 'line:shape');
  const [zero, two] = [builder.integers('from', [0]), builder.integers('to', [2])];
  builder.node('Slice', ['line:shape', zero, two], 'line:front');
  builder.node('Concat', ['line:front', builder.integers('rest', [-1])], 'flat:shape', { axis: 0 });
  builder.node('Reshape', ['line', 'flat:shape'], 'flat');
  builder.node('Transpose', ['flat'], 'steps', { perm: [0, 2, 1] });
  builder.node('MatMul', ['steps', parts.values('last:w', [channels, tinyColumns])], 'products');
  builder.node('Add', ['products', parts.values('last:b', [tinyColumns])], 'sums');
  builder.node('Softmax', ['sums'], 'shares', { axis: 2 });
  return builder.encode(
    'tiny',
    [{ name: 'x', type: 'float32', shape: ['n', 3, 48, 'w'] }],
    [{ name: 'shares', type: 'float32', shape: ['n', 't', tinyColumns] }],
  );
}
