import test from 'ava';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { shapeFinder, shapeReader } from '../bundles/load-network.ts';
import { leastSquaresRange } from '../calibration/histogram.ts';
import { observe } from '../calibration/observe.ts';
import { numbers } from '../frames/draw-plate.ts';
import type { Normalisation } from '../network/ends.ts';
import type { Network } from '../network/network.ts';
import { readNetwork } from '../onnx/read-network.ts';
import { writeNetwork } from '../onnx/write-network.ts';
import { writeQuantisedNetwork } from '../onnx/write-quantised-network.ts';
import { observedTensors } from '../quantise/plan.ts';
import { normalised } from '../testing/normalise-picture.ts';
import { tinyColumns, tinyFinder, tinyFinderFile, tinyReader, tinyReaderFile } from '../testing/tiny-network.ts';

/** Imported networks against the files that they came from: both are run, on small networks of any weights and size. */

function weights(seed: number): () => number {
  const number = numbers(seed);
  return () => 2 * number() - 1;
}

async function run(graph: Uint8Array, input: Tensor): Promise<Tensor> {
  const session = await InferenceSession.create(graph, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const results = await session.run({ [session.inputNames[0] ?? '']: input });
    return results[session.outputNames[0] ?? '']!;
  } finally {
    await session.release();
  }
}

function bytes(seed: number, shape: readonly [number, number, number, number]): Tensor {
  const number = numbers(seed);
  const length = shape.reduce((product, side) => product * side, 1);
  return new Tensor(
    'uint8',
    Uint8Array.from({ length }, () => 256 * number()),
    shape,
  );
}

function largestDifference(a: Tensor, b: Tensor): number {
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  return x.length === y.length ? x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0) : Infinity;
}

const preprocessed = (recipe: { normalisation: Normalisation | 'inside' }) => recipe.normalisation as Normalisation;

test.serial('a folded finder computes what its file computes, to 1e-5, at any size', async (t) => {
  const side = fc.integer({ min: 1, max: 4 });
  await t.notThrowsAsync(
    fc.assert(
      fc.asyncProperty(fc.nat(), side, side, async (seed, h, w) => {
        const file = tinyFinderFile(weights(seed));
        const network = shapeFinder(readNetwork(file), tinyFinder);
        const picture = bytes(seed, [1, 32 * h, 32 * w, 3]);
        const wanted = await run(file, normalised(picture, preprocessed(tinyFinder)));
        const given = await run(writeNetwork(network), picture);
        if (given.dims.join() !== [1, 32 * h, 32 * w].join()) throw new Error(`it gives ${given.dims}`);
        const difference = largestDifference(wanted, given);
        if (difference > 1e-5) throw new Error(`they differ by ${difference}`);
      }),
      { numRuns: 20 },
    ),
  );
});

test('nothing that can be folded is left', (t) => {
  const { nodes } = shapeFinder(readNetwork(tinyFinderFile(weights(1))), tinyFinder);
  const left = (op: string) => nodes.filter((node) => node.op === op).length;
  for (const op of ['BatchNormalization', 'ConvTranspose', 'Div', 'Clip']) t.is(left(op), 0, op);
  t.is(left('HardSwish'), 2);
  t.is(left('DepthToSpace'), 1);
  // One term stands before a padded convolution, one before an average and a product; one raises a gate.
  t.is(left('Add'), 3);
});

const columns = [0, 5, 2] as const;

function reader(seed: number): Network {
  return shapeReader(readNetwork(tinyReaderFile(weights(seed))), tinyReader, columns);
}

test.serial('a cut reader gives exactly the logits of the columns that were kept, for any batch', async (t) => {
  await t.notThrowsAsync(
    fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 4, max: 9 }), async (seed, n, w) => {
        const picture = bytes(seed, [n, 48, 8 * w, 3]);
        const given = await run(writeNetwork(reader(seed)), picture);
        if (given.dims.join() !== [n, 4 * w, 3].join()) throw new Error(`it gives ${given.dims}`);
        const shares = (await run(tinyReaderFile(weights(seed)), normalised(picture, preprocessed(tinyReader))))
          .data as Float32Array;
        const logits = given.data as Float32Array;
        for (let step = 0; step < n * 4 * w; step++) {
          for (const [to, from] of columns.entries()) {
            // A softmax keeps the differences of logits as those of logarithms.
            const wanted = Math.log(shares[step * tinyColumns + from]! / shares[step * tinyColumns]!);
            const difference = Math.abs(logits[step * 3 + to]! - logits[step * 3]! - wanted);
            if (difference > 1e-3) throw new Error(`column ${to} of step ${step} is ${difference} off`);
          }
        }
      }),
      { numRuns: 20 },
    ),
  );
});

test.serial('cutting columns changes no bit of those that stay', async (t) => {
  const picture = bytes(3, [2, 48, 40, 3]);
  const whole = shapeReader(readNetwork(tinyReaderFile(weights(3))), { ...tinyReader, alphabet: 'ABCDEF' }, 'all');
  const all = (await run(writeNetwork(whole), picture)).data as Float32Array;
  const kept = (await run(writeNetwork(reader(3)), picture)).data as Float32Array;
  t.is(kept.length / columns.length, all.length / tinyColumns);
  for (const [i, value] of kept.entries())
    t.is(value, all[Math.floor(i / 3) * tinyColumns + (columns[i % 3] ?? -1)]!, `value ${i}`);
});

async function quantised(network: Network, pictures: readonly Tensor[], floatLayers: readonly string[] = []) {
  const layers = new Set(floatLayers);
  const names = observedTensors(network, layers);
  const exposed = network.copy();
  exposed.outputs = names.map((name) => ({ name, type: 'float32' }));
  const seen = pictures.map(({ data, dims }) => ({
    data: data as Uint8Array,
    height: dims[1] ?? 0,
    width: dims[2] ?? 0,
  }));
  const histograms = await observe(writeNetwork(exposed), names, seen);
  const ranges = new Map(names.map((name) => [name, leastSquaresRange(histograms.get(name)!)] as const));
  return { ranges, graph: writeQuantisedNetwork(network, ranges, layers) };
}

test.serial('int8 follows float within a few steps, with and without layers in float32', async (t) => {
  for (const floatLayers of [[], ['stem', 'deep']]) {
    const network = shapeFinder(readNetwork(tinyFinderFile(weights(7))), tinyFinder);
    const pictures = [1, 2, 3].map((seed) => bytes(seed, [1, 64, 96, 3]));
    const { graph } = await quantised(network, pictures, floatLayers);
    const other = bytes(9, [1, 32, 128, 3]);
    const [float, int8] = [await run(writeNetwork(network), other), await run(graph, other)];
    t.deepEqual(int8.dims, float.dims);
    const [a, b] = [float.data as Float32Array, int8.data as Float32Array];
    const mean = a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
    const spread = Math.max(...a) - Math.min(...a);
    t.true(spread > 0.1, 'the map says something');
    t.true(mean < 0.03 * spread, `${mean} apart on average over ${spread}`);
  }
});

test.serial('an int8 reader follows float, whatever its convolutions end in', async (t) => {
  const network = shapeReader(readNetwork(tinyReaderFile(weights(5))), tinyReader, columns);
  const { graph } = await quantised(
    network,
    [1, 2, 3].map((seed) => bytes(seed, [1, 48, 64, 3])),
  );
  const other = bytes(9, [2, 48, 40, 3]);
  const [float, int8] = [await run(writeNetwork(network), other), await run(graph, other)];
  const [a, b] = [float.data as Float32Array, int8.data as Float32Array];
  const spread = Math.max(...a) - Math.min(...a);
  t.true(spread > 0.1, 'the logits say something');
  t.true(largestDifference(float, int8) < 0.05 * spread, `${largestDifference(float, int8)} over ${spread}`);
  t.is(a.length, b.length);
});

test.serial('a range that is missing is refused by the name of its tensor', async (t) => {
  const network = shapeFinder(readNetwork(tinyFinderFile(weights(7))), tinyFinder);
  const { ranges } = await quantised(network, [bytes(1, [1, 32, 32, 3])]);
  const [name = ''] = ranges.keys();
  ranges.delete(name);
  const error = t.throws(() => writeQuantisedNetwork(network, ranges, new Set()), { instanceOf: AtalayaError });
  t.is(error?.code, 'bundle-invalid');
  t.true(error?.message.includes(name));
});

test('a file that is no network, and one without the tensor that the recipe names, are refused', (t) => {
  for (const file of [new Uint8Array(0), Uint8Array.of(1, 2, 3), new TextEncoder().encode('<html>')]) {
    t.is(t.throws(() => readNetwork(file), { instanceOf: AtalayaError })?.code, 'bundle-invalid');
  }
  const finder = readNetwork(tinyFinderFile(weights(1)));
  const error = t.throws(() => shapeFinder(finder, { ...tinyFinder, probability: 'elsewhere' }), {
    instanceOf: AtalayaError,
  });
  t.regex(error?.message ?? '', /elsewhere/);
  const cut = t.throws(() => shapeReader(readNetwork(tinyReaderFile(weights(1))), tinyReader, [0, tinyColumns]), {
    instanceOf: AtalayaError,
  });
  t.regex(cut?.message ?? '', /7 columns/);
  const floats = t.throws(
    () => shapeReader(readNetwork(tinyReaderFile(weights(1))), { ...tinyReader, normalisation: 'inside' }, 'all'),
    { instanceOf: AtalayaError },
  );
  t.regex(floats?.message ?? '', /bytes/);
});
