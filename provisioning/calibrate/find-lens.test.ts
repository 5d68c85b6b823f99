import test from 'ava';
import { bend, lensBefore } from '../../device/scene/lens.ts';
import { project, randomNumbers, testCamera } from '../../device/scene/testing/camera.ts';
import { findLens } from './find-lens.ts';

/** Lane edges and kerbs, and a few things across. */
function linesThrough(k1: number, k2: number, noise: number, seed: number) {
  const lens = lensBefore({ k1, k2 }, testCamera);
  const { normal } = randomNumbers(seed);
  const at = (x: number, y: number) => {
    const { x: u, y: v } = bend(lens, project(testCamera, x, y));
    return { x: u + noise * normal(), y: v + noise * normal() };
  };
  const along = [-6, -3, 3.5, 7].map((x) => [16, 18, 21, 25, 31, 40, 60].map((y) => at(x, y)));
  const across = [17, 24].map((y) => [-6, -4, -1, 2, 4.5, 6.5].map((x) => at(x, y)));
  return [...along, ...across];
}

test('the lens comes out of the lines, within its own stated error', (t) => {
  const truth = { k1: -0.12, k2: 0.02 };
  const runs = 120;
  let within = 0;
  for (let seed = 0; seed < runs; seed++) {
    const outcome = findLens(linesThrough(truth.k1, truth.k2, 0.5, seed), testCamera, 0.5);
    if (outcome.kind !== 'found') return t.fail(JSON.stringify(outcome));
    const { model, deviations } = outcome.lens;
    let [a, b, d] = [0, 0, 0];
    for (const [d1, d2] of deviations) {
      a += d1 * d1;
      b += d1 * d2;
      d += d2 * d2;
    }
    const [e1, e2] = [model.k1 - truth.k1, model.k2 - truth.k2];
    if ((d * e1 * e1 - 2 * b * e1 * e2 + a * e2 * e2) / (a * d - b * b) <= 6) within += 1;
  }
  // Chi-squared of two dimensions: 95 % within 6.
  t.log(`${within} of ${runs} within`);
  t.true(within >= 0.9 * runs);
  return undefined;
});

test('exact lines give the exact lens', (t) => {
  const outcome = findLens(linesThrough(-0.15, 0.03, 0, 1), testCamera, 0.5);
  if (outcome.kind !== 'found') return t.fail(JSON.stringify(outcome));
  t.true(Math.abs(outcome.lens.model.k1 + 0.15) < 0.004, `${outcome.lens.model.k1}`);
  t.true(outcome.lens.residualPx < 0.05);
  t.true(outcome.lens.deliveredPx > 2);
  return undefined;
});

test('a lens that bends nothing is said to be straight', (t) => {
  t.is(findLens(linesThrough(0, 0, 0.5, 3), testCamera, 0.5).kind, 'straight');
});

test('too few lines, too few points, a crooked line and lines that tell nothing are refused with a sentence', (t) => {
  const lines = linesThrough(-0.12, 0.02, 0.3, 5);
  const marks = [-6, 6].flatMap((x) => [16, 30].map((y) => project(testCamera, x, y)));
  const said = (given: typeof lines) => {
    const outcome = findLens(given, testCamera, 0.5, [...marks, ...given.flat()]);
    return outcome.kind === 'refused' ? outcome.says : outcome.kind;
  };
  t.regex(said(lines.slice(0, 2)), /2 lines are drawn, 3 are needed/);
  t.regex(said([...lines, lines[0]?.slice(0, 3) ?? []]), /line 7 has 3 points, 4 are needed/);
  const crooked = lines.map((line, i) =>
    i === 2 ? line.map((point, j) => (j === 3 ? { x: point.x + 14, y: point.y } : point)) : line,
  );
  t.regex(said(crooked), /line 3 is bent by \d+\.\d px with any lens/);
  const short = [0, 0.2, -0.2].map((x) => [30, 31, 32, 33].map((y) => project(testCamera, x, y)));
  t.regex(said(short), /tell too little of the lens/);
});
