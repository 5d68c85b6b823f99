import test from 'ava';
import { chooseReferences } from '../scene/drift/choose-references.ts';
import { patchSize } from '../scene/drift/match-patch.ts';
import { randomNumbers } from '../scene/testing/camera.ts';
import { compareReferences } from './compare-references.ts';
import type { Luma } from './facts.ts';
import { isCovered, judgeExposure, judgeFocus } from './judge-picture.ts';
import { blurOf, pictureFigures, stretchRange } from './picture-figures.ts';

const [width, height] = [640, 360];
const { uniform } = randomNumbers(7);

function made(grey: (x: number, y: number) => number): Luma {
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) data[i] = grey(i % width, Math.floor(i / width));
  return { width, height, data };
}

/** Stones of many greys, seen so many pixels aside. */
function wall(dx = 0): Luma {
  return made((x, y) => {
    const row = Math.floor(y / 11);
    return 40 + 170 * randomNumbers(row * 9173 + Math.floor((x - dx + 7 * (row % 3)) / 17)).uniform();
  });
}

/** Each pixel the mean of those within so many. */
function blurred({ data }: Luma, by: number): Luma {
  const at = (x: number, y: number): number =>
    data[Math.max(0, Math.min(height - 1, y)) * width + Math.max(0, Math.min(width - 1, x))] as number;
  return made((x, y) => {
    let sum = 0;
    for (let v = -by; v <= by; v++) for (let u = -by; u <= by; u++) sum += at(x + u, y + v);
    return sum / (2 * by + 1) ** 2;
  });
}

const none = { kind: 'none' } as const;
const sharp = wall();

test('a covered lens: black with the noise of a sensor, one grey, white', (t) => {
  const noisy = made(() => 8 + 5 * (uniform() - 0.5));
  for (const covered of [noisy, made(() => 0), made(() => 128), made(() => 255)]) {
    const figures = pictureFigures(covered);
    t.true(isCovered(figures), JSON.stringify(figures));
    t.is(judgeFocus(figures, none).outcome, 'not-tested');
    t.is(judgeExposure(figures).outcome, 'not-tested');
  }
  t.false(isCovered(pictureFigures(sharp)));
});

test('blur grows with every pixel of it, whatever the light, and is judged soft, then blurred', (t) => {
  const steps = [sharp, blurred(sharp, 1), blurred(sharp, 2), blurred(sharp, 4)];
  const values = steps.map(blurOf);
  t.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
  );
  const dim = { ...sharp, data: sharp.data.map((value) => value / 3) };
  t.true(Math.abs(blurOf(dim) - (values[0] ?? 0)) < 0.06);
  t.deepEqual(
    steps.map((one) => judgeFocus(pictureFigures(one), none).outcome).filter((_, i) => i !== 1),
    ['passed', 'doubtful', 'failed'],
  );
  t.is(blurOf(made(() => 9)), 1);
});

test('a picture that is smeared one way counts as blurred', (t) => {
  const smeared = made((x, y) => {
    let sum = 0;
    for (let u = -6; u <= 6; u++) sum += sharp.data[y * width + Math.max(0, Math.min(width - 1, x + u))] as number;
    return sum / 13;
  });
  t.true(blurOf(smeared) > 0.6);
});

test('shares of black and white, and the range of video stretched to its ends', (t) => {
  const halves = pictureFigures(made((x) => (x < width / 2 ? 0 : 255)));
  t.like(halves, { black: 0.5, white: 0.5, mean: 127.5, spread: 127.5 });
  t.is(judgeExposure(halves).code, 'exposure-bright');
  t.deepEqual([...stretchRange({ width: 4, height: 1, data: Uint8Array.of(16, 235, 0, 126) }).data], [0, 255, 0, 128]);
});

test('against the calibration: detail that is lost, and where the camera points', (t) => {
  const picture = ({ data }: Luma) => {
    const chroma = new Uint8Array((width * height) / 2).fill(128);
    return { format: 'yuv420p', range: 'full', width, height, data: Uint8Array.from([...data, ...chroma]) } as const;
  };
  const patches = chooseReferences(picture(sharp), []);
  t.true(patches.length >= 6 && patchSize === 48);
  const same = compareReferences(patches, picture(sharp), 2);
  t.true((same.detail ?? 0) > 0.99 && (same.shiftPx ?? 9) < 0.1);
  const soft = compareReferences(patches, picture(blurred(sharp, 1)), 2);
  t.true((soft.detail ?? 1) < 0.7, `${soft.detail}`);
  const softer = compareReferences(patches, picture(blurred(sharp, 3)), 2);
  t.true((softer.detail ?? 0) < (soft.detail ?? 0));
  const moved = compareReferences(patches, picture(wall(8)), 2);
  t.true(Math.abs((moved.shiftPx ?? 0) - 8) < 0.5);
  const dark = compareReferences(patches, picture(made(() => 10)), 2);
  t.deepEqual(dark, { kind: 'compared', patches: patches.length, seen: 0, agreeing: 0, allowedPx: 2 });
});
