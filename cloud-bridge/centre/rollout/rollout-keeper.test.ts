import test from 'ava';
import type { Rollout } from '../../contract/rollout.ts';
import type { Changed } from './rollout-keeper.ts';
import { RolloutWorld } from './testing/rollout-world.ts';

const states = (rollout: Rollout | undefined): string =>
  (rollout?.groups ?? []).map(({ units }) => units.map(({ state }) => state).join(' ')).join(' | ');

const why = (changed: Changed): string => (changed.kind === 'refused' ? changed.reason : changed.kind);

test('canaries go first, and the next group when enough of them have confirmed', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  const plan = world.plan(
    [
      ['a', 'b'],
      ['c', 'd', 'e'],
    ],
    { successThreshold: 0.5, errorThreshold: 0.5 },
  );
  const started = await keeper.start(plan, 'Ana (supervisor)');
  t.is(started.kind, 'started');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'released released | waiting waiting waiting');
  world.unitSays('a', 'trial');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'released released | waiting waiting waiting', 'a trial is no success');
  world.unitSays('a', 'confirmed');
  await keeper.tick();
  t.is(
    states(await keeper.show('rollout-1')),
    'confirmed released | released released released',
    'a canary that is still on trial takes no place from the next group',
  );
  for (const unit of ['b', 'c', 'd']) world.unitSays(unit, 'confirmed');
  await keeper.tick();
  world.unitSays('e', 'rejected');
  await keeper.tick();
  const rollout = await keeper.show('rollout-1');
  t.is(states(rollout), 'confirmed confirmed | confirmed confirmed rejected');
  t.is(rollout?.state, 'done');
  t.is(rollout?.reason, '4 of 5 units confirmed');
  t.is(rollout?.by, 'Ana (supervisor)');
});

test('a bound on trials together counts the stragglers of the groups before', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  const plan = world.plan(
    [
      ['a', 'b'],
      ['c', 'd', 'e'],
    ],
    { successThreshold: 0.5, errorThreshold: 0.5, mostAtOnce: 2 },
  );
  await keeper.start(plan, 'Ana (supervisor)');
  await keeper.tick();
  world.unitSays('a', 'confirmed');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'confirmed released | released waiting waiting');
  world.unitSays('b', 'confirmed');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'confirmed confirmed | released released waiting');
});

test('more errors than are borne end it, and a unit that is silent past the deadline is one', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a'], ['b']]), 'Ana');
  await keeper.tick();
  world.unitSays('a', 'trial');
  await world.clock.advance(59 * 60_000);
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'released | waiting');
  await world.clock.advance(60_000);
  await keeper.tick();
  const rollout = await keeper.show('rollout-1');
  t.is(rollout?.state, 'failed');
  t.is(states(rollout), 'silent | skipped');
  t.regex(rollout?.reason ?? '', /1 of 1 unit of group group 1 failed; 0 % are borne/);
  t.regex(rollout?.groups[0]?.units[0]?.reasons?.[0] ?? '', /deadline: no outcome within 60 minutes/);
  t.deepEqual(world.releases, [{ unit: 'a', version: 2 }]);
});

test('a group that can no longer confirm enough ends it, before its error threshold does', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a', 'b', 'c', 'd']], { successThreshold: 0.75, errorThreshold: 1 }), 'Ana');
  await keeper.tick();
  world.unitSays('a', 'rolled-back');
  await keeper.tick();
  t.is((await keeper.show('rollout-1'))?.state, 'running');
  world.unitSays('b', 'rolled-back');
  await keeper.tick();
  const rollout = await keeper.show('rollout-1');
  t.is(rollout?.state, 'failed');
  t.regex(rollout?.reason ?? '', /75 % cannot confirm any more/);
  t.deepEqual(rollout?.groups[0]?.units[0]?.reasons, ['cameras: no frame was seen']);
});

test('paused releases nothing, resumed goes on where it was', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a', 'b', 'c']], { mostAtOnce: 1 }), 'Ana');
  await keeper.tick();
  t.is((await keeper.pause('rollout-1', 'Ana: lunch')).kind, 'changed');
  world.unitSays('a', 'confirmed');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'confirmed waiting waiting');
  t.regex(why(await keeper.pause('rollout-1', 'again')), /is paused \(Ana: lunch\) and cannot be paused/);
  const again = await keeper.pause('rollout-1', 'again');
  t.is(again.kind === 'refused' ? again.hint : '', 'It is so already: there is nothing to do.');
  await keeper.resume('rollout-1', 'Ana: back');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'confirmed released waiting');
  t.regex(why(await keeper.resume('rollout-1', 'x')), /cannot be resumed/);
  t.is(why(await keeper.pause('rollout-9', 'x')), 'unknown');
});

test('an abort may give back what was before', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  await keeper.start(
    world.plan([['a', 'b', 'c', 'd']], { mostAtOnce: 3, errorThreshold: 1, successThreshold: 0.1 }),
    'Ana',
  );
  await keeper.tick();
  world.unitSays('a', 'confirmed');
  world.unitSays('b', 'rejected');
  await keeper.abort('rollout-1', 'Ana: complaints', true);
  await keeper.tick();
  const during = await keeper.show('rollout-1');
  t.is(states(during), 'confirmed rejected released skipped');
  t.deepEqual(
    during?.groups[0]?.units.map(({ restore }) => restore?.state),
    ['released', undefined, 'released', undefined],
    'a unit that rejected it, or never got it, has what was before',
  );
  world.unitSays('a', 'confirmed');
  world.unitSays('c', 'rejected');
  await keeper.tick();
  const after = await keeper.show('rollout-1');
  t.deepEqual(
    after?.groups[0]?.units.map(({ restore }) => restore?.state),
    ['restored', undefined, 'failed', undefined],
  );
  t.is(after?.groups[0]?.units[2]?.restore?.reason, 'cameras: no frame was seen');
  const before = world.documents.get('rollout progress/rollout-1')?.version;
  await world.clock.advance(10 * 3_600_000);
  await keeper.tick();
  t.is(world.documents.get('rollout progress/rollout-1')?.version, before, 'nothing is left to do');
  t.regex(why(await keeper.resume('rollout-1', 'x')), /is aborted/);
});

test('an abort of what failed may still give back, and one without rollback documents cannot', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a', 'b']], { successThreshold: 0.5, rollbacks: [] }), 'Ana');
  await keeper.start(world.plan([['c', 'd']], { id: 'rollout-2' }), 'Ana');
  await keeper.tick();
  for (const unit of ['a', 'c']) world.unitSays(unit, 'confirmed');
  for (const unit of ['b', 'd']) world.unitSays(unit, 'rejected');
  await keeper.tick();
  t.is((await keeper.show('rollout-2'))?.state, 'failed');
  t.regex(why(await keeper.abort('rollout-1', 'x', true)), /without rollback documents/);
  t.is((await keeper.abort('rollout-2', 'x', true)).kind, 'changed');
  await keeper.tick();
  t.deepEqual(world.releases.slice(-1), [{ unit: 'c', version: 3 }]);
});

test('another document between, a refused release, an unreachable archive', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a', 'b', 'c']], { errorThreshold: 1, successThreshold: 0.01 }), 'Ana');
  world.newest.set('a', world.document('a', 2, 'B'));
  world.unreachable.add('b');
  await t.throwsAsync(keeper.tick(), { message: 'not now' });
  t.is(states(await keeper.show('rollout-1')), 'superseded releasing released');
  world.unreachable.clear();
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'superseded released released');
  world.newest.set('b', world.document('b', 7));
  world.unitSays('b', 'trial');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'superseded superseded released');
});

test('it waits for its time, and rests between groups', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  const notBefore = new Date(world.clock.utc() + 5000).toISOString();
  await keeper.start(world.plan([['a'], ['b']], { notBefore, restMinutes: 30 }), 'Ana');
  await keeper.tick();
  t.is((await keeper.show('rollout-1'))?.state, 'waiting');
  t.is(world.releases.length, 0);
  await world.clock.advance(5000);
  await keeper.tick();
  world.unitSays('a', 'confirmed');
  await keeper.tick();
  await world.clock.advance(29 * 60_000);
  await keeper.tick();
  t.is(world.releases.length, 1);
  await world.clock.advance(60_000);
  await keeper.tick();
  t.is(world.releases.length, 2);
});

test('a plan is refused with every reason; the same one twice is one rollout', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  const plan = world.plan(
    [
      ['a', 'b'],
      ['b', 'c'],
    ],
    {
      deadlineMinutes: 10,
      documents: [world.document('a', 2), world.document('a', 3), world.document('b', 2), world.document('x', 1)],
      rollbacks: [world.document('b', 2)],
    },
  );
  const { signature: _, ...unsigned } = world.document('c', 9);
  world.newest.set('b', world.document('b', 5));
  const refused = await keeper.start({ ...plan, rollbacks: [...plan.rollbacks, unsigned] }, 'Ana');
  const reasons = refused.kind === 'refused' ? refused.reasons.join('\n') : '';
  for (const expected of [
    /unit b stands in the groups twice/,
    /unit a has two documents/,
    /unit c has no document/,
    /unit b may be on trial for 10 minutes, its deadline is no later/,
    /rollback document of unit b is of version 2, not above 2/,
    /unit x has a document and is in no group/,
    /unit b has version 5 already; the document is of version 2/,
    /the document 9 of unit c: not-signed/,
  ])
    t.regex(reasons, expected);
  t.is(await keeper.show('rollout-1'), undefined);
  world.newest.clear();
  const good = world.plan([['a']]);
  t.is((await keeper.start(good, 'Ana')).kind, 'started');
  t.is((await keeper.start(good, 'Ana')).kind, 'started');
  t.is((await keeper.list()).length, 1);
  const other = await keeper.start(world.plan([['a']], { note: 'other' }), 'Ana');
  t.deepEqual(other, { kind: 'refused', reasons: ['there is another rollout rollout-1'] });
  const twice = await keeper.start(world.plan([['a']], { id: 'rollout-2' }), 'Ana');
  t.deepEqual(twice, {
    kind: 'refused',
    reasons: ['unit a is part of the rollout rollout-1, which is not over'],
    hints: ['Wait until it is over, or abort it first: npx atalaya-fleet rollout abort rollout-1 --reason WORDS'],
  });
});

test('another bridge takes over when the lease has run out, and not before', async (t) => {
  const world = new RolloutWorld();
  const [first, second] = [world.bridge('bridge-1'), world.bridge('bridge-2')];
  await first.start(world.plan([['a'], ['b']]), 'Ana');
  await first.tick();
  world.unitSays('a', 'confirmed');
  await second.tick();
  t.is(world.releases.length, 1);
  await world.clock.advance(60_000);
  await second.tick();
  t.is(world.releases.length, 2);
  await first.tick();
  t.is(world.releases.length, 2);
});

test('an archive that holds something else is told', async (t) => {
  const world = new RolloutWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a']]), 'Ana');
  const key = 'rollout plan/rollout-1';
  world.documents.set(key, { kind: 'rollout', key: 'plan/rollout-1', version: 1, value: { no: 'plan' } });
  await t.throwsAsync(world.bridge().tick(), { code: 'store-damaged' });
});
