import test from 'ava';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { CaptureTime } from '../frame.ts';
import { arrivalStamps, CaptureClock, type Stamps, stampsOf, UtcOffset } from './capture-clock.ts';

/** A clock whose kernel counts from elsewhere. */
const BOOT = 5_000_000;
const utc = 1_700_000_000_000;

function timing(stamps: Stamps) {
  const clock = new ManualClock(utc);
  const times = new CaptureClock(stamps, clock, () => milliseconds(clock.monotonic() + BOOT));
  /** Lets time pass, then takes the time of a picture that arrives now. */
  const after = async (pass: number, stamp: (now: number) => number | undefined): Promise<CaptureTime | string> => {
    await clock.advance(pass);
    const time = times.time(stamp(clock.monotonic()), clock.monotonic());
    return 'reason' in time ? time.reason : time;
  };
  const good = async (pass: number, stamp: (now: number) => number | undefined): Promise<CaptureTime> => {
    const time = await after(pass, stamp);
    if (typeof time === 'string') throw new Error(time);
    return time;
  };
  return { clock, times, after, good };
}

test('a driver’s stamp is the capture, by date and by time, however late the picture comes', async (t) => {
  const { good } = timing(stampsOf.v4l2);
  const first = await good(1000, (now) => now + BOOT - 50);
  t.is(first.utc as number, utc + 950);
  t.is(first.elapsed as number, 0);
  const second = await good(400, (now) => now + BOOT - 400);
  t.is(second.elapsed as number, 50, 'captured 50 ms after the first, delivered 400 ms after it');
  t.like(second.clock, { source: 'system', dated: true, intervalError: 2 });
});

test('a clock that is set moves the date and leaves the intervals', async (t) => {
  const { good, clock } = timing(stampsOf.libcamera);
  const stamp = (now: number) => now + BOOT;
  const before = await good(1000, stamp);
  clock.setUtc(clock.utc() + 3_600_000);
  const after = await good(100, stamp);
  t.is(after.elapsed - before.elapsed, 100);
  t.is(after.utc - before.utc, 3_600_100);
});

test('a driver that stamps with the date is understood', async (t) => {
  const { good } = timing(stampsOf.v4l2);
  const first = await good(1000, (now) => utc + now - 30);
  t.is(first.utc as number, utc + 970);
  t.is((await good(40, (now) => utc + now - 30)).elapsed as number, 40);
});

test('a driver that stamps from an unknown zero keeps its spacing, with a larger error', async (t) => {
  const { good } = timing(stampsOf.v4l2);
  let stamp = 0;
  await good(1000, () => stamp);
  for (let i = 0; i < 60; i += 1) {
    stamp += 33;
    await good(33, () => stamp);
  }
  const last = await good(40, () => stamp + 33);
  t.is(Math.round(last.elapsed), 61 * 33);
  t.is(last.clock.intervalError as number, 5);
});

test('a stamp that cannot be true is refused, and so is one that does not go on', async (t) => {
  const { after, good } = timing(stampsOf.v4l2);
  const stamp = (now: number) => now + BOOT;
  await good(1000, stamp);
  t.regex(String(await after(40, (now) => now + BOOT + 900)), /0\.90 s off its arrival/);
  t.regex(String(await after(40, (now) => now + BOOT - 9000)), /-9\.00 s off/);
  t.regex(String(await after(40, (now) => now + BOOT - 200)), /not after/);
  t.regex(String(await after(40, () => undefined)), /states no time/);
  t.is((await good(40, stamp)).elapsed as number, 200);
});

test('a stream is set where its quickest picture says, and its spacing is its own', async (t) => {
  const { good } = timing(stampsOf.rtp);
  // Delays of 80 ms and more at the start, 20 ms from the sixth picture on: what a buffer does that empties.
  const times: CaptureTime[] = [];
  for (let i = 0; i < 100; i += 1) {
    const late = i < 5 ? 80 - i * 10 : 20;
    const stamp = i * 40;
    const arrival = 1000 + stamp + late;
    const passed = arrival - (times.length === 0 ? 0 : 1000 + (i - 1) * 40 + (i - 1 < 5 ? 80 - (i - 1) * 10 : 20));
    times.push(await good(passed, () => stamp));
  }
  const settled = times.slice(40);
  for (const [i, time] of settled.entries()) {
    if (i > 0) t.true(Math.abs(time.elapsed - (settled[i - 1] as CaptureTime).elapsed - 40) < 0.05);
    t.is(time.clock.intervalError as number, 5);
    t.true(Math.abs(time.utc - (utc + 1000 + (i + 40) * 40 + 20)) < 1);
  }
  t.is(times[3]?.clock.intervalError as number, 100, 'while it settles nothing is measured');
});

test('the drift of a camera’s clock is followed, and no interval is bent by more than a thousandth', async (t) => {
  const { good } = timing(stampsOf.rtp);
  // A camera that is 100 ppm slow, for 100 s: 10 ms would be lost.
  const times: CaptureTime[] = [];
  for (let i = 0; i < 2500; i += 1) times.push(await good(i === 0 ? 1000 : 40, (now) => (now - 1000) * (1 - 1e-4)));
  const first = times[100] as CaptureTime;
  const last = times.at(-1) as CaptureTime;
  const truth = (2499 - 100) * 40;
  t.true(Math.abs(last.elapsed - first.elapsed - truth) < 3, `${last.elapsed - first.elapsed - truth} ms`);
  for (let i = 101; i < times.length; i += 1) {
    const step = (times[i] as CaptureTime).elapsed - (times[i - 1] as CaptureTime).elapsed;
    t.true(Math.abs(step - 40) <= 0.05, `${step}`);
  }
});

test('without stamps the arrival counts, and the error says so', async (t) => {
  const { good } = timing(arrivalStamps(10));
  const first = await good(1000, () => undefined);
  t.is(first.utc as number, utc + 1000);
  t.is(first.clock.intervalError as number, 25);
  t.is(arrivalStamps(100).intervalError as number, 10);
});

test('a restart begins the stamps anew and goes on with the time', async (t) => {
  const { good, times } = timing(stampsOf.rtp);
  const first = await good(1000, () => 77_000);
  await good(2000, () => 79_000);
  times.restart();
  const after = await good(5000, () => 3);
  t.is(after.elapsed - first.elapsed, 7000);
});

test('the date is read at the edge of its millisecond', (t) => {
  let reads = 0;
  const clock = new ManualClock(utc);
  const ticking = {
    utc: () => Math.floor(utc + reads * 0.01 + 0.7) as never,
    monotonic: () => {
      reads += 1;
      return milliseconds(reads * 0.01);
    },
    state: () => clock.state(),
  };
  const offset = new UtcOffset(ticking).now();
  t.true(Math.abs(offset - (utc + 0.7)) < 0.05, `${offset - utc}`);
});
