import test from 'ava';
import fc from 'fast-check';
import type { RgbPicture } from '../../capture/to-rgb.ts';
import { type Box, type Detection, objectClasses } from '../../detect/detection.ts';
import { fraction, milliseconds } from '../../kernel/units.ts';
import type { NearbyFrame, Searched, Surroundings } from './bystander-memory.ts';
import { maskAreas } from './mask-areas.ts';
import { type Area, planRedaction, type Redaction } from './redact.ts';

const width = 60;
const height = 40;

const seen = (kind: Detection['class'], x: number, y: number, w: number, h: number): Detection => ({
  box: { x, y, width: w, height: h },
  class: kind,
  score: fraction(0.2),
});

const around = (detections: readonly Detection[], offset = 0, searched: Searched = 'auto'): Surroundings => ({
  frames: [{ sequence: 20, offset: milliseconds(offset), detections }],
  searched,
});

const accusedAt = (box: Box | undefined, kind: Detection['class'] = 'car') => ({
  class: kind,
  box,
  boxIn: () => undefined,
});

/** Every pixel has a colour of its own. */
function colourful(): RgbPicture {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i += 1) data.set([i & 255, i >> 8, 17], 3 * i);
  return { format: 'rgb24', width, height, data };
}

const pause = () => Promise.resolve();

const has = ({ left, top, right, bottom }: Area, x: number, y: number) =>
  x >= left && x < right && y >= top && y < bottom;

/** True where a box has a part of a pixel; a box is read either way round. */
function touches(box: Box, x: number, y: number): boolean {
  const [right, bottom] = [box.x + box.width, box.y + box.height];
  return (
    Math.max(box.x, right) > x &&
    Math.min(box.x, right) < x + 1 &&
    Math.max(box.y, bottom) > y &&
    Math.min(box.y, bottom) < y + 1
  );
}

function* pixels(): Generator<readonly [number, number]> {
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) yield [x, y];
}

const covered = ({ shown, accused, people, vehicles }: Redaction, x: number, y: number): boolean =>
  !shown.some((one) => has(one, x, y)) ||
  people.some((one) => has(one, x, y)) ||
  (vehicles.some((one) => has(one, x, y)) && !(accused !== undefined && has(accused, x, y)));

const number = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -30, max: 90, noNaN: true }) },
  { weight: 1, arbitrary: fc.double() },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, -0, 60, 40, 1e308, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN),
  },
);
const box: fc.Arbitrary<Box> = fc.record({ x: number, y: number, width: number, height: number });
const placed: fc.Arbitrary<Box> = fc.record({
  x: fc.double({ min: -20, max: 60, noNaN: true }),
  y: fc.double({ min: -20, max: 40, noNaN: true }),
  width: fc.double({ min: 0, max: 60, noNaN: true }),
  height: fc.double({ min: 0, max: 40, noNaN: true }),
});
const detections = (of: fc.Arbitrary<Box>): fc.Arbitrary<Detection[]> =>
  fc.array(fc.record({ box: of, class: fc.constantFrom(...objectClasses), score: fc.constant(fraction(0.3)) }), {
    maxLength: 5,
  });
const nearbyFrame = (of: fc.Arbitrary<Box>): fc.Arbitrary<NearbyFrame> =>
  fc.record({
    sequence: fc.nat(40),
    offset: fc.integer({ min: -300, max: 300 }).map(milliseconds),
    detections: detections(of),
  });
const surroundings = (of: fc.Arbitrary<Box>): fc.Arbitrary<Surroundings> =>
  fc.record({
    frames: fc.tuple(nearbyFrame(of), nearbyFrame(of)),
    searched: fc.oneof(fc.constant('auto' as const), fc.array(of, { maxLength: 3 })),
  });

test('wherever boxes lie and whatever they are, nothing throws, and no part of a person is left', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(surroundings(box), surroundings(placed)),
      fc.option(fc.oneof(box, placed), { nil: undefined }),
      fc.constantFrom(...objectClasses),
      (known, accused, kind) => {
        const plan = planRedaction(width, height, accusedAt(accused, kind), known);
        const people = known.frames.flatMap((frame) => frame.detections.filter((one) => one.class === 'person'));
        for (const [x, y] of pixels()) {
          if (people.some((one) => touches(one.box, x, y)) && !covered(plan, x, y)) return false;
        }
        return true;
      },
    ),
    { numRuns: 2000 },
  );
  t.pass();
});

test('no lower part of another vehicle is left outside the box of the accused, and inside it nothing but people are covered', (t) => {
  fc.assert(
    fc.property(surroundings(placed), placed, (known, own) => {
      const plan = planRedaction(width, height, accusedAt(own, 'bus'), known);
      const all = known.frames.flatMap((frame) => frame.detections);
      // What shares nothing with the accused's box is surely another vehicle.
      const apart = (one: Box) =>
        one.x > own.x + own.width ||
        own.x > one.x + one.width ||
        one.y > own.y + own.height ||
        own.y > one.y + one.height;
      const others = all.filter(({ class: kind, box: one }) => ['car', 'bus', 'truck'].includes(kind) && apart(one));
      const lower = others.map(({ box: one }) => ({ ...one, y: one.y + one.height * 0.4, height: one.height * 0.6 }));
      for (const [x, y] of pixels()) {
        const inAccused = plan.accused !== undefined && has(plan.accused, x, y);
        if (!inAccused && lower.some((one) => touches(one, x, y)) && !covered(plan, x, y)) return false;
        if (inAccused && covered(plan, x, y) && !plan.people.some((one) => has(one, x, y))) return false;
        if (touches(own, x, y) && !inAccused) return false;
      }
      return true;
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('what the detector did not look at is not shown; nothing known, or a box that is nowhere, leaves the accused alone', (t) => {
  const own = { x: 10, y: 10, width: 20, height: 10 };
  const area = { left: 10, top: 10, right: 30, bottom: 20 };
  const half = planRedaction(width, height, accusedAt(own), around([], 0, [{ x: 30.2, y: -5, width: 99, height: 40 }]));
  t.deepEqual(half.shown, [{ left: 31, top: 0, right: 60, bottom: 35 }, area]);
  const unknown = planRedaction(width, height, accusedAt(own), undefined);
  t.deepEqual(unknown, { known: false, shown: [area], accused: area, people: [], vehicles: [] });
  const nowhere = around([seen('car', Number.NaN, 0, 5, 5), seen('person', 25, 12, 3, 2)]);
  const doubtful = planRedaction(width, height, accusedAt(own), nowhere);
  t.false(doubtful.known);
  t.deepEqual(doubtful.shown, [area]);
  t.is(doubtful.people.length, 1, 'a person who is known is covered in the box of the accused');
  t.deepEqual(planRedaction(width, height, accusedAt(undefined), undefined).shown, []);
});

test('the accused vehicle is found again among the detections of a frame by its track, and is not covered around its box', (t) => {
  const before = { x: 0, y: 10, width: 20, height: 10 };
  const now = { x: 30, y: 10, width: 20, height: 10 };
  const frames: Surroundings['frames'] = [
    { sequence: 19, offset: milliseconds(-40), detections: [seen('truck', 0, 11, 20, 10)] },
    { sequence: 20, offset: milliseconds(0), detections: [seen('car', 30, 11, 20, 10)] },
  ];
  const accused = { class: 'car', box: now, boxIn: (frame: number) => (frame === 19 ? before : undefined) } as const;
  t.deepEqual(planRedaction(width, height, accused, { frames, searched: 'auto' }).vehicles, []);
  t.is(planRedaction(width, height, accusedAt(now), { frames, searched: 'auto' }).vehicles.length, 1);
});

test('a person is never taken for the accused', (t) => {
  const person = seen('person', 20, 10, 10, 20);
  const plan = planRedaction(width, height, accusedAt(person.box, 'person'), around([person]));
  for (let y = 10; y < 30; y += 1) t.true(covered(plan, 25, y), `row ${y}`);
});

test('a two-wheeler is covered with its rider, an accused one only above its box', (t) => {
  const bicycle = seen('bicycle', 20, 25, 10, 10);
  const bystander = planRedaction(width, height, accusedAt(undefined), around([bicycle]));
  for (const y of [17, 20, 30, 34]) t.true(covered(bystander, 25, y), `row ${y}`);
  const accused = planRedaction(width, height, accusedAt(bicycle.box, 'motorcycle'), around([bicycle]));
  t.true(covered(accused, 25, 20), 'its rider');
  t.false(covered(accused, 25, 33), 'itself, where its plate is');
});

test('a box seen in another frame is covered wider, and so is the way between two of them', (t) => {
  const widthOf = (plan: Redaction) => plan.people.reduce((sum, { left, right }) => sum + right - left, 0);
  const person = [seen('person', 20, 10, 6, 20)];
  const plan = (known: Surroundings) => planRedaction(width, height, accusedAt(undefined), known);
  t.true(widthOf(plan(around(person, 200))) > widthOf(plan(around(person, 0))) + 8);
  const frames: Surroundings['frames'] = [
    { sequence: 19, offset: milliseconds(-1), detections: [seen('person', 0, 10, 6, 20)] },
    { sequence: 21, offset: milliseconds(1), detections: [seen('person', 26, 10, 6, 20)] },
  ];
  const between = plan({ frames, searched: 'auto' });
  for (let x = 0; x < 32; x += 1) t.true(covered(between, x, 15), `column ${x}`);
});

test('covered areas have one colour each, whatever was there; the rest is as it was, and the picture itself stays', async (t) => {
  const area = fc
    .tuple(fc.nat(width - 1), fc.nat(height - 1), fc.nat(width), fc.nat(height))
    .map(([left, top, w, h]) => ({
      left,
      top,
      right: Math.min(width, left + 1 + w),
      bottom: Math.min(height, top + 1 + h),
    }));
  const areas = fc.array(area, { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      areas,
      areas,
      areas,
      fc.option(area, { nil: undefined }),
      async (shown, people, vehicles, accused) => {
        const picture = colourful();
        const plan = { known: true, shown, people, vehicles, accused };
        const { data } = await maskAreas(picture, plan, pause);
        const colours = new Set<string>();
        for (const [x, y] of pixels()) {
          const at = 3 * (y * width + x);
          const colour = data.subarray(at, at + 3).join();
          if (covered(plan, x, y)) colours.add(colour);
          else if (colour !== picture.data.subarray(at, at + 3).join()) return false;
        }
        const untouched = picture.data.join() === colourful().data.join();
        return untouched && colours.size <= people.length + vehicles.length + 1;
      },
    ),
    { numRuns: 300 },
  );
  t.pass();
});
