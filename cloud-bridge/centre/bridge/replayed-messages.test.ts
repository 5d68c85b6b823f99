import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { alertOf, BridgeTrial, countOf, until } from './testing/bridge-trial.ts';

/** Pieces of a lane, in any order, some of them several times, some while the archive is away. */
const deliveries = fc.array(
  fc.record({
    from: fc.integer({ min: 1, max: 30 }),
    length: fc.integer({ min: 1, max: 10 }),
    lane: fc.constantFrom('count' as const, 'alert' as const),
    away: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25 },
);
const last = 30;

test('replayed, out of order, again and while the archive fails: nothing is acknowledged that is not there, and each event is there once', async (t) => {
  let run = 0;
  const trial = new BridgeTrial();
  await trial.bridge();
  await fc.assert(
    fc.asyncProperty(deliveries, async (given) => {
      run += 1;
      const unit = await trial.unit(`unit-${run}`);
      const say = (lane: 'count' | 'alert', from: number, to: number) => {
        const events = [];
        for (let sequence = from; sequence <= Math.min(to, last); sequence += 1) {
          const data = lane === 'count' ? countOf(sequence) : alertOf(`alert-${1000 + (sequence % 5)}`, 'raised');
          // The unit's bound dropped every tenth event: those after say so.
          const previous = sequence % 10 === 1 && sequence > 1 ? sequence - 2 : sequence - 1;
          if (sequence % 10 !== 0) events.push({ sequence, previous, data });
        }
        return events.length === 0 ? undefined : unit.events(lane, events);
      };
      for (const { from, length, lane, away } of given) {
        let faults = away ? 1 : 0;
        trial.archive.plan = (call) => {
          if (call !== 'ingest' || faults === 0) return undefined;
          faults -= 1;
          return new AtalayaError('archive-unavailable', 'gone');
        };
        await say(lane, from, from + length - 1);
        for (const one of ['telemetry', 'alert'] as const) {
          const there = new Set(await trial.sequences(unit.id, one));
          const upTo = unit.upTo(one);
          const first = one === 'telemetry' ? Math.min(...there, upTo) : 1;
          for (let sequence = first; sequence <= upTo; sequence += 1)
            t.true(sequence % 10 === 0 || there.has(sequence));
        }
      }
      trial.archive.plan = () => undefined;
      await say('count', 1, last);
      await say('alert', 1, last);
      await until('acknowledged', () => unit.upTo('telemetry') === 29 && unit.upTo('alert') === 29);
      const all = Array.from({ length: last }, (_, i) => i + 1).filter((sequence) => sequence % 10 !== 0);
      t.deepEqual(await trial.sequences(unit.id, 'telemetry'), all);
      t.deepEqual(await trial.sequences(unit.id, 'alert'), all);
      await unit.close();
    }),
    { numRuns: 25 },
  );
  await trial.end();
});
