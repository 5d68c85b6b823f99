import test from 'ava';
import fc from 'fast-check';
import { bend, lensBefore, lensFault, perHalfDiagonal, straighten, straightenJacobian } from './lens.ts';

const picture = { width: 1920, height: 1080 };
const anywhere = fc.record({
  x: fc.double({ min: -200, max: 2120, noNaN: true }),
  y: fc.double({ min: -200, max: 1280, noNaN: true }),
});
const models = fc
  .record({
    k1: fc.double({ min: -0.25, max: 0.3, noNaN: true }),
    k2: fc.double({ min: -0.05, max: 0.1, noNaN: true }),
  })
  .filter((model) => lensFault(model) === undefined);

test('what is straightened and bent again is where it was, inside the picture and outside of it', (t) => {
  fc.assert(
    fc.property(models, anywhere, (model, point) => {
      const lens = lensBefore(model, picture);
      const again = bend(lens, straighten(lens, point));
      return Math.hypot(again.x - point.x, again.y - point.y) < 1e-6;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('the map is monotone: a point further out in the straight picture is further out in the delivered one, however far', (t) => {
  fc.assert(
    fc.property(
      models,
      fc.double({ min: 0, max: 5, noNaN: true }),
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      (model, r, more) => {
        const lens = lensBefore(model, picture);
        const at = (radius: number) => bend(lens, { x: lens.centre.x + radius * lens.radius, y: lens.centre.y }).x;
        return at(r + more) > at(r);
      },
    ),
    { numRuns: 500 },
  );
  t.pass();
});

test('the derivatives are those of small steps', (t) => {
  fc.assert(
    fc.property(models, anywhere, (model, point) => {
      const lens = lensBefore(model, picture);
      const [[a, b], [c, d]] = straightenJacobian(lens, point);
      const step = 1e-3;
      const by = (dx: number, dy: number) => {
        const [from, to] = [-0.5, 0.5].map((half) =>
          straighten(lens, { x: point.x + half * dx, y: point.y + half * dy }),
        );
        return { x: ((to?.x ?? 0) - (from?.x ?? 0)) / step, y: ((to?.y ?? 0) - (from?.y ?? 0)) / step };
      };
      const [x, y] = [by(step, 0), by(0, step)];
      // Where the tangent begins the second derivative leaps.
      return Math.max(Math.abs(x.x - a), Math.abs(y.x - b), Math.abs(x.y - c), Math.abs(y.y - d)) < 2e-3;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('a lens that folds the picture before its corners is none', (t) => {
  t.regex(lensFault({ k1: -0.9, k2: 0 }) ?? '', /fold the picture/);
  t.is(lensFault({ k1: -0.12, k2: 0.01 }), undefined);
});

test('the figures of a data sheet, in focal lengths, give the same picture', (t) => {
  const focal = 1100;
  const sheet = { k1: -0.31, k2: 0.09 };
  const lens = lensBefore(perHalfDiagonal(sheet, focal, picture), picture);
  const point = { x: 960 + 550, y: 540 - 300 };
  const r2 = (550 ** 2 + 300 ** 2) / focal ** 2;
  const factor = 1 + sheet.k1 * r2 + sheet.k2 * r2 ** 2;
  const seen = bend(lens, point);
  t.true(Math.abs(seen.x - (960 + 550 * factor)) < 1e-9);
  t.true(Math.abs(seen.y - (540 - 300 * factor)) < 1e-9);
});
