import test from 'ava';
import fc from 'fast-check';
import { fraction } from '../kernel/units.ts';
import { suppress } from './suppress.ts';
import { area, intersectionOverUnion, type UnitBox } from './unit-box.ts';

const unit = fc.nat(10_000).map((steps) => steps / 10_000);
const box: fc.Arbitrary<UnitBox> = fc.tuple(unit, unit, unit, unit).map(([a, b, c, d]) => ({
  left: Math.min(a, b),
  right: Math.max(a, b),
  top: Math.min(c, d),
  bottom: Math.max(c, d),
}));
const candidate = fc.record({ classIndex: fc.nat(2), score: unit, box });
const candidates = fc.array(candidate, { maxLength: 25 });
const overlap = fraction(0.5);

test('what stays is a subset, ordered by score, and no two of a class overlap too much', (t) => {
  fc.assert(
    fc.property(candidates, (list) => {
      const kept = suppress(list, overlap);
      t.true(kept.every((one) => list.includes(one)));
      t.is(new Set(kept).size, kept.length);
      kept.forEach((one, i) => {
        for (const other of kept.slice(i + 1)) {
          t.true(other.score <= one.score);
          if (other.classIndex === one.classIndex) t.true(intersectionOverUnion(one.box, other.box) <= overlap);
        }
      });
    }),
  );
});

test('what went is covered by a better one of its class that stayed', (t) => {
  const property = fc.property(candidates, (list) => {
    const kept = suppress(list, overlap);
    const gone = list.filter((one) => !kept.includes(one));
    return gone.every(({ classIndex, score, box }) =>
      kept.some(
        (one) => one.classIndex === classIndex && one.score >= score && intersectionOverUnion(one.box, box) > overlap,
      ),
    );
  });
  t.notThrows(() => fc.assert(property));
});

test('suppressing twice changes nothing, and each class is on its own', (t) => {
  fc.assert(
    fc.property(candidates, (list) => {
      const kept = suppress(list, overlap);
      t.deepEqual(suppress(kept, overlap), kept);
      for (const classIndex of [0, 1, 2]) {
        const ofClass = (one: { classIndex: number }) => one.classIndex === classIndex;
        t.deepEqual(suppress(list.filter(ofClass), overlap), kept.filter(ofClass));
      }
    }),
  );
});

test('intersection over union: symmetric, 0 to 1, 1 for a box and itself, as computed by hand', (t) => {
  fc.assert(
    fc.property(box, box, (a, b) => {
      const value = intersectionOverUnion(a, b);
      t.true(value >= 0 && value <= 1 + 1e-12);
      t.is(value, intersectionOverUnion(b, a));
      if (area(a) > 1e-9) t.true(Math.abs(intersectionOverUnion(a, a) - 1) < 1e-9);
    }),
  );
  const left = { left: 0, top: 0, right: 0.5, bottom: 0.4 };
  const right = { left: 0.25, top: 0, right: 0.75, bottom: 0.4 };
  t.true(Math.abs(intersectionOverUnion(left, right) - 1 / 3) < 1e-12);
  t.is(intersectionOverUnion(left, { left: 0.6, top: 0.6, right: 1, bottom: 1 }), 0);
});
