import test from 'ava';
import fc from 'fast-check';
import { fraction } from '../kernel/units.ts';
import { decodeSsd, logit, sigmoid, ssdCoding } from './decode-ssd.ts';
import type { UnitBox } from './unit-box.ts';

const coding = { kind: 'ssd', order: 'y,x,height,width', centreScale: 10, sizeScale: 5 } as const;
const classes = [
  { cocoId: 3, name: 'car' },
  { cocoId: 8, name: 'truck' },
];
const side = fc.double({ min: 0.01, max: 1, noNaN: true });
const place = fc.double({ min: -0.2, max: 1.2, noNaN: true });
const box: fc.Arbitrary<UnitBox> = fc
  .record({ left: place, top: place, width: side, height: side })
  .map(({ left, top, width, height }) => ({ left, top, right: left + width, bottom: top + height }));

const corners = ({ left, top, right, bottom }: UnitBox) => [top, left, bottom, right];

/** The inverse of decoding: what a network would have to say about `target` at `anchor`. */
function encode(target: UnitBox, anchor: UnitBox): number[] {
  const [height, width] = [anchor.bottom - anchor.top, anchor.right - anchor.left];
  return [
    (10 * ((target.top + target.bottom) / 2 - (anchor.top + anchor.bottom) / 2)) / height,
    (10 * ((target.left + target.right) / 2 - (anchor.left + anchor.right) / 2)) / width,
    5 * Math.log((target.bottom - target.top) / height),
    5 * Math.log((target.right - target.left) / width),
  ];
}

test('a box that was encoded against any anchor comes back', (t) => {
  fc.assert(
    fc.property(box, box, (target, anchor) => {
      const manifest = { classes, anchors: { file: 'a', count: 1, coding } };
      const raw = { boxes: Float32Array.from(encode(target, anchor)), scores: Float32Array.of(-9, 3) };
      const found = decodeSsd(raw, ssdCoding(manifest, Float32Array.from(corners(anchor))), fraction(0.5));
      t.is(found.length, 1);
      t.is(found[0]?.className, 'truck');
      t.is(found[0]?.classIndex, 1);
      for (const edge of ['left', 'top', 'right', 'bottom'] as const)
        t.true(Math.abs(found[0]!.box[edge] - target[edge]) < 1e-3);
    }),
  );
});

test('exactly the scores at or above the threshold are found, in order', (t) => {
  const score = fc.double({ min: -12, max: 12, noNaN: true }).map(Math.fround);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(score, score), { maxLength: 20 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (rows, threshold) => {
        const count = rows.length;
        const anchors = new Float32Array(count * 4).fill(0.5);
        const manifest = { classes, anchors: { file: 'a', count, coding } };
        const raw = { boxes: new Float32Array(count * 4), scores: Float32Array.from(rows.flat()) };
        const found = decodeSsd(raw, ssdCoding(manifest, anchors), fraction(threshold));
        const expected = rows.flat().filter((value) => value >= logit(threshold));
        t.deepEqual(
          found.map((candidate) => candidate.score as number),
          expected.map(sigmoid),
        );
      },
    ),
  );
});

test('a score that is not a number is never found, and the ends of the threshold mean all and none', (t) => {
  const manifest = { classes, anchors: { file: 'a', count: 1, coding } };
  const prepared = ssdCoding(manifest, Float32Array.of(0, 0, 1, 1));
  const raw = { boxes: new Float32Array(4), scores: Float32Array.of(Number.NaN, -30) };
  t.deepEqual(
    decodeSsd(raw, prepared, fraction(0)).map((candidate) => candidate.className),
    ['truck'],
  );
  t.deepEqual(decodeSsd({ ...raw, scores: Float32Array.of(30, 30) }, prepared, fraction(1)), []);
});

test('sigmoid and logit are inverse to each other', (t) => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), (p) =>
      t.true(Math.abs(sigmoid(logit(p)) - p) < 1e-9),
    ),
  );
});
