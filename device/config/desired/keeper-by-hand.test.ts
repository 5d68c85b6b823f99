import test from 'ava';
import { makeScenes } from './testing/keeper-scenes.ts';
import { baseConfig } from './testing/signed.ts';

const { live, settledAtOne } = await makeScenes();

test('by hand: back to what was before, to the own file, and to nothing that was not confirmed', async (t) => {
  const world = await settledAtOne();
  await world.keeper.desired(await live(2222, 2));
  await world.pass(2000);
  await world.keeper.local({ id: 'request-1', kind: 'rollback', by: 'ana' });
  t.is(world.told, 'rolled-back 2: by-hand: ana at the unit went back to version 1');
  t.is(world.reports.at(-1)?.inForce.version, 1);
  t.is(world.keeper.effective().signal.beacon.onMs, 1111);
  t.is(world.acts.at(-1)?.byHand, 'ana');
  await world.keeper.local({ id: 'request-1', kind: 'rollback', by: 'ana' });
  t.is(world.inForce, 1, 'a request is carried out once');
  await world.keeper.local({ id: 'request-2', kind: 'rollback', to: 2, by: 'ana' });
  t.is(world.inForce, 1, 'what was given back stays away');
  await world.keeper.local({ id: 'request-3', kind: 'rollback', by: 'ana' });
  t.is(world.inForce, 0);
  t.deepEqual(await world.start(), baseConfig());
  await world.keeper.desired(await live(3333, 3));
  await world.keeper.local({ id: 'request-4', kind: 'rollback', by: 'ana' });
  t.regex(world.told, /^rolled-back 3: by-hand: ana at the unit went back to the unit's own file/);
});

test('by hand, out of a trial and further back: both are given back', async (t) => {
  const world = await settledAtOne();
  world.works = { brokerReached: false, framesSeen: true, evidenceSealed: true };
  await world.keeper.desired(await live(2222, 2));
  await world.keeper.local({ id: 'request-1', kind: 'rollback', to: 0, by: 'ana' });
  t.is(world.inForce, 0);
  t.deepEqual(world.keeper.effective(), baseConfig());
  t.deepEqual(
    world.keeper.history().map(({ outcome }) => outcome),
    ['rolled-back', 'rolled-back'],
  );
  t.regex(world.told, /^rolled-back 2: by-hand/);
});
