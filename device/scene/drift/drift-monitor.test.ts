import test from 'ava';
import type { Picture } from '../../capture/frame.ts';
import { parseScene } from '../load-scene.ts';
import { measureSpeed } from '../speed.ts';
import { randomNumbers } from '../testing/camera.ts';
import { chooseReferences } from './choose-references.ts';
import { DriftMonitor } from './drift-monitor.ts';
import { readReferences, writeReferences } from './references-file.ts';

const width = 960;
const height = 540;

/** A wall of stones of many greys, seen so many pixels aside. */
function wall(dx: number, dy: number, format: Picture['format'] = 'yuv420p'): Picture {
  const step = format === 'rgb24' ? 3 : 1;
  const data = new Uint8Array(format === 'rgb24' ? width * height * 3 : (width * height * 3) / 2).fill(128);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x - dx + 4000, y - dy + 4000];
      const row = Math.floor(v / 11);
      const stone = randomNumbers(row * 9173 + Math.floor((u + 7 * (row % 3)) / 17)).uniform();
      const grey = 40 + 170 * stone;
      for (let i = 0; i < step; i++) data[(y * width + x) * step + i] = grey;
    }
  }
  return format === 'rgb24' ? { format, width, height, data } : { format, width, height, data, range: 'full' };
}

const still = wall(0, 0);
const made = {
  scene: 'wall',
  picture: { width, height },
  made: '2026-05-04T10:00:00.000Z',
  patches: chooseReferences(still, []),
};
const limits = { movedPx: 2, patience: 120_000, looks: 3, forgets: 600_000 };

test('references go through their file; what is none is refused', (t) => {
  t.is(made.patches.length, 12);
  t.deepEqual(readReferences(writeReferences(made), 'r.json'), made);
  const said = (text: string) =>
    t.throws(() => readReferences(text, 'r.json'), { code: 'scene-invalid' })?.message ?? '';
  t.regex(said('x'), /not JSON/);
  t.regex(said(writeReferences({ ...made, patches: made.patches.slice(0, 2) })), /patches/);
  t.regex(said(writeReferences({ ...made, picture: { width: 100, height: 100 } })), /is no patch of this picture/);
});

test('a look now and then: moved is said after its time, with what it does to a speed, and speed is refused', (t) => {
  const scene = parseScene(
    `
name: wall
picture: { width: ${width}, height: ${height} }
calibration:
  points:
    - { image: [100, 500], road: [-4, 10] }
    - { image: [860, 500], road: [4, 10] }
    - { image: [380, 180], road: [-4, 40] }
    - { image: [580, 180], road: [4, 40] }
`,
    'wall',
  );
  const monitor = new DriftMonitor({ references: made, picture: still, ground: scene.ground, limits });
  t.is(monitor.report, undefined);
  let at = 0;
  const frames = (picture: Picture, seconds: number): void => {
    for (const end = at + seconds * 1000; at < end; at += 5000) monitor.look(picture, at);
  };
  frames(still, 60);
  t.is(monitor.report?.state.kind, 'still');
  t.is(monitor.speedDoubt, undefined);
  frames(wall(2, 9), 60);
  t.is(monitor.report?.state.kind, 'suspected');
  t.is(monitor.speedDoubt, undefined);
  frames(wall(2, 9), 90);
  t.is(monitor.report?.state.kind, 'moved');
  t.is(monitor.accusationDoubt, undefined, 'its lines still lie nearly where they were drawn');
  t.regex(
    monitor.report?.says ?? '',
    /the camera was moved: the picture lies 9\.2 px .* a speed would be wrong by -?\d+\.\d %/,
  );
  t.true(Math.abs(monitor.report?.speedShare ?? 0) > 0.005);
  const refused = measureSpeed([], 'car', { ground: scene.ground, picture: scene.picture, doubt: monitor.speedDoubt });
  t.like(refused, { stated: false, reason: 'camera-moved', says: monitor.speedDoubt });
  frames(wall(2, 14), 60);
  t.is(monitor.accusationDoubt, monitor.report?.says);
  frames(still, 200);
  t.is(monitor.report?.state.kind, 'still');
  t.is(monitor.accusationDoubt, undefined);
});

test('RGB pictures are judged as luma is', (t) => {
  const monitor = new DriftMonitor({
    references: made,
    picture: still,
    ground: undefined,
    every: 1,
    limits: { ...limits, patience: 0, looks: 1 },
  });
  monitor.look(wall(0, 0, 'rgb24'), 0);
  t.is(monitor.report?.state.kind, 'still');
  monitor.look(wall(-6, 3, 'rgb24'), 10);
  t.is(monitor.report?.state.kind, 'moved');
});

test('references of another size are refused with what to do', (t) => {
  const other = { width: 1920, height: 1080 };
  t.throws(() => new DriftMonitor({ references: made, picture: other, ground: undefined }), {
    code: 'scene-mismatch',
    message: /960 x 540/,
  });
});
