import test from 'ava';
import fc from 'fast-check';
import type { Point } from '../../scene/geometry.ts';
import { centreOf, directionOf, heightOf, widthOf } from './box-quad.ts';
import { joinedLines, regionsOf } from './text-regions.ts';

interface Bar {
  readonly centre: Point;
  readonly width: number;
  readonly height: number;
  readonly angle?: number;
}

/** A probability map with a bar for each kernel. */
function mapOf(width: number, height: number, bars: readonly Bar[]): Float32Array {
  const map = new Float32Array(width * height).fill(0.02);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (const { centre, width: w, height: h, angle = 0 } of bars) {
        const [dx, dy] = [x + 0.5 - centre.x, y + 0.5 - centre.y];
        const a = dx * Math.cos(angle) + dy * Math.sin(angle);
        const b = -dx * Math.sin(angle) + dy * Math.cos(angle);
        if (Math.abs(a) <= w / 2 && Math.abs(b) <= h / 2) map[y * width + x] = 0.9;
      }
    }
  }
  return map;
}

const size = { width: 320, height: 160 };

test('a kernel is found where it stands, moved out by area x 1.5 / perimeter, in the pixels of the crop', (t) => {
  const bar = { centre: { x: 120, y: 80 }, width: 80, height: 12 };
  const [region, ...more] = regionsOf(mapOf(320, 160, [bar]), size, { width: 640, height: 160 });
  t.is(more.length, 0);
  t.truthy(region);
  if (region === undefined) return;
  const offset = (160 * 12 * 1.5) / (2 * 172);
  t.true(Math.abs(centreOf(region.quad).x - 240) < 0.1 && Math.abs(centreOf(region.quad).y - 80) < 0.1);
  t.true(Math.abs(widthOf(region.quad) - (160 + 2 * offset)) < 0.1);
  t.true(Math.abs(heightOf(region.quad) - (12 + 2 * offset)) < 0.1);
  t.true(Math.abs(region.score - 0.9) < 1e-3);
});

test('a slanted line keeps its slant', (t) => {
  for (const angle of [-0.4, -0.15, 0.2, 0.5]) {
    const bar = { centre: { x: 160, y: 80 }, width: 120, height: 14, angle };
    const [region] = regionsOf(mapOf(320, 160, [bar]), size, size);
    const direction = directionOf(region?.quad ?? [bar.centre, bar.centre, bar.centre, bar.centre]);
    t.true(Math.abs(Math.atan2(direction.y, direction.x) - angle) < 0.05, `${angle}`);
  }
});

test('a broken line is joined, in pairs and whole; what stands above it is not', (t) => {
  const row = [60, 105, 150].map((x) => ({ centre: { x, y: 80 + x * 0.1 }, width: 34, height: 12, angle: 0.1 }));
  const above = { centre: { x: 105, y: 50 }, width: 40, height: 12 };
  const pieces = regionsOf(mapOf(320, 160, [...row, above]), size, size);
  t.is(pieces.length, 4);
  const joined = joinedLines(pieces);
  t.deepEqual(joined.map((one) => one.pieces).sort(), [2, 2, 3]);
  const whole = joined.find((one) => one.pieces === 3);
  t.true(
    whole !== undefined && widthOf(whole.quad) > 124 && widthOf(whole.quad) < 145,
    `${whole && widthOf(whole.quad)}`,
  );
  t.true(whole !== undefined && Math.abs(centreOf(whole.quad).x - 105) < 2);
});

test('pieces far apart, or of unlike height, are not one line', (t) => {
  const cases: Bar[][] = [
    [
      { centre: { x: 60, y: 80 }, width: 40, height: 12 },
      { centre: { x: 200, y: 80 }, width: 40, height: 12 },
    ],
    [
      { centre: { x: 60, y: 80 }, width: 40, height: 10 },
      { centre: { x: 110, y: 80 }, width: 40, height: 30 },
    ],
    [
      { centre: { x: 60, y: 60 }, width: 40, height: 12 },
      { centre: { x: 110, y: 80 }, width: 40, height: 12 },
    ],
  ];
  for (const bars of cases) t.is(joinedLines(regionsOf(mapOf(320, 160, bars), size, size)).length, 0);
});

test('any map gives finite regions, also one of noise, of nothing or of no numbers', (t) => {
  const value = fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 32 * 32, maxLength: 32 * 32 }), (values) => {
      const map = { width: 32, height: 32 };
      const regions = regionsOf(Float32Array.from(values), map, { width: 1, height: 700 });
      return [...regions, ...joinedLines(regions)].every(({ quad }) =>
        quad.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)),
      );
    }),
    { numRuns: 60 },
  );
  t.deepEqual(regionsOf(new Float32Array(32 * 32).fill(Number.NaN), { width: 32, height: 32 }, size), []);
});
