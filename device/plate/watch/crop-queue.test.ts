import test from 'ava';
import fc from 'fast-check';
import { madeCrop, timeAt } from '../testing/made-sights.ts';
import { CropQueue, type WaitingCrop } from './crop-queue.ts';

const limits = { crops: 6, bytes: 3000, perTrack: 3 };

function waiting(track: number, frame: number, expected: number, bytes = 300): WaitingCrop {
  const crop = madeCrop({ x: 0, y: 0, width: 100, height: 80 }, bytes);
  return { track, frame, time: timeAt(frame), crop, expected };
}

/** Tracks below 3 are accused, odd ones were read before. */
const urgency = (track: number) => ({ accused: track < 3, unread: track % 2 === 0 });

test('what evidence waits for comes first, then what was never read, then the largest, then the newest', (t) => {
  const queue = new CropQueue(limits, urgency);
  const all = [waiting(5, 1, 30), waiting(4, 2, 9), waiting(4, 3, 9), waiting(4, 4, 8), waiting(1, 5, 4)];
  for (const crop of all) t.deepEqual(queue.add(crop), []);
  const order = all.map(() => queue.take()?.frame);
  t.deepEqual(order, [5, 3, 2, 4, 1]);
  t.is(queue.take(), undefined);
});

test('the queue holds its limits, gives way from the end and loses nothing in silence', (t) => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('add' as const),
      track: fc.integer({ min: 1, max: 6 }),
      expected: fc.integer({ min: 4, max: 12 }),
      bytes: fc.constantFrom(300, 900, 3000, 6000),
    }),
    fc.record({ kind: fc.constant('take' as const) }),
    fc.record({ kind: fc.constant('withdraw' as const), track: fc.integer({ min: 1, max: 6 }) }),
  );
  /** Where a crop stands in line: greater comes first. */
  const rank = ({ track, expected, frame }: WaitingCrop) =>
    (urgency(track).accused ? 1e9 : 0) + (urgency(track).unread ? 1e8 : 0) + expected * 1e4 + frame;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const queue = new CropQueue(limits, urgency);
      let model: WaitingCrop[] = [];
      steps.forEach((one, frame) => {
        if (one.kind === 'add') {
          const crop = waiting(one.track, frame, one.expected, one.bytes);
          const gone = new Set(queue.add(crop));
          const before = [...model, crop];
          model = before.filter((kept) => !gone.has(kept));
          t.is(model.length + gone.size, before.length);
          const over = gone.size - (before.filter(({ track }) => track === one.track).length > limits.perTrack ? 1 : 0);
          // Beyond the one that its own track had too many, those that went stood last.
          const last = before.toSorted((a, b) => rank(a) - rank(b));
          if (over === gone.size) t.deepEqual(new Set(last.slice(0, gone.size)), gone);
        } else if (one.kind === 'take') {
          const first = model.toSorted((a, b) => rank(b) - rank(a))[0];
          t.is(queue.take(), first);
          model = model.filter((kept) => kept !== first);
        } else {
          const own = model.filter(({ track }) => track === one.track);
          t.deepEqual(new Set(queue.withdraw(one.track)), new Set(own));
          model = model.filter(({ track }) => track !== one.track);
        }
        t.is(queue.length, model.length);
        t.is(
          queue.bytes,
          model.reduce((sum, { crop }) => sum + crop.pixels.data.byteLength, 0),
        );
        t.true(queue.length <= limits.crops && queue.bytes <= limits.bytes);
        for (const { track } of model) t.true(model.filter((other) => other.track === track).length <= limits.perTrack);
      });
    }),
  );
});
