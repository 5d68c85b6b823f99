import test from 'ava';
import { reported as reportedSchema } from '../../../cloud-bridge/contract/state.ts';
import { makeScenes } from './testing/keeper-scenes.ts';
import { baseConfig, signedDesired, today } from './testing/signed.ts';

const { live, restart, started, settledAtOne, signers } = await makeScenes();
const { supervisor, stranger } = signers;
const minute = 60_000;

test('a unit without a document runs with its own file, and says so', async (t) => {
  const world = await started();
  t.deepEqual(world.keeper.effective(), baseConfig());
  t.is(world.told, 'none');
  t.is(world.inForce, 0);
});

test('a live change is applied at once, is on trial, and is confirmed when the unit has done its work under it', async (t) => {
  const world = await started();
  world.works = { brokerReached: false, framesSeen: false, evidenceSealed: false };
  await world.keeper.desired(await live(1111, 1));
  t.deepEqual(
    world.applied.map(({ changed, needs }) => [changed, needs]),
    [[['signal.beacon.onMs'], 'live']],
  );
  t.is(world.told, 'trial 1');
  t.is(world.keeper.reported().trialUntil, new Date(today + 10 * minute).toISOString());
  await world.pass(3 * minute);
  t.is(world.told, 'trial 1');
  t.is(world.keeper.reported().trialUntil, new Date(today + 10 * minute).toISOString());
  world.works = { brokerReached: true, framesSeen: true, evidenceSealed: false };
  await world.pass(2000);
  t.is(world.told, 'confirmed 1');
  t.is(world.keeper.effective().signal.beacon.onMs, 1111);
  t.is((await world.start()).signal.beacon.onMs, 1111, 'after a start too');
  t.deepEqual(
    world.acts.map(({ outcome, person }) => [outcome, person?.role]),
    [
      ['accepted', 'supervisor'],
      ['trial', 'supervisor'],
      ['confirmed', 'supervisor'],
    ],
  );
  for (const one of world.reports) t.true(reportedSchema.safeParse(one).success);
  t.deepEqual(world.problems, []);
});

test('a change that needs a start is on trial from that start on, and not before', async (t) => {
  const world = await started();
  await world.keeper.desired(await restart(3, 1));
  t.is(world.applied[0]?.needs, 'restart');
  t.is(world.told, 'accepted 1');
  t.is(world.inForce, 0);
  await world.pass(5000);
  t.is(world.told, 'accepted 1', 'what still runs is the old one, and proves nothing');
  t.is((await world.start()).detector.threads, 3);
  await world.keeper.begin();
  t.is(world.told, 'trial 1');
  await world.pass(2000);
  t.is(world.told, 'confirmed 1');
});

for (const [what, code] of [
  ['brokerReached', 'broker-not-reached'],
  ['framesSeen', 'frames-not-seen'],
] as const) {
  test(`a unit that does not come to ${what} goes back by itself`, async (t) => {
    const world = await settledAtOne();
    world.works = { ...world.works, [what]: false };
    await world.keeper.desired(await live(2222, 2));
    t.is(world.keeper.effective().signal.beacon.onMs, 2222);
    await world.pass(10 * minute);
    t.regex(world.told, new RegExp(`^rolled-back 2: ${code}: .* within 10 minutes$`));
    t.is(world.inForce, 1);
    t.is(world.keeper.effective().signal.beacon.onMs, 1111);
    t.is(world.applied.at(-1)?.config.signal.beacon.onMs, 1111);
    const { outcome, inForce } = world.reports.at(-1) ?? {};
    t.deepEqual([outcome, inForce?.version], ['rolled-back', 1], 'the last word that was sent names what runs');
    t.is((await world.start()).signal.beacon.onMs, 1111);
  });
}

test('a unit that cannot seal goes back, and says what the ledger said', async (t) => {
  const world = await settledAtOne();
  world.proves = () => Promise.reject(new Error('the ledger is full'));
  await world.keeper.desired(await live(2222, 2));
  await world.pass(10 * minute);
  t.regex(world.told, /^rolled-back 2: evidence-not-sealed: .*: the ledger is full$/);
});

test('a document that cuts the unit off is given back, although nobody can tell it to', async (t) => {
  const world = await settledAtOne();
  const elsewhere = await signedDesired({ cloud: { broker: 'mqtts://nowhere.example' } }, 2, supervisor, {
    probationMinutes: 5,
  });
  await world.keeper.desired(elsewhere);
  t.is((await world.start()).cloud.broker, 'mqtts://nowhere.example');
  world.works = { brokerReached: false, framesSeen: true, evidenceSealed: true };
  await world.pass(5 * minute);
  t.is(world.applied.at(-1)?.config.cloud.broker, 'mqtts://broker.example');
  t.is(world.applied.at(-1)?.needs, 'restart');
  t.is((await world.start()).cloud.broker, 'mqtts://broker.example');
  t.is(world.told, 'rolled-back 2: broker-not-reached: the broker was not reached within 5 minutes');
  await world.keeper.desired(elsewhere);
  t.is(world.inForce, 1, 'the broker says again what it retains, and that changes nothing');
  t.regex(world.told, /^rolled-back 2/);
});

test('a unit that is never started goes back, too', async (t) => {
  const world = await settledAtOne();
  await world.keeper.desired(await restart(3, 2));
  await world.pass(10 * minute);
  t.regex(world.told, /^rolled-back 2: not-started: /);
  t.is((await world.start()).detector.threads, 2);
});

test('starts on trial are counted: after three the unit goes back', async (t) => {
  const world = await settledAtOne();
  world.works = { brokerReached: false, framesSeen: false, evidenceSealed: false };
  await world.keeper.desired(await restart(3, 2));
  for (const boot of [1, 2, 3]) {
    t.is((await world.start()).detector.threads, 3, `start ${boot}`);
    await world.pass(5000);
  }
  t.is((await world.start()).detector.threads, 2);
  await world.keeper.begin();
  t.regex(world.told, /^rolled-back 2: boots-used-up: /);
});

test('the time of a trial goes on over its starts', async (t) => {
  const world = await settledAtOne();
  world.works = { brokerReached: false, framesSeen: true, evidenceSealed: true };
  await world.keeper.desired(await restart(3, 2));
  await world.start();
  await world.pass(6 * minute);
  await world.start();
  await world.pass(3.5 * minute);
  t.is(world.told, 'trial 2');
  await world.pass(minute);
  t.regex(world.told, /^rolled-back 2/);
});

test('what cannot be applied is given back at once; where that fails too, by a start', async (t) => {
  const world = await settledAtOne();
  world.applies = async ({ signal }) => {
    if (signal.beacon.onMs === 2222) throw new Error('the lamp is broken');
  };
  await world.keeper.desired(await live(2222, 2));
  t.is(world.told, 'rolled-back 2: apply-failed: the lamp is broken');
  t.deepEqual(
    world.applied.slice(1).map(({ config, needs }) => [config.signal.beacon.onMs, needs]),
    [
      [2222, 'live'],
      [1111, 'live'],
    ],
  );
  world.applies = async () => {
    throw new Error('the lamp is broken');
  };
  await world.keeper.desired(await live(3333, 3));
  t.deepEqual(
    world.applied.slice(3).map(({ config, needs }) => [config.signal.beacon.onMs, needs]),
    [
      [3333, 'live'],
      [1111, 'live'],
      [1111, 'restart'],
    ],
  );
});

test('an apply that never ends is given up after a minute', async (t) => {
  const world = await settledAtOne();
  world.applies = ({ signal }) => (signal.beacon.onMs === 2222 ? new Promise(() => {}) : Promise.resolve());
  const done = world.keeper.desired(await live(2222, 2));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await world.clock.advance(minute);
  await done;
  t.regex(world.told, /^rolled-back 2: apply-failed: .*longer than 60000 ms/);
});

test('a newer document takes the place of a trial, and goes back to what was confirmed', async (t) => {
  const world = await settledAtOne();
  world.works = { brokerReached: false, framesSeen: true, evidenceSealed: true };
  await world.keeper.desired(await live(2222, 2));
  await world.pass(minute);
  await world.keeper.desired(await live(3333, 3));
  t.is(world.told, 'trial 3');
  await world.pass(10 * minute);
  t.is(world.inForce, 1);
  t.deepEqual(
    world.keeper.history().map(({ version, outcome }) => [version, outcome]),
    [
      [3, 'rolled-back'],
      [2, 'superseded'],
      [1, 'confirmed'],
    ],
  );
});

test('what is refused is reported and changes nothing, and a stranger does not fill the audit log', async (t) => {
  const world = await settledAtOne();
  const acts = world.acts.length;
  for (let i = 0; i < 30; i += 1) {
    await world.keeper.desired(await signedDesired({ signal: { beacon: { onMs: 9 } } }, 5 + i, stranger));
    t.regex(world.told, /^rejected \d+: unknown-key: /);
  }
  await world.keeper.desired(await live(1, 1));
  t.regex(world.told, /^rejected 1: version-taken: /);
  t.is(world.acts.length, acts);
  t.is(world.keeper.refused().length, 20);
  await world.keeper.desired(await signedDesired({ log: { level: 'loud' } }, 2, supervisor));
  t.regex(world.told, /^rejected 2: not-a-choice: log\.level/);
  t.is(world.acts.length, acts + 1, 'what somebody who may has signed is an act');
  t.is(world.inForce, 1);
  t.is(world.applied.length, 1);
  await world.keeper.desired(await live(2222, 2));
  t.is(world.told, 'trial 2', 'a refused version is not used up');
});

test('a refusal during a trial does not end the trial', async (t) => {
  const world = await settledAtOne();
  await world.keeper.desired(await live(2222, 2));
  await world.keeper.desired(await signedDesired({ log: { level: 'loud' } }, 3, supervisor));
  t.regex(world.told, /^rejected 3/);
  t.is(world.inForce, 2);
  t.not(world.keeper.reported().trialUntil, undefined);
  await world.pass(2000);
  t.is(world.told, 'confirmed 2');
});

test('one thing is sealed for a trial, however long that takes', async (t) => {
  const world = await started();
  let seals = 0;
  let sealed = () => {};
  world.proves = () => {
    seals += 1;
    return new Promise((resolve) => {
      sealed = () => resolve();
    });
  };
  await world.keeper.desired(await live(1111, 1));
  await world.pass(20_000);
  t.is(seals, 1);
  t.is(world.told, 'trial 1');
  sealed();
  await world.pass(2000);
  t.is(world.told, 'confirmed 1');
});

test('a start with a changed own file lays the document over it', async (t) => {
  const world = await settledAtOne();
  world.base = { ...world.base, detector: { ...world.base.detector, threads: 4 } };
  const config = await world.start();
  t.is(config.detector.threads, 4);
  t.is(config.signal.beacon.onMs, 1111);
});
