import test from 'ava';
import { silentLog } from '../../../device/kernel/log/log.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { systemTimer } from '../../../device/kernel/timer.ts';
import type { Witness, Witnessed } from '../witness/witness.ts';
import { WitnessDesk, type WitnessDeskOptions } from './witness-desk.ts';

/** A witness to whom a note is its size, and who has so many entries of the ledger. */
function world() {
  const has = { entries: 0 };
  const cosigned: number[] = [];
  const witness = {
    witness: async (_unit: string, note: string): Promise<Witnessed> => {
      const size = Number(note);
      if (size > has.entries) return { kind: 'waiting' } as Witnessed;
      if (size <= Math.max(0, ...cosigned)) return { kind: 'older', size } as Witnessed;
      cosigned.push(size);
      return { kind: 'cosigned', note, size } as unknown as Witnessed;
    },
  } as unknown as Witness;
  const clock = new ManualClock();
  const desk = new WitnessDesk({
    archive: { watermarks: async () => [] },
    witness,
    pinned: async () => ({}) as never,
    alerts: { raise: async () => {}, close: async () => {} } as unknown as WitnessDeskOptions['alerts'],
    refusals: { count: () => {} } as unknown as WitnessDeskOptions['refusals'],
    link: { publish: async () => {} },
    clock,
    timer: systemTimer,
    random: Math.random,
    log: silentLog,
  });
  return { desk, has, cosigned };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

test('behind a steady backlog checkpoints are cosigned all the same, in order, and the newest last', async (t) => {
  const { desk, has, cosigned } = world();
  const stop = new AbortController();
  const running = desk.run(stop.signal);
  for (let size = 10; size <= 200; size += 10) {
    desk.offer('unit-1', String(size));
    await settled();
    // What the newest covers is always still on its way.
    has.entries = size - 5;
    desk.grown('unit-1');
    await settled();
  }
  t.true(cosigned.length >= 5, cosigned.join(' '));
  t.deepEqual(
    cosigned,
    cosigned.toSorted((a, b) => a - b),
  );
  has.entries = 200;
  desk.grown('unit-1');
  await settled();
  t.is(cosigned.at(-1), 200);
  t.is(desk.figures.waiting, 0);
  stop.abort();
  await running;
});

test('what was decided is not held any more, and units do not wait for one another', async (t) => {
  const { desk, has, cosigned } = world();
  const stop = new AbortController();
  const running = desk.run(stop.signal);
  has.entries = 5;
  desk.offer('unit-1', '9');
  desk.offer('unit-2', '4');
  await settled();
  t.deepEqual(cosigned, [4]);
  t.is(desk.figures.waiting, 1);
  has.entries = 9;
  desk.grown('unit-2');
  await settled();
  t.deepEqual(cosigned, [4]);
  desk.grown('unit-1');
  await settled();
  t.deepEqual(cosigned, [4, 9]);
  t.is(desk.figures.waiting, 0);
  stop.abort();
  await running;
});
