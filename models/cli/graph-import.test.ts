import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { openEngine } from '../../device/detect/engine/open-engine.ts';
import type { RawOutput } from '../../device/detect/inference-engine.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { describeBundle } from '../bundles/describe-bundle.ts';
import { floatBytes } from '../bundles/float-bytes.ts';
import { writeBundle } from '../bundles/write-bundle.ts';
import { loadBundle } from '../contract/bundle.ts';
import type { Variant } from '../contract/places.ts';
import { keepColumns } from '../graph/keep-classes.ts';
import type { Detector } from '../graph/layers.ts';
import { lower } from '../graph/lower.ts';
import { writeFloat } from '../onnx/write-float.ts';
import { quantisedLayers, writeQuantised } from '../onnx/write-quantised.ts';
import type { Range } from '../quantise/affine.ts';
import type { Recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { type TinyShape, tinyGraph, tinyRecipe } from '../testing/tiny-graph.ts';
import type { TfGraph } from '../tfjs/read-graph.ts';
import { writeTfjs } from '../tfjs/write-graph.ts';

/** The imported graph against the graph that it came from: each is run by an engine of its own, on small graphs of any size. */

/** Numbers from -1 to 1 that a seed fixes (linear congruence after Numerical Recipes). */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

// No kernel smaller than its stride: there tfjs's wasm backend (4.22) disagrees with its own cpu backend.
const steps = fc.constantFrom([1, 1], [2, 1], [2, 2], [3, 1], [3, 2], [3, 3], [5, 2], [5, 3]);
const side = fc.integer({ min: 4, max: 19 });
const shapes: fc.Arbitrary<TinyShape & { seed: number }> = fc
  .record({ width: side, height: side, step: steps, seed: fc.nat() })
  .map(({ step: [kernel = 1, stride = 1], ...rest }) => ({ ...rest, kernel, stride }));

interface Imported {
  readonly recipe: Recipe;
  readonly graph: TfGraph;
  readonly detector: Detector;
}

function importTiny(shape: TinyShape, seed: number): Imported {
  const recipe = tinyRecipe(shape);
  const graph = tinyGraph(shape, numbers(seed));
  return {
    recipe,
    graph,
    detector: keepColumns(
      lower(graph, recipe),
      recipe.classes.map((kept) => kept.cocoId),
    ),
  };
}

async function infer(
  folder: string,
  variant: Variant,
  { recipe, detector }: Imported,
  files: Map<string, Uint8Array>,
  input: Uint8Array,
) {
  const place = join(folder, variant);
  files.set('anchors.bin', floatBytes(detector.anchors));
  await writeBundle(place, describeBundle(recipe, variant, detector, '0'.repeat(64)), files);
  const engine = await openEngine(await loadBundle(place), { tfjs: { backend: 'wasm' } });
  try {
    return await engine.infer(input);
  } finally {
    await engine.close();
  }
}

function largestDifference(a: RawOutput, b: RawOutput): number {
  const pairs = [
    [a.boxes, b.boxes],
    [a.scores, b.scores],
  ] as const;
  return Math.max(
    ...pairs.flatMap(([x, y]) =>
      x.length === y.length ? Array.from(x, (value, i) => Math.abs(value - y[i]!)) : [Infinity],
    ),
  );
}

async function scratch(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-graph-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test.serial(
  'folded float ONNX computes what the unfolded graph computes, at any size, kernel and stride',
  async (t) => {
    const folder = await scratch(t);
    const property = fc.asyncProperty(shapes, async ({ seed, ...shape }) => {
      const imported = importTiny(shape, seed);
      const input = Uint8Array.from({ length: shape.width * shape.height * 3 }, (_, i) => (i * 37 + seed) & 255);
      const onnx = await infer(
        folder,
        'float',
        imported,
        new Map([['model.onnx', writeFloat(imported.detector)]]),
        input,
      );
      const tfjs = await infer(folder, 'tfjs', imported, writeTfjs(imported.graph, imported.recipe), input);
      const difference = largestDifference(onnx, tfjs);
      if (difference > 1e-3) throw new Error(`they differ by ${difference}`);
    });
    await t.notThrowsAsync(fc.assert(property, { numRuns: 25 }));
  },
);

test.serial('int8 ONNX follows the float one within a few steps', async (t) => {
  const folder = await scratch(t);
  const shape = { width: 17, height: 12, kernel: 3, stride: 2 };
  const imported = importTiny(shape, 7);
  const input = Uint8Array.from({ length: shape.width * shape.height * 3 }, (_, i) => (i * 37) & 255);
  const ranges = new Map(
    quantisedLayers(imported.detector).map((layer): [string, Range] => [
      layer.name,
      layer.kind === 'convolution' && layer.activation === 'relu6' ? [0, 6] : [-16, 16],
    ]),
  );
  const float = await infer(folder, 'float', imported, new Map([['model.onnx', writeFloat(imported.detector)]]), input);
  const int8 = await infer(
    folder,
    'int8',
    imported,
    new Map([['model.onnx', writeQuantised(imported.detector, ranges)]]),
    input,
  );
  const difference = largestDifference(float, int8);
  t.true(difference > 0 && difference < 0.5, `they differ by ${difference}`);
});

test('the same graph gives the same bytes', (t) => {
  const shape = { width: 9, height: 8, kernel: 3, stride: 2 };
  const [a, b] = [importTiny(shape, 3), importTiny(shape, 3)];
  t.deepEqual(writeFloat(a.detector), writeFloat(b.detector));
  t.deepEqual(writeTfjs(a.graph, a.recipe), writeTfjs(b.graph, b.recipe));
});

test('what cannot be folded exactly is refused, naming the node', (t) => {
  const shape = { width: 8, height: 8, kernel: 3, stride: 1 };
  const refusal = (
    change: (
      graph: Map<
        string,
        { name: string; op: string; inputs: readonly string[]; attr: Readonly<Record<string, unknown>> }
      >,
    ) => void,
  ) => {
    const { nodes, weights } = tinyGraph(shape, numbers(1));
    const changed = new Map(nodes);
    change(changed);
    const error = t.throws(() => lower({ nodes: changed, weights }, tinyRecipe(shape)), { instanceOf: AtalayaError });
    t.is(error?.code, 'bundle-invalid');
    return error?.message ?? '';
  };
  const node = (name: string, op: string, inputs: readonly string[]) => ({ name, op, inputs, attr: {} });
  t.regex(
    refusal((nodes) => nodes.set('deep/Relu6', node('deep/Relu6', 'Tanh', ['deep/add']))),
    /deep\/Relu6.*Tanh/,
  );
  t.regex(
    refusal((nodes) => nodes.set('block/leaf', node('block/leaf', 'AddN', ['branch', 'stem/add']))),
    /stem\/add.*read by 2/,
  );
  t.regex(
    refusal((nodes) => nodes.set('deep/mul', node('deep/mul', 'Mul', ['stem/Relu6', 'deep/factor']))),
    /stem\/Relu6|deep\/mul/,
  );
  t.regex(
    refusal((nodes) => nodes.delete('last/norm')),
    /last\/norm/,
  );
});

test('a layer without a range is refused by name', (t) => {
  const { detector } = importTiny({ width: 8, height: 8, kernel: 3, stride: 1 }, 1);
  const error = t.throws(() => writeQuantised(detector, new Map()), { instanceOf: AtalayaError });
  t.is(error?.code, 'bundle-invalid');
  t.regex(error?.message ?? '', /stem/);
});

test('a shard that is missing or cut is refused', async (t) => {
  const { readGraph } = await import('../tfjs/read-graph.ts');
  const { graph, recipe } = importTiny({ width: 8, height: 8, kernel: 3, stride: 1 }, 1);
  const files = writeTfjs(graph, recipe);
  t.true(readGraph(files).nodes.size > 0);
  const weights = files.get('weights.bin')!;
  const cut = t.throws(() => readGraph(new Map(files).set('weights.bin', weights.subarray(0, -4))), {
    instanceOf: AtalayaError,
  });
  t.is(cut?.code, 'bundle-invalid');
  files.delete('weights.bin');
  const missing = t.throws(() => readGraph(files), { instanceOf: AtalayaError });
  t.is(missing?.code, 'bundle-file-missing');
  t.regex(missing?.message ?? '', /weights\.bin/);
});
