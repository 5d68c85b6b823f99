import test from 'ava';
import { systemClock } from '../../device/kernel/clock.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { benchEngines } from './engines.ts';

test('subjects take turns on the same frames, and the figures are those of the clock', async (t) => {
  const seen: string[] = [];
  const times = { fast: 2, slow: 10 };
  const state = { now: 0 };
  const clock = { ...systemClock, monotonic: () => milliseconds(state.now) };
  const subject = (name: 'fast' | 'slow') => ({
    name,
    infer: async (frame: Uint8Array) => {
      seen.push(`${name}${frame[0]}`);
      state.now += times[name];
    },
  });
  const frames = [Uint8Array.of(1), Uint8Array.of(2)];
  const figures = await benchEngines(frames, [subject('fast'), subject('slow')], { clock, rounds: 2, warmUp: 1 });
  t.deepEqual(
    figures.map(({ name, count, median, p10, p90 }) => ({ name, count, median, p10, p90 })),
    [
      { name: 'fast', count: 4, median: 2, p10: 2, p90: 2 },
      { name: 'slow', count: 4, median: 10, p10: 10, p90: 10 },
    ],
  );
  const round = ['fast1', 'fast1', 'fast2', 'slow1', 'slow1', 'slow2'];
  t.deepEqual(seen, [...round, ...round]);
});

test('an aborted bench ends with what it has', async (t) => {
  const controller = new AbortController();
  const subject = { name: 'one', infer: async () => controller.abort() };
  const [figures] = await benchEngines([Uint8Array.of(1), Uint8Array.of(2)], [subject], {
    clock: systemClock,
    warmUp: 0,
    signal: controller.signal,
  });
  t.is(figures?.count, 1);
});
