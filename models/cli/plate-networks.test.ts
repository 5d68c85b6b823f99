import test from 'ava';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type OpenGraph, openGraph } from '../calibration/observe.ts';
import { loadBundle, loadBundleFor } from '../contract/bundle.ts';
import { bundlesFolder, plateFolder } from '../contract/places.ts';
import { pasteFrame } from '../frames/crop-frame.ts';
import { drawPlate, numbers, type PlateDrawing } from '../frames/draw-plate.ts';
import type { Normalisation } from '../network/ends.ts';
import { greedyText, regionsOf } from '../parity/regions.ts';
import { plateFinder, plateReader } from '../recipe/ppocr-v4.ts';
import { fetchTarball, type NpmSource } from '../source/npm-tarball.ts';
import { normalised } from '../testing/normalise-picture.ts';

/** The imported plate networks on plates that are drawn here. */

const finder = 'plate-finder-ppocr-v4';
const reader = 'plate-reader-ppocr-v4';

const plate = (text: string, change: Partial<PlateDrawing> = {}): PlateDrawing => ({
  text,
  background: '#f4f4ee',
  ink: '#111111',
  font: 'DejaVu Sans',
  seen: 192,
  blur: 0,
  ...change,
});

const plates = [
  plate('ABC123'),
  plate('AD456KL'),
  plate('KRT7W52', { ink: '#1c2c86' }),
  plate('HJXB82', { background: '#f2c530' }),
  plate('734PQM', { background: '#151515', ink: '#e8e8e8' }),
  plate('ZNE904', { seen: 120, blur: 0.6 }),
];

async function openFinder(variant: 'float' | 'int8') {
  const { manifest, read } = await loadBundleFor(plateFolder(finder, variant), 'text-detection');
  return { manifest, graph: await openGraph(await read(manifest.graph)) };
}

async function openReader(variant: 'float' | 'int8') {
  const { manifest, read } = await loadBundleFor(plateFolder(reader, variant), 'text-recognition');
  return { manifest, graph: await openGraph(await read(manifest.graph)) };
}

async function closing<T>(graphs: readonly OpenGraph[], use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    for (const graph of graphs) await graph.close();
  }
}

test.serial('float and int8 read the same from drawn plates: what is written on them', async (t) => {
  const { graph: float, manifest } = await openReader('float');
  const { graph: int8 } = await openReader('int8');
  await closing([float, int8], async () => {
    for (const drawing of plates) {
      const size = { width: 192, height: manifest.input.height };
      const picture = { ...size, data: await drawPlate(drawing, size.width, size.height) };
      const [a, b] = [await float.infer(picture), await int8.infer(picture)];
      t.is(a.length, (size.width / manifest.stride) * manifest.outputs.logits.columns);
      t.is(greedyText(a, manifest.alphabet), drawing.text);
      t.is(greedyText(b, manifest.alphabet), drawing.text);
    }
  });
});

test.serial('the float graphs compute what the graphs of the tarball compute', async (t) => {
  const files = await fetchTarball(plateFinder.source as NpmSource, bundlesFolder);
  const number = numbers(11);
  for (const [recipe, [height, width], limit] of [
    [plateFinder, [64, 96], 1e-5],
    [plateReader, [48, 120], 1e-3],
  ] as const) {
    const { normalisation, source } = recipe;
    const data = Uint8Array.from({ length: height * width * 3 }, () => 256 * number());
    const picture = normalised(new Tensor('uint8', data, [1, height, width, 3]), normalisation as Normalisation);
    const { graph } = recipe.task === 'text-detection' ? await openFinder('float') : await openReader('float');
    const file = files.get(source.kind === 'npm' ? source.graph : '') ?? new Uint8Array(0);
    const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
    const results = await session.run({ [session.inputNames[0] ?? '']: picture });
    const wanted = results[session.outputNames[0] ?? '']?.data as Float32Array;
    await session.release();
    const given = await closing([graph], () => graph.infer({ data, width, height }));
    if (recipe.task === 'text-detection') {
      t.is(given.length, wanted.length);
      t.true(given.every((value, i) => Math.abs(value - wanted[i]!) < limit));
      continue;
    }
    // Of the 6625 shares of a step those of the blank, of 0 and of A are compared as differences of logits.
    const list = new TextDecoder().decode(files.get('package/assets/ppocr_keys_v1.txt')).split('\n');
    const from = [0, list.indexOf('0') + 1, list.indexOf('A') + 1];
    const to = [0, 1, 11];
    for (let step = 0; step < given.length / 37; step++) {
      const shares = from.map((column) => wanted[step * 6625 + column]!);
      const logits = to.map((column) => given[step * 37 + column]!);
      for (const i of [1, 2]) {
        const difference = Math.log(shares[i]! / shares[0]!) - (logits[i]! - logits[0]!);
        if (shares[i]! > 1e-30) t.true(Math.abs(difference) < limit * 10, `step ${step}: ${difference}`);
      }
    }
  }
});

test.serial('a line may have any width that the manifest states', async (t) => {
  const { graph, manifest } = await openReader('int8');
  await closing([graph], async () => {
    const { width, height } = manifest.input;
    for (const wide of [width.smallest, 104, 320, width.largest]) {
      const data = new Uint8Array(wide * height * 3).fill(128);
      const logits = await graph.infer({ width: wide, height, data });
      t.is(logits.length, (wide / manifest.stride) * manifest.outputs.logits.columns);
      t.true(logits.every(Number.isFinite));
    }
  });
});

test.serial('float and int8 find the same drawn plate, and nothing on an even picture', async (t) => {
  const { graph: float } = await openFinder('float');
  const { graph: int8 } = await openFinder('int8');
  const bounds = { threshold: 0.3, fewest: 12 };
  await closing([float, int8], async () => {
    for (const [width, height] of [
      [320, 224],
      [640, 480],
      [160, 96],
    ] as const) {
      const even = { width, height, data: new Uint8Array(width * height * 3).fill(110) };
      const size = { width: 120, height: 36 };
      const [left, top] = [Math.round((width - size.width) / 2), Math.round((height - size.height) * 0.6)];
      const drawn = { ...size, data: await drawPlate(plate('ABC123', { seen: 120 }), size.width, size.height) };
      const scene = { width, height, data: await pasteFrame(even, drawn, left, top) };
      for (const graph of [float, int8]) {
        const map = await graph.infer(scene);
        t.is(map.length, width * height);
        t.true(map.every((value) => value >= 0 && value <= 1));
        const [region, ...others] = regionsOf(map, width, bounds);
        t.deepEqual(others, []);
        t.true(region !== undefined && region.left >= left && region.right <= left + size.width);
        t.true(region !== undefined && region.top >= top && region.bottom <= top + size.height);
        t.true(region !== undefined && region.right - region.left > size.width / 2);
        t.deepEqual(regionsOf(await graph.infer(even), width, bounds), []);
      }
    }
  });
});

test.serial('a plate network is refused where a detector is wanted, and the other way about, by name', async (t) => {
  await t.throwsAsync(loadBundle(plateFolder(finder, 'int8')), {
    message: /text-detection; one for vehicle-detection/,
  });
  await t.throwsAsync(loadBundleFor(plateFolder(reader, 'int8'), 'text-detection'), {
    message: /text-recognition; one for text-detection/,
  });
});
