import test from 'ava';
import { Pace } from './pace.ts';

/** Sends for so many milliseconds over a link of so many bytes a millisecond, with so much delay; returns the pace at its end. */
function over(rate: number, delay: number, time: number): { readonly bytes: number; readonly throughput: number } {
  const pace = new Pace();
  const flying: { readonly bytes: number; readonly sent: number; readonly arrives: number }[] = [];
  let free = 0;
  let done = 0;
  for (let now = 0; now < time; now += 1) {
    for (let bytes = flying.reduce((sum, each) => sum + each.bytes, 0); bytes < pace.bytes; ) {
      const message = Math.min(120 * 1024, pace.messageBytes);
      free = Math.max(free, now) + message / rate;
      flying.push({ bytes: message, sent: now, arrives: free + delay });
      bytes += message;
    }
    while ((flying[0]?.arrives ?? Number.POSITIVE_INFINITY) <= now) {
      const { bytes, sent } = flying.shift() as (typeof flying)[number];
      done += bytes;
      pace.acknowledged(bytes, sent, now, true);
    }
  }
  return { bytes: pace.bytes, throughput: done / time };
}

test('a fast link is filled at 50 ms as at none', (t) => {
  // 20 MB/s.
  t.true(over(20_000, 50, 5000).throughput > 14_000);
  t.true(over(20_000, 0, 5000).throughput > 15_000);
});

test('on a slow link no more is on its way than it carries in a few seconds, and it is kept busy', (t) => {
  for (const rate of [10, 30, 100]) {
    const { bytes, throughput } = over(rate, 200, 120_000);
    t.true(bytes <= Math.max(16 * 1024 * 1.5, rate * 4500), `${bytes} at ${rate} bytes/ms`);
    t.true(throughput > rate * 0.8, `${throughput} of ${rate}`);
  }
});
