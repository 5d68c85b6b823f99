import test from 'ava';
import fc from 'fast-check';
import { contains, depthInside, directionAt, meet, offsetFrom, selfCrossing, signedArea } from './geometry.ts';

const square = [
  { x: 0, y: 0 },
  { x: 10, y: 0 },
  { x: 10, y: 10 },
  { x: 0, y: 10 },
];
const coordinate = fc.integer({ min: -1000, max: 1000 });
const anyPoint = fc.record({ x: coordinate, y: coordinate });

test('a point is inside a convex polygon exactly when it is on the inner side of every side', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 12 }), fc.double({ min: 1, max: 500, noNaN: true }), anyPoint, (n, r, p) => {
      const polygon = Array.from({ length: n }, (_, i) => ({
        x: r * Math.cos((2 * Math.PI * i) / n),
        y: r * Math.sin((2 * Math.PI * i) / n),
      }));
      const margins = polygon.map((a, i) => {
        const b = polygon[(i + 1) % n] ?? a;
        return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
      });
      fc.pre(margins.every((margin) => Math.abs(margin) > 1e-6));
      return contains(polygon, p) === margins.every((margin) => margin > 0);
    }),
  );
  t.pass();
});

test('the depth inside is positive inside, negative outside and the distance to the nearest side', (t) => {
  t.is(depthInside(square, { x: 5, y: 2 }), 2);
  t.is(depthInside(square, { x: 5, y: -3 }), -3);
  t.is(depthInside(square, { x: 13, y: 14 }), -5);
});

test('two segments meet exactly when each end pair lies on both sides of the other', (t) => {
  fc.assert(
    fc.property(anyPoint, anyPoint, anyPoint, anyPoint, (a, b, c, d) => {
      const side = (p: typeof a, q: typeof a, r: typeof a) => (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
      const [s1, s2, s3, s4] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
      fc.pre([s1, s2, s3, s4].every((s) => s !== 0));
      return (meet(a, b, c, d) !== undefined) === (s1 * s2 < 0 && s3 * s4 < 0);
    }),
  );
  t.pass();
});

test('a bow tie crosses itself, the same corners in order do not', (t) => {
  const [a, b, c, d] = square as [(typeof square)[0], (typeof square)[0], (typeof square)[0], (typeof square)[0]];
  t.is(selfCrossing(square), undefined);
  t.deepEqual(selfCrossing([a, c, b, d]), [0, 2]);
  t.is(signedArea(square), 100);
});

test('the offset from a line is signed to the right of its sense and says how far past the end', (t) => {
  const line = [
    { x: 0, y: 100 },
    { x: 200, y: 100 },
  ];
  t.deepEqual(pick(offsetFrom(line, { x: 50, y: 130 })), { across: 30, past: 0 });
  t.deepEqual(pick(offsetFrom(line, { x: 210, y: 60 })), { across: -40, past: 10 });
  t.deepEqual(pick(offsetFrom(line.toReversed(), { x: 50, y: 130 })), { across: -30, past: 0 });
});

test('crossing a bent line changes the sign of the offset once', (t) => {
  const bent = [
    { x: 0, y: 100 },
    { x: 100, y: 110 },
    { x: 200, y: 140 },
  ];
  fc.assert(
    fc.property(fc.double({ min: 5, max: 195, noNaN: true }), (x) => {
      const signs: number[] = [];
      for (let y = 0; y <= 300; y++) signs.push(Math.sign(offsetFrom(bent, { x, y: y + 0.123 }).across));
      const changes = signs.filter((sign, i) => i > 0 && sign !== signs[i - 1]);
      return changes.length === 1 && changes[0] === 1;
    }),
  );
  t.pass();
});

test('the direction on a curve is that of its nearest part', (t) => {
  const curve = [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
    { x: 100, y: 100 },
  ];
  t.deepEqual(directionAt(curve, { x: 20, y: 5 }), { x: 1, y: 0 });
  t.deepEqual(directionAt(curve, { x: 105, y: 80 }), { x: 0, y: 1 });
});

const pick = ({ across, past }: { across: number; past: number }) => ({ across, past });
