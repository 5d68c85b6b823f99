import test, { type ExecutionContext } from 'ava';
import type { Clock, ClockState } from '../kernel/clock.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { type Milliseconds, milliseconds, type UtcMilliseconds, utcMilliseconds } from '../kernel/units.ts';
import { type HeadWiring, InputPhaseSource } from './phase-input.ts';
import { SimulatedLines } from './simulated-lines.ts';

const full: HeadWiring = { head: 'main', red: 'r', amber: 'a', green: 'g' };

async function wired(t: ExecutionContext, wiring: HeadWiring = full, lit = 'r') {
  const clock = new ManualClock();
  const paused = new PausedClock(clock);
  const inputs = ['r', 'a', 'g'].map((name) => ({ name, level: lit.includes(name) }));
  const lines = SimulatedLines.open({ outputs: [], inputs }, clock);
  const source = await InputPhaseSource.open(lines, [wiring], {
    clock: paused,
    timer: clock,
    checkEvery: milliseconds(500),
    staleAfter: milliseconds(2000),
  });
  t.teardown(async () => {
    const closed = source.close();
    await clock.advance(1000);
    await closed;
  });
  const at = (behind = 0) => source.phaseAt('main', utcMilliseconds(clock.utc() - behind), milliseconds(0));
  /** The phase, or in brackets why it is unknown. */
  const says = (behind = 0) => {
    const reading = at(behind);
    return reading.known ? reading.phase : `(${reading.reason})`;
  };
  const light = (lamps: string) => {
    for (const name of ['r', 'a', 'g']) if (!lamps.includes(name)) lines.drive(name, false);
    for (const name of lamps) lines.drive(name, true);
  };
  return { clock, paused, lines, source, at, says, light };
}

/** A clock whose asker is set aside for `pause` ms right after the next date was read, once. */
class PausedClock implements Clock {
  pause = 0;
  #ahead = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  utc(): UtcMilliseconds {
    const utc = utcMilliseconds(this.#clock.utc() + this.#ahead);
    this.#ahead += this.pause;
    this.pause = 0;
    return utc;
  }

  monotonic(): Milliseconds {
    return milliseconds(this.#clock.monotonic() + this.#ahead);
  }

  state(): ClockState {
    return this.#clock.state();
  }
}

test('the phases of a cycle, each with its beginning; red with amber is still the same red', async (t) => {
  const { clock, at, light } = await wired(t, full, 'g');
  const start = clock.utc();
  const seen: string[] = [];
  for (const lamps of ['a', 'r', 'ra', 'g', '']) {
    await clock.advance(1000);
    light(lamps);
    await clock.advance(300);
    const reading = at();
    seen.push(reading.known ? `${reading.phase} since ${reading.since - start}` : reading.reason);
    t.is(reading.known && reading.source, 'input-line');
  }
  t.deepEqual(seen, ['amber since 1000', 'red since 2300', 'red since 2300', 'green since 4900', 'off since 6200']);
});

test('a frame is judged by the phase at its own time, not by the one of now', async (t) => {
  const { clock, says, light } = await wired(t, full, 'g');
  await clock.advance(1000);
  light('a');
  await clock.advance(100);
  light('r');
  await clock.advance(150);
  t.deepEqual([0, 149, 150, 151, 250, 251].map(says), ['red', 'red', 'red', 'amber', 'amber', 'green']);
  t.regex(says(5000), /before what is remembered/);
});

test('who is set aside between the readings of two clocks asks for the same moment', async (t) => {
  const { clock, paused, light, source } = await wired(t, full, 'g');
  await clock.advance(1000);
  light('r');
  await clock.advance(10);
  paused.pause = 40;
  const reading = source.phaseAt('main', utcMilliseconds(clock.utc() + 40), milliseconds(0));
  t.is(reading.known && reading.phase, 'red');
  t.is(reading.known && Number(reading.since), clock.utc() - 10);
});

test('a corrected clock moves the dates, not the order of phases', async (t) => {
  const { clock, at, light } = await wired(t, full, 'g');
  await clock.advance(1000);
  light('r');
  await clock.advance(200);
  clock.setUtc(clock.utc() - 3_600_000);
  const reading = at();
  t.is(reading.known && reading.phase, 'red');
  t.is(reading.known && clock.utc() - reading.since, 200);
});

test('lamps that contradict each other are unknown, for as long as they do', async (t) => {
  const { clock, says, lines } = await wired(t, full, 'r');
  await clock.advance(100);
  lines.drive('g', true);
  t.is(says(), '(green and red are lit at the same time)');
  await clock.advance(100);
  lines.drive('r', false);
  t.is(says(), 'green');
  lines.drive('a', true);
  t.is(says(), '(green and amber are lit at the same time)');
  t.is(says(50), '(green and red are lit at the same time)');
});

test('with red alone wired, red is known and its absence is not', async (t) => {
  const { clock, says, light } = await wired(t, { head: 'main', red: 'r' }, 'r');
  t.is(says(), 'red');
  await clock.advance(100);
  light('');
  t.regex(says(), /not all are wired/);
});

test('a line that cannot be read any more goes stale, and is believed again when it answers', async (t) => {
  const { clock, says, lines } = await wired(t);
  await clock.advance(10_000);
  t.is(says(), 'red');
  const read = lines.read.bind(lines);
  lines.read = () => Promise.reject(new AtalayaError('lines-unavailable', 'gone'));
  await clock.advance(1900);
  t.is(says(), 'red');
  await clock.advance(700);
  t.regex(says(), /input r has not been confirmed for \d+ ms/);
  t.is(says(1000), 'red', 'a moment at which it had just been confirmed is still known');
  lines.read = () => new Promise(() => undefined);
  await clock.advance(5000);
  t.regex(says(), /has not been confirmed/);
  lines.read = read;
  await clock.advance(1100);
  t.is(says(), 'red');
});

test('a lost edge is found by the next check, and the time in which it may have come is unknown', async (t) => {
  const { clock, says, source, lines } = await wired(t, full, 'r');
  await clock.advance(1100);
  lines.drive('r', false, true);
  lines.drive('g', true);
  t.is(says(), '(green and red are lit at the same time)');
  await clock.advance(500);
  t.is(source.lostEdges, 1);
  t.is(says(), 'green');
  t.is(says(300), '(an edge of the input r was lost)');
  t.is(says(700), 'red');
});

test('two lost edges that cancel out are found by the gap in the numbers', async (t) => {
  const { clock, says, source, lines } = await wired(t, full, 'r');
  await clock.advance(1100);
  lines.drive('r', false);
  lines.drive('r', true, true);
  lines.drive('r', false, true);
  await clock.advance(200);
  lines.drive('r', true);
  t.is(source.lostEdges, 1);
  t.is(says(), 'red');
  t.is(says(100), '(an edge of the input r was lost)');
});

test('a head that is not wired, and a moment ahead of now, are unknown; a line that is not there is refused', async (t) => {
  const { clock, source, says, lines } = await wired(t);
  const reading = source.phaseAt('other', clock.utc(), milliseconds(0));
  t.false(reading.known);
  t.regex(says(-3000), /ahead/);
  t.is(says(-100), 'red');
  const options = { clock, timer: clock, checkEvery: milliseconds(500), staleAfter: milliseconds(2000) };
  const error = await t.throwsAsync(InputPhaseSource.open(lines, [{ head: 'x', red: 'nowhere' }], options), {
    instanceOf: AtalayaError,
  });
  t.is(error?.code, 'lines-unavailable');
});

test('after close nothing is followed and nothing waits', async (t) => {
  const { clock, source, says, light } = await wired(t);
  const closed = source.close();
  await clock.advance(1);
  await closed;
  light('g');
  await clock.advance(3000);
  t.regex(says(), /has not been confirmed/);
  t.is(clock.sleeping, 0);
});
