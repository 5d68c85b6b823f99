import test from 'ava';
import { StreamClient } from '../../cloud-bridge/unit-end/updates/stream-client.ts';
import { sleep } from '../../device/kernel/clock.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { MadeUnit } from '../testing/made-unit.ts';
import { assignFirst } from './testing/unit-lives.ts';
import { UpdateKeeper } from './update-keeper.ts';
import type { UpdateStep } from './update-step.ts';
import type { UpdateWork } from './update-work.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** So long, and looked at every `every` ms at least. Gives what was done and waited for. */
async function pass(unit: MadeUnit, on: UpdateWork, time: number, every: number): Promise<readonly UpdateStep[]> {
  const steps: UpdateStep[] = [];
  const end = unit.clock.monotonic() + time;
  while (unit.clock.monotonic() < end) {
    const step = await on.next(new AbortController().signal, () => undefined);
    steps.push(step);
    if (step.kind === 'idle' || step.kind === 'wait')
      await unit.clock.advance(Math.max(1, Math.min(step.until - unit.clock.utc(), every)));
  }
  return steps;
}

const silent = (): never => {
  throw new AtalayaError('link-down', 'the centre does not answer');
};

test('a centre that no longer answers for metadata is told of when what the unit has has run out', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  unit.made.assign([]);
  const on = await unit.openWork('image');
  await pass(unit, on, day, hour);
  const [reports, acts] = [unit.reports.length, unit.acts.length];
  unit.made.source.answer = silent;
  const { expires } = unit.made.director.roles.timestamp;
  await unit.clock.advance(expires - unit.clock.utc() - 2 * hour);
  await pass(unit, on, hour, hour);
  t.deepEqual([unit.reports.length, unit.acts.length], [reports, acts], 'a link may be down for days');
  await pass(unit, on, 2 * hour, hour);
  t.is(unit.acts.length, acts + 1);
  t.regex(unit.reports.at(-1)?.reasons[0] ?? '', /^timestamp-expired: the newest timestamp of \w+ ran out/);
  // A good answer is good again.
  unit.made.source.answer = () => undefined;
  unit.made.director.roles.timestamp.expires = unit.made.image.roles.timestamp.expires = unit.clock.utc() + 30 * day;
  unit.made.image.publish();
  unit.made.director.publish();
  await pass(unit, on, hour, hour);
  t.is(on.session.checksFailed, 0);
});

test('a centre that gives metadata a piece at a time holds updates up, and does not end them', async (t) => {
  await using bundles = await MadeBundles.open();
  await using unit = await MadeUnit.open();
  await assignFirst(unit, bundles);
  const client: StreamClient = new StreamClient({
    publish: async (get) => {
      if (get.count === 0) return client.answered({ id: get.id, length: 256 * 1024 });
      for (let i = 0; i < get.count; i += 1) {
        await unit.clock.sleep(milliseconds(25_000));
        client.data(get.id, get.from + i, Buffer.alloc(get.size, ' '));
      }
    },
    ...{ clock: unit.clock, timer: unit.clock, random: seededRandom(1) },
  });
  client.online();
  const { parts } = await unit.parts('image', () => undefined);
  const keeper = new UpdateKeeper({
    ...parts,
    link: () => {
      const real = parts.link();
      return real && { ...real, metadata: (...wanted) => client.metadata(...wanted) };
    },
  });
  const stop = new AbortController();
  let ended = false;
  const running = keeper.run(stop.signal).then(() => {
    ended = true;
  });
  const live = async (time: number, until: () => boolean) => {
    for (let passed = 0; passed < time && !until(); passed += 10_000) {
      await unit.clock.advance(10_000);
      await sleep(milliseconds(1));
    }
  };
  await live(hour, () => ended);
  t.false(ended);
  t.deepEqual(unit.told, []);
  let answered = false;
  void keeper.install('/media/usb').then(() => {
    answered = true;
  });
  await live(hour, () => answered);
  t.true(answered, 'a person with a stick is answered all the same');
  stop.abort();
  await live(hour, () => ended);
  await running;
  t.true(ended);
});

test('bytes of metadata that never became whole count as bytes of the day; the day after it is asked for again', async (t) => {
  await using unit = await MadeUnit.open();
  let came = 0;
  unit.made.source.answer = (_path, _most, tell) => {
    came += 250 * 1024;
    tell(250 * 1024);
    return silent();
  };
  unit.change = { limits: () => ({ windows: [], bytesPerDay: 1_000_000 }) };
  const on = await unit.openWork('image');
  const steps = await pass(unit, on, 10 * hour, hour);
  // What is under way when the measure is full comes to its end.
  t.is(came, 4 * 250 * 1024);
  t.is(on.state.bytes.bytes, came);
  t.like(steps.at(-1), { kind: 'wait', until: Date.parse('2026-03-02T00:00:00Z') });
  t.deepEqual(
    new Set(steps.flatMap((step) => (step.kind === 'wait' ? [step.reason] : []))),
    new Set(['bytes-per-day: the 1000000 bytes of today are used']),
  );
  t.true(steps.length < 40, `${steps.length} steps`);
  await pass(unit, on, 10 * hour, hour);
  t.is(came, 8 * 250 * 1024);
});
