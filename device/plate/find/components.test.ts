import test from 'ava';
import fc from 'fast-check';
import { componentsOf } from './components.ts';

const threshold = 0.5;

/** Pixels of each piece, by spreading a label from neighbour to neighbour until nothing changes. */
function piecesByLabels(map: Float32Array, width: number, height: number): number[][] {
  const label = Array.from(map, (value, i) => (value >= threshold ? i : -1));
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 0; i < label.length; i += 1) {
      if (label[i]! < 0) continue;
      for (let y = Math.floor(i / width) - 1; y <= Math.floor(i / width) + 1; y += 1) {
        for (let x = (i % width) - 1; x <= (i % width) + 1; x += 1) {
          if (x < 0 || y < 0 || x >= width || y >= height) continue;
          const other = label[y * width + x]!;
          if (other < 0 || other >= label[i]!) continue;
          label[i] = other;
          changed = true;
        }
      }
    }
  }
  const pixels = [...label.keys()].filter((i) => label[i]! >= 0);
  return [...Map.groupBy(pixels, (i) => label[i]!).values()].sort((a, b) => b.length - a.length);
}

test('pieces are those of pixels that touch, at a corner also, with their area, score and extremes', (t) => {
  const side = fc.integer({ min: 1, max: 14 });
  const value = fc.constantFrom(0, 0.25, Number.NaN, 0.5, 0.75, 1);
  fc.assert(
    fc.property(side, side, fc.infiniteStream(value), (width, height, values) => {
      const map = Float32Array.from(values.take(width * height));
      const expected = piecesByLabels(map, width, height);
      const found = componentsOf(map, { width, height }, { threshold, leastArea: 1, most: 1000 });
      t.deepEqual(
        found.map(({ area }) => area),
        expected.map(({ length }) => length),
      );
      for (const [i, pixels] of expected.entries()) {
        const { outline, score } = found[i]!;
        t.true(Math.abs(score - pixels.reduce((sum, at) => sum + map[at]!, 0) / pixels.length) < 1e-9);
        const corners = pixels.flatMap((at) => {
          const [x, y] = [at % width, Math.floor(at / width)];
          return [0, 1].flatMap((dx) => [0, 1].map((dy) => ({ x: x + dx, y: y + dy })));
        });
        // Farthest in each of many directions: the hull of the outline is the hull of all corners.
        for (let angle = 0; angle < 6.28; angle += 0.4) {
          const farthest = (points: readonly { readonly x: number; readonly y: number }[]) =>
            Math.max(...points.map(({ x, y }) => x * Math.cos(angle) + y * Math.sin(angle)));
          t.true(Math.abs(farthest(outline) - farthest(corners)) < 1e-9);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('small pieces and more than are asked for are left out, the largest come first', (t) => {
  const map = Float32Array.of(1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1);
  const areas = (leastArea: number, most: number) =>
    componentsOf(map, { width: 11, height: 1 }, { threshold, leastArea, most }).map(({ area }) => area);
  t.deepEqual(areas(1, 9), [3, 2, 2, 1]);
  t.deepEqual(areas(2, 9), [3, 2, 2]);
  t.deepEqual(areas(1, 2), [3, 2]);
});
