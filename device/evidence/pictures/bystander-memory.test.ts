import test from 'ava';
import fc from 'fast-check';
import type { Detection } from '../../detect/detection.ts';
import { fraction, milliseconds } from '../../kernel/units.ts';
import { timeOf } from '../testing/fixtures.ts';
import { BystanderMemory } from './bystander-memory.ts';

/** 40 ms apart. */
const frame = (sequence: number) => ({ sequence, time: timeOf(sequence) });
const person = (x: number): Detection => ({
  box: { x, y: 0, width: 5, height: 9 },
  class: 'person',
  score: fraction(0.2),
});

const bounds = { reach: milliseconds(2000), most: 100 };
const sequences = (memory: BystanderMemory, shown: number) =>
  memory.around(frame(shown))?.frames.map(({ sequence }) => sequence);

test('gives the frame itself and the nearest before and after it, with what was seen and how far away', (t) => {
  const memory = new BystanderMemory('auto', bounds);
  for (const sequence of [10, 12, 14, 16]) memory.observe(frame(sequence), [person(sequence)]);
  t.deepEqual(sequences(memory, 14), [12, 14, 16]);
  t.deepEqual(sequences(memory, 13), [12, 14]);
  t.deepEqual(sequences(memory, 18), [16]);
  t.deepEqual(sequences(memory, 8), [10]);
  t.deepEqual(memory.around(frame(13)), {
    searched: 'auto',
    frames: [
      { sequence: 12, offset: milliseconds(-40), detections: [person(12)] },
      { sequence: 14, offset: milliseconds(40), detections: [person(14)] },
    ],
  });
});

test('a frame in which nothing was found was looked at all the same', (t) => {
  const memory = new BystanderMemory([{ x: 0, y: 0, width: 9, height: 9 }], bounds);
  memory.observe(frame(10), []);
  t.deepEqual(memory.around(frame(10)), {
    searched: [{ x: 0, y: 0, width: 9, height: 9 }],
    frames: [{ sequence: 10, offset: milliseconds(0), detections: [] }],
  });
});

test('further than 0.3 s from any processed frame nothing is known', (t) => {
  const memory = new BystanderMemory('auto', bounds);
  t.is(memory.around(frame(3)), undefined);
  memory.observe(frame(10), []);
  t.is(memory.around(frame(2)), undefined);
  t.deepEqual(sequences(memory, 3), [10]);
  t.deepEqual(sequences(memory, 17), [10]);
  t.is(memory.around(frame(18)), undefined);
});

test('remembers what its reach and its count allow, and nothing else', (t) => {
  const step = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), fc.integer({ min: 1, max: 20 }), (steps, most) => {
      const memory = new BystanderMemory('auto', { reach: bounds.reach, most });
      const all: number[] = [];
      for (const one of steps) {
        const next = (all.at(-1) ?? 0) + one;
        all.push(next);
        memory.observe(frame(next), []);
      }
      const newest = all.at(-1) ?? 0;
      const remembered = all.slice(-most).filter((one) => (newest - one) * 40 <= bounds.reach);
      return all.every((one) => (sequences(memory, one) ?? []).includes(one) === remembered.includes(one));
    }),
  );
  t.pass();
});
