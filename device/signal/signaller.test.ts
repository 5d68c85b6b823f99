import test from 'ava';
import fc from 'fast-check';
import { AtalayaError } from '../kernel/errors.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { milliseconds } from '../kernel/units.ts';
import { Signaller, type SignalPlan } from './signaller.ts';
import { SimulatedLines } from './simulated-lines.ts';

const plan: SignalPlan = {
  beacon: { output: 'beacon', duration: milliseconds(5000) },
  strobe: { output: 'strobe', pulse: milliseconds(100), rest: milliseconds(400) },
  deadline: milliseconds(250),
};

const infraction = { rule: 'speeding' } as const;

function atTheRoad(clock = new ManualClock(), planned = plan) {
  const outputs = [
    { name: 'beacon', safe: false },
    { name: 'strobe', safe: false },
  ];
  const lines = SimulatedLines.open({ outputs, inputs: [] }, clock);
  const faults: AtalayaError[] = [];
  const signaller = new Signaller(lines, planned, clock, clock, (fault) => faults.push(fault));
  const set = (line: string) =>
    lines.timeline
      .filter((event) => event.line === line && event.cause === 'set')
      .map(({ at, level }) => `${at} ${level}`);
  return { clock, lines, signaller, faults, set };
}

test('an infraction gives one pulse and lights the beacon for its time', async (t) => {
  const { clock, signaller, set } = atTheRoad();
  await clock.advance(1000);
  signaller.show(infraction);
  await clock.advance(20_000);
  t.deepEqual(set('strobe'), ['1000 true', '1100 false']);
  t.deepEqual(set('beacon'), ['1000 true', '6000 false']);
  t.deepEqual(signaller.counts, { infractions: 1, pulses: 1, shared: 0, faults: 0, longestDelay: milliseconds(0) });
  t.is(clock.sleeping, 0, 'nothing waits any more');
});

test('infractions in a row light the beacon on, and share the one pulse that the lamp allows', async (t) => {
  const { clock, signaller, set } = atTheRoad();
  signaller.show(infraction);
  await clock.advance(50);
  signaller.show(infraction);
  signaller.show(infraction);
  await clock.advance(2950);
  signaller.show(infraction);
  await clock.advance(20_000);
  t.deepEqual(set('strobe'), ['0 true', '100 false', '500 true', '600 false', '3000 true', '3100 false']);
  t.deepEqual(set('beacon'), ['0 true', '8000 false']);
  t.like(signaller.counts, { infractions: 4, pulses: 3, shared: 1, longestDelay: milliseconds(450) });
});

test('a strobe that is switched off stays dark while the beacon is lit, and flashes again as soon as it is switched on', async (t) => {
  const flag = { enabled: false };
  const strobe = {
    ...(plan.strobe as NonNullable<SignalPlan['strobe']>),
    get enabled() {
      return flag.enabled;
    },
  };
  const { clock, signaller, set } = atTheRoad(new ManualClock(), { ...plan, strobe });
  signaller.show(infraction);
  await clock.advance(10_000);
  t.deepEqual(set('strobe'), []);
  t.deepEqual(set('beacon'), ['0 true', '5000 false']);
  t.like(signaller.counts, { infractions: 1, pulses: 0, shared: 0 });
  flag.enabled = true;
  signaller.show(infraction);
  await clock.advance(50);
  // A pulse that has begun is not cut short, and nothing waits for the next one.
  flag.enabled = false;
  signaller.show(infraction);
  await clock.advance(10_000);
  t.deepEqual(set('strobe'), ['10000 true', '10100 false']);
  t.like(signaller.counts, { infractions: 3, pulses: 1, shared: 0 });
});

test('a line that hangs is told of within the deadline, and holds up neither the other line nor the caller', async (t) => {
  const { clock, lines, signaller, faults, set } = atTheRoad();
  lines.stick('strobe');
  signaller.show(infraction);
  await clock.advance(250);
  t.deepEqual(set('beacon'), ['0 true']);
  t.deepEqual(set('strobe'), []);
  t.deepEqual(
    faults.map(({ code, message }) => [code, message.includes('strobe')]),
    [['deadline-exceeded', true]],
  );
  await clock.advance(10_000);
  lines.unstick('strobe');
  await clock.advance(1000);
  t.is(lines.level('strobe'), false, 'a pulse that comes too late is ended at once');
  t.deepEqual(
    set('strobe').map((event) => event.split(' ')[1]),
    ['true', 'false'],
  );
  signaller.show(infraction);
  await clock.advance(50);
  t.is(lines.level('strobe'), true, 'the line is used again when it answers');
});

test('a line that refuses is tried again until the beacon is dark', async (t) => {
  const { clock, lines, signaller, faults } = atTheRoad();
  signaller.show(infraction);
  await clock.advance(4900);
  const set = lines.set.bind(lines);
  let refusals = 3;
  lines.set = async (output, level) => {
    if (output === 'beacon' && refusals > 0) {
      refusals -= 1;
      throw new AtalayaError('lines-unavailable', 'the chip is gone');
    }
    return set(output, level);
  };
  await clock.advance(5000);
  t.is(lines.level('beacon'), false);
  t.deepEqual(faults.filter(({ code }) => code === 'lines-unavailable').length, 3);
});

test('stop makes every line safe in the middle of pulse and beacon, and nothing comes after it', async (t) => {
  const { clock, lines, signaller } = atTheRoad();
  signaller.show(infraction);
  await clock.advance(50);
  await signaller.stop();
  t.deepEqual([lines.level('strobe'), lines.level('beacon')], [false, false]);
  const events = lines.timeline.length;
  signaller.show(infraction);
  await clock.advance(60_000);
  t.true(lines.timeline.slice(events).every(({ level }) => !level));
  t.is(clock.sleeping, 0);
  await signaller.stop();
});

test('a line that hangs during stop and answers later is made safe again', async (t) => {
  const { clock, lines, signaller } = atTheRoad();
  lines.stick('beacon');
  signaller.show(infraction);
  await clock.advance(10);
  await signaller.stop();
  lines.unstick('beacon');
  await clock.advance(1);
  t.is(lines.level('beacon'), false);
  t.is(lines.timeline.at(-1)?.cause, 'safe');
});

test('lines that hang altogether do not hold up stop beyond the deadline', async (t) => {
  const { clock, lines, signaller, faults } = atTheRoad();
  lines.safe = () => new Promise(() => undefined);
  const stopping = signaller.stop();
  await clock.advance(250);
  await stopping;
  t.deepEqual(
    faults.map(({ code }) => code),
    ['deadline-exceeded'],
  );
});

test('however infractions fall, a pulse is as long as planned, the lamp rests, and the beacon covers each', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 20 }), async (gaps) => {
      const { clock, signaller, lines } = atTheRoad();
      const shown: number[] = [];
      for (const gap of gaps) {
        await clock.advance(gap);
        shown.push(clock.monotonic());
        signaller.show(infraction);
      }
      await clock.advance(10_000);
      const pulses = edges(lines, 'strobe');
      const lit = edges(lines, 'beacon');
      const regular = pulses.every(
        ([on, off], i) => off - on === 100 && (i === 0 || on - (pulses[i - 1]?.[1] ?? 0) >= 400),
      );
      return (
        regular &&
        shown.every((at) => lit.some(([on, off]) => on <= at && at + 5000 <= off)) &&
        shown.every((at) => pulses.some(([on]) => on >= at && on <= at + 500))
      );
    }),
    { numRuns: 60 },
  );
  t.pass();
});

function edges(lines: SimulatedLines, line: string): readonly (readonly [on: number, off: number])[] {
  const events = lines.timeline.filter((event) => event.line === line && event.cause === 'set');
  return events.flatMap(({ at, level }, i) =>
    level ? [[at, events[i + 1]?.at ?? Number.POSITIVE_INFINITY] as const] : [],
  );
}
