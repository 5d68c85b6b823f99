import test from 'ava';
import fc from 'fast-check';
import { fraction } from '../kernel/units.ts';
import type { Box, Detection, ObjectClass } from './detection.ts';
import { mergeRegions, type RegionDetections } from './merge-regions.ts';

const picture = { width: 1280, height: 720 };
const whole = { x: 0, y: 0, ...picture };
const left = { x: 0, y: 0, width: 768, height: 720 };
const right = { x: 512, y: 0, width: 768, height: 720 };

const box = (x: number, y: number, width: number, height: number): Box => ({ x, y, width, height });
const seen = (name: ObjectClass, score: number, at: Box): Detection => ({
  class: name,
  score: fraction(score),
  box: at,
});

function share(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const shared = width > 0 && height > 0 ? width * height : 0;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

const detections = (region: Box) =>
  fc.array(
    fc.record({
      class: fc.constantFrom<ObjectClass>('person', 'bicycle', 'car', 'motorcycle', 'bus', 'truck'),
      score: fc.double({ min: 0.1, max: 1, noNaN: true }).map(fraction),
      box: fc
        .tuple(
          fc.nat(region.width - 40),
          fc.nat(region.height - 40),
          fc.integer({ min: 1, max: 300 }),
          fc.integer({ min: 1, max: 300 }),
        )
        .map(([x, y, w, h]) => box(region.x + x, y, Math.min(w, region.width - x), Math.min(h, region.height - y))),
    }),
    { maxLength: 15 },
  );
const views = fc.tuple(detections(whole), detections(left), detections(right)).map(([a, b, c]): RegionDetections[] => [
  { region: whole, detections: a },
  { region: left, detections: b },
  { region: right, detections: c },
]);

test('the result is a subset, by falling score, without two boxes of a class on one place; merging it again changes nothing', (t) => {
  fc.assert(
    fc.property(views, (list) => {
      const merged = mergeRegions(list, picture);
      const all = list.flatMap((view) => view.detections);
      t.true(merged.every((detection) => all.includes(detection)));
      t.is(new Set(merged).size, merged.length);
      t.deepEqual(
        merged.map(({ score }) => score),
        merged.map(({ score }) => score).toSorted((a, b) => b - a),
      );
      for (const [i, a] of merged.entries()) {
        for (const b of merged.slice(i + 1)) t.true(a.class !== b.class || share(a.box, b.box) <= 0.5);
      }
      t.true(all.length === 0 || merged.length > 0);
      const again = list.map(({ region, detections }) => ({
        region,
        detections: detections.filter((one) => merged.includes(one)),
      }));
      t.deepEqual(mergeRegions(again, picture), merged);
    }),
    { numRuns: 300 },
  );
});

test('the order of the regions does not matter', (t) => {
  fc.assert(
    fc.property(views, (list) => {
      const scores = list.flatMap((view) => view.detections.map(({ score }) => score as number));
      fc.pre(new Set(scores).size === scores.length);
      t.deepEqual(mergeRegions(list.toReversed(), picture), mergeRegions(list, picture));
    }),
  );
});

test('of several boxes on one object the best stays', (t) => {
  const [weak, strong] = [seen('car', 0.6, box(200, 300, 100, 60)), seen('car', 0.9, box(204, 302, 100, 60))];
  const views = [
    { region: whole, detections: [weak] },
    { region: left, detections: [strong] },
  ];
  t.deepEqual(mergeRegions(views, picture), [strong]);
});

test('a part that a border cut off gives way to the whole, even where it scored better', (t) => {
  const entire = seen('truck', 0.5, box(650, 300, 240, 160));
  const part = seen('truck', 0.95, box(650, 305, 116, 150));
  const other = seen('car', 0.95, box(513, 300, 40, 40));
  const views = [
    { region: whole, detections: [entire] },
    { region: left, detections: [part] },
    { region: right, detections: [other] },
  ];
  t.deepEqual(mergeRegions(views, picture), [other, entire], 'a cut box with nothing whole in its place stays');
});

test('a border of the region that is the border of the picture cuts nothing', (t) => {
  for (const [region, x, inner] of [
    [left, 0, 0],
    [right, 880, 1190],
  ] as const) {
    for (const y of [0, 420]) {
      const large = seen('bus', 0.6, box(x, y, 400, 300));
      const small = seen('car', 0.9, box(inner, y === 0 ? 0 : 660, 90, 60));
      const views = [
        { region: whole, detections: [large] },
        { region, detections: [small] },
      ];
      t.deepEqual(mergeRegions(views, picture), [small, large]);
    }
  }
});

test('car, bus and truck on one place are one vehicle; a person or a bicycle there is not', (t) => {
  const at = box(300, 300, 120, 80);
  const all = (['truck', 'car', 'bus', 'person', 'bicycle', 'motorcycle'] as const).map((name, i) =>
    seen(name, 0.9 - i / 10, at),
  );
  t.deepEqual(
    mergeRegions([{ region: whole, detections: all }], picture).map((one) => one.class),
    ['truck', 'person', 'bicycle', 'motorcycle'],
  );
});

test('the overlap that makes two boxes one is an argument', (t) => {
  const [a, b] = [seen('car', 0.9, box(100, 100, 100, 100)), seen('car', 0.8, box(150, 100, 100, 100))];
  const views = [{ region: whole, detections: [a, b] }];
  t.is(mergeRegions(views, picture, fraction(0.34)).length, 2);
  t.is(mergeRegions(views, picture, fraction(0.33)).length, 1);
});
