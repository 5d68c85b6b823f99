import { join } from 'node:path';
import test from 'ava';
import sharp, { type Sharp } from 'sharp';
import type { Picture } from '../../capture/frame.ts';
import { undated } from '../../capture/frame-times.ts';
import { MjpegCamera } from '../../capture/mjpeg-camera.ts';
import { loadScene } from '../load-scene.ts';
import { chooseReferences } from './choose-references.ts';
import { DriftWatch, defaultDriftLimits, speedChange } from './drift-watch.ts';
import { estimateDrift } from './estimate-drift.ts';
import { preparePatch } from './match-patch.ts';

const device = join(import.meta.dirname, '../..');
const scene = await loadScene(join(device, 'scene/examples/street.yaml'));
const road = [...scene.lanes, ...scene.noStopping, ...scene.boxJunctions].map(({ polygon }) => polygon);

async function* streetFrames(): AsyncGenerator<Picture> {
  const camera = new MjpegCamera({
    path: join(device, 'capture/street/street.mjpeg'),
    nominalRate: 15,
    start: undated,
    onDamage: () => {},
  });
  const { signal } = new AbortController();
  await camera.open(signal);
  for await (const frame of camera.frames(signal)) {
    yield frame.picture;
    camera.release(frame);
  }
  await camera.close();
}

async function firstFrame(): Promise<Picture> {
  for await (const picture of streetFrames()) return { ...picture, data: picture.data.slice() };
  throw new Error('the clip is empty');
}

const first = await firstFrame();
const { width, height } = first;
const references = chooseReferences(first, road);
const patches = references.map(preparePatch);

/** The first picture as greys, changed by sharp. */
async function changed(change: (image: Sharp) => Sharp): Promise<Picture> {
  const channels = first.format === 'rgb24' ? 3 : 1;
  const input = sharp(first.data.subarray(0, width * height * channels), { raw: { width, height, channels } });
  const { data, info } = await change(input).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  if (info.width !== width || info.height !== height) throw new Error(`${info.width} x ${info.height}`);
  if (info.channels === 3) return { format: 'rgb24', width, height, data: new Uint8Array(data) };
  const grey = new Uint8Array(width * height * 2);
  for (let i = 0; i < width * height; i++) grey[i] = data[i * info.channels] ?? 0;
  return { format: 'yuv420p', width, height, range: 'full', data: grey };
}

const shifted = (dx: number, dy: number) =>
  changed((image) =>
    image
      .affine([1, 0, 0, 1], { odx: dx, ody: dy, interpolator: 'bicubic', background: '#808080' })
      .extract({ left: 0, top: 0, width, height }),
  );

test('the street has patches enough, off the road and far apart', (t) => {
  t.log(references.map(({ x, y }) => `(${x}, ${y})`).join(' '));
  t.true(references.length >= 6);
  t.true(Math.max(...references.map(({ x }) => x)) - Math.min(...references.map(({ x }) => x)) > width / 2);
});

test('over the whole clip the camera stands still: no look says otherwise, and few cannot be judged', async (t) => {
  const watch = new DriftWatch({ ...defaultDriftLimits(width), patience: 0, looks: 1 }, 0);
  let [worst, unjudged, looks] = [0, 0, 0];
  const spent: number[] = [];
  for await (const picture of streetFrames()) {
    looks += 1;
    const start = performance.now();
    const estimate = estimateDrift(patches, picture);
    spent.push(performance.now() - start);
    if (estimate.kind === 'judged') worst = Math.max(worst, estimate.shiftPx);
    else unjudged += 1;
    t.not(watch.observe(estimate, looks * 1000).kind, 'moved');
  }
  t.log(
    `${looks} looks, greatest shift ${worst.toFixed(2)} px, ${unjudged} not judged, ${(spent.toSorted((a, b) => a - b)[looks >> 1] ?? 0).toFixed(2)} ms a look`,
  );
  t.true(worst < 0.7);
  t.true(unjudged <= looks / 20);
});

for (const [dx, dy] of [
  [3, 0],
  [-2, 5],
  [-20, 12],
  [40, -35],
] as const) {
  test(`a shift by (${dx}, ${dy}) is measured`, async (t) => {
    const estimate = estimateDrift(patches, await shifted(dx, dy));
    if (estimate.kind !== 'judged') return t.fail(JSON.stringify(estimate));
    t.true(Math.abs(estimate.shiftPx - Math.hypot(dx, dy)) < 0.5, `${estimate.shiftPx}`);
    const { a, b } = estimate.moved;
    t.true(Math.abs(Math.hypot(a, b) - 1) < 0.002);
    return undefined;
  });
}

test('a turn about the middle is measured, and what it does to a speed is said', async (t) => {
  const turned = await changed((image) =>
    image.rotate(0.8, { background: '#808080' }).resize(width, height, { fit: 'cover', position: 'centre' }),
  );
  const cut = await changed((image) => image);
  t.true(estimateDrift(patches, cut).kind === 'judged');
  const estimate = estimateDrift(patches, turned);
  if (estimate.kind !== 'judged') return t.fail(JSON.stringify(estimate));
  t.true(estimate.shiftPx > 3);
  t.true(Math.abs(Math.atan2(estimate.moved.b, estimate.moved.a)) > 0.005);
  return undefined;
});

test('a camera that was tilted by ten pixels changes the length of the road, and so the speed, by per cents', (t) => {
  if (scene.ground === undefined) return t.fail();
  const change = speedChange(scene.ground, { a: 1, b: 0, dx: 0, dy: 10 });
  t.true(change !== undefined && Math.abs(change) > 0.01 && Math.abs(change) < 0.2, `${change}`);
  t.is(speedChange(scene.ground, { a: 1, b: 0, dx: 0, dy: 0 }), 0);
  return undefined;
});

test('dimmed, noisy and blurred pictures are still judged, and the camera stands still', async (t) => {
  const noise = await sharp({
    create: { width, height, channels: 3, background: '#808080', noise: { type: 'gaussian', mean: 128, sigma: 12 } },
  })
    .png()
    .toBuffer();
  for (const [what, picture] of [
    ['dimmed', await changed((image) => image.linear(0.35, 4))],
    ['brightened', await changed((image) => image.linear(1.2, 15))],
    ['noisy', await changed((image) => image.composite([{ input: noise, blend: 'soft-light' }]))],
    ['blurred', await changed((image) => image.blur(1))],
  ] as const) {
    const estimate = estimateDrift(patches, picture);
    t.is(estimate.kind, 'judged', what);
    if (estimate.kind === 'judged') t.true(estimate.shiftPx < 0.6, `${what}: ${estimate.shiftPx}`);
  }
});

test('night, fog and a covered lens give no judgement; a lorry before half of the patches gives the right one or none', async (t) => {
  const black = await changed((image) => image.linear(0.01, 2));
  t.like(estimateDrift(patches, black), { kind: 'not-judged' });
  const fog = await changed((image) => image.linear(0.02, 190));
  t.like(estimateDrift(patches, fog), { kind: 'not-judged' });
  const strange = await sharp({
    create: { width, height, channels: 3, background: '#000', noise: { type: 'gaussian', mean: 128, sigma: 40 } },
  })
    .raw()
    .toBuffer();
  t.like(estimateDrift(patches, { format: 'rgb24', width, height, data: new Uint8Array(strange) }), {
    kind: 'not-judged',
  });
  const lorry = await sharp({ create: { width: width / 2, height, channels: 3, background: '#8a8f94' } })
    .png()
    .toBuffer();
  for (const left of [0, width / 2]) {
    const covered = await changed((image) => image.composite([{ input: lorry, left, top: 0 }]));
    const estimate = estimateDrift(patches, covered);
    if (estimate.kind === 'judged') t.true(estimate.shiftPx < 0.5);
  }
});
