import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { decodeSsd, ssdCoding } from '../../device/detect/decode-ssd.ts';
import { openEngine } from '../../device/detect/engine/open-engine.ts';
import { intersectionOverUnion } from '../../device/detect/unit-box.ts';
import { fraction } from '../../device/kernel/units.ts';
import { loadBundle } from '../contract/bundle.ts';
import { bundlesFolder, detectorFolder } from '../contract/places.ts';
import { readFrames } from '../frames/read-frames.ts';
import { recovery, share } from '../parity/compare.ts';
import { recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { runSource } from '../testing/run-source.ts';
import { leastParity, withVariant } from './print-parity.ts';

/** int8 against float against the graph that both came from, on real frames and the real engines. */

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const clips = [
  'redlight-clips/demo1.mp4',
  'redlight-clips/demo4.mp4',
  'traffic-video/loc-overpass/cars.mp4',
  'traffic-video/highway-curve/highway.mp4',
  'traffic-video/roadside-tree/input_video.mp4',
  'traffic-video/topdown-intel/car-detection.mp4',
];
const street = fileURLToPath(new URL('../../device/capture/street/street.mjpeg', import.meta.url));

/** The bar is for real frames. On the rendered street, which no calibration frame came from, 524 of 525 and 593 of 600 were measured. */
const leastStreetParity = 0.98;

const present = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

interface TestFrames {
  readonly frames: readonly Uint8Array[];
  /** Why the real clips were not used, where they were not. */
  readonly note: string | undefined;
}

/** At least 200 frames, evenly over real clips, or over the project's own where those are not at hand. */
async function decode(): Promise<TestFrames> {
  if (await present(data)) {
    const frames: Uint8Array[] = [];
    for (const clip of clips) {
      frames.push(...(await readFrames({ source: data + clip, count: 34, size: recipe.input })));
    }
    for (const clip of clips.slice(0, 3)) {
      for (const view of ['left-square', 'right-square'] as const) {
        frames.push(...(await readFrames({ source: data + clip, count: 6, size: recipe.input, view })));
      }
    }
    return { frames, note: undefined };
  }
  if (await present(street)) {
    const frames = await readFrames({ source: street, count: 200, size: recipe.input });
    return { frames, note: "the clips in ../shared/data are not here: the project's own street is used instead" };
  }
  return { frames: [], note: "neither the clips in ../shared/data nor the project's own street are here" };
}

const decoding = decode();

test.serial('int8 finds what float finds, and nothing else, on 200 frames', async (t) => {
  const { frames, note } = await decoding;
  if (note !== undefined) t.log(note);
  if (frames.length === 0) {
    t.log('nothing was compared');
    t.pass();
    return;
  }
  const float = await withVariant(bundlesFolder, 'float', (detect) => detect(frames));
  const int8 = await withVariant(bundlesFolder, 'int8', (detect) => detect(frames));
  const forth = recovery(float, int8, intersectionOverUnion);
  const back = recovery(int8, float, intersectionOverUnion);
  t.log(
    `${frames.length} frames: float found again by int8 ${forth.recovered} of ${forth.wanted}, int8 by float ${back.recovered} of ${back.wanted}`,
  );
  t.true(frames.length >= 200);
  t.true(forth.wanted >= 200, 'there is something to find');
  const least = note === undefined ? leastParity : leastStreetParity;
  t.true(share(forth) >= least);
  t.true(share(back) >= least);
});

test.serial('float ONNX gives the numbers of the TensorFlow.js graph', async (t) => {
  const noise = Uint8Array.from({ length: 300 * 300 * 3 }, (_, i) => (i * 7919) >>> 3);
  const frames = [noise, ...(await decoding).frames.filter((_, i) => i % 40 === 0)];
  const float = await withVariant(bundlesFolder, 'float', (_, engine) => inferAll(engine, frames));
  const tfjs = await withVariant(bundlesFolder, 'tfjs', (_, engine) => inferAll(engine, frames));
  const differences = frames.map((_, i) => ({
    boxes: largest(float[i]!.boxes, tfjs[i]!.boxes),
    scores: largest(float[i]!.scores, tfjs[i]!.scores),
  }));
  const worst = {
    boxes: Math.max(...differences.map((d) => d.boxes)),
    scores: Math.max(...differences.map((d) => d.scores)),
  };
  t.log(
    `largest difference on ${frames.length} frames: encodings ${worst.boxes.toExponential(1)}, logits ${worst.scores.toExponential(1)}`,
  );
  t.true(worst.boxes < 0.01 && worst.scores < 0.01);
});

test.serial('boxes and scores are those of the source graph with its own pre- and postprocessing', async (t) => {
  const { frames } = await decoding;
  const frame = frames[frames.length >> 1] ?? Uint8Array.from({ length: 300 * 300 * 3 }, (_, i) => (i * 7919) >>> 3);
  const bundle = await loadBundle(detectorFolder('float'));
  const engine = await openEngine(bundle);
  t.teardown(() => engine.close());
  const { manifest, anchors } = bundle;
  const everything = decodeSsd(await engine.infer(frame), ssdCoding(manifest, anchors), fraction(0));
  const source = await runSource(recipe, bundlesFolder, frame);
  t.is(everything.length, manifest.anchors.count * manifest.classes.length);
  const differences = everything.map(({ classIndex, score, box }, i) => {
    const row = Math.floor(i / manifest.classes.length);
    // The source graph drops the background column, so COCO class n is column n - 1.
    const theirs = source.scores[row * (recipe.sourceClasses - 1) + manifest.classes[classIndex]!.cocoId - 1]!;
    const [top, left, bottom, right] = source.boxes.subarray(row * 4, row * 4 + 4) as Iterable<number> as [
      number,
      number,
      number,
      number,
    ];
    const edges = [box.top - top, box.left - left, box.bottom - bottom, box.right - right].map(Math.abs);
    return { score: Math.abs(score - theirs), box: Math.max(...edges) };
  });
  const worst = {
    score: Math.max(...differences.map((d) => d.score)),
    box: Math.max(...differences.map((d) => d.box)),
  };
  t.log(`largest difference: score ${worst.score.toExponential(1)}, edge ${worst.box.toExponential(1)} of the picture`);
  t.true(worst.score < 1e-3);
  t.true(worst.box < 1e-3);
  t.true(source.scores.some((score) => score > 0.3) || frames.length === 0, 'the source graph finds something');
});

async function inferAll<T>(
  engine: { infer(frame: Uint8Array): Promise<T> },
  frames: readonly Uint8Array[],
): Promise<T[]> {
  const results: T[] = [];
  for (const frame of frames) results.push(await engine.infer(frame));
  return results;
}

function largest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
