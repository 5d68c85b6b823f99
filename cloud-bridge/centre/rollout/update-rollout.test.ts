import test from 'ava';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { Rollout } from '../../contract/rollout.ts';
import type { Slice } from '../updates/judge-quality.ts';
import { RolloutKeeper } from './rollout-keeper.ts';
import { RolloutWorld } from './testing/rollout-world.ts';
import { UpdateWorld } from './testing/update-world.ts';

const states = (rollout: Rollout | undefined): string =>
  (rollout?.groups ?? []).map(({ units }) => units.map(({ state }) => state).join(' ')).join(' | ');
const restores = (rollout: Rollout | undefined) =>
  (rollout?.groups ?? []).flatMap(({ units }) => units.map(({ restore }) => restore?.state ?? '-')).join(' ');

test('a unit has confirmed when it has shown it: by its signed report of this very job', async (t) => {
  const world = new UpdateWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a'], ['b']]), 'Ana (supervisor)');
  await keeper.tick();
  t.is(world.standing.get('a')?.newest?.rollout, 'rollout-1');
  world.unitSays('a', 'confirmed');
  for (const more of [{ trial: true }, { job: 'u000009-other' }, { parts: [] }]) {
    world.prove('a', more);
    await keeper.tick();
    t.is(states(await keeper.show('rollout-1')), 'released | waiting', JSON.stringify(more));
  }
  world.prove('a');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'confirmed | released');
  world.unitSays('b', 'confirmed');
  world.prove('b', { job: 'u000009-other' });
  await world.clock.advance(61 * 60_000);
  await keeper.tick();
  const rollout = await keeper.show('rollout-1');
  t.is(states(rollout), 'confirmed | silent');
  t.deepEqual(rollout?.groups[1]?.units[0]?.reasons, [
    'deadline: no outcome within 61 minutes of its release',
    'unproven: the unit says that it is done; its version report is not of this job',
  ]);
});

test('an abort takes the update back from units that have not switched, and from no other', async (t) => {
  const world = new UpdateWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a', 'b', 'c', 'd']], { mostAtOnce: 3 }), 'Ana');
  await keeper.tick();
  world.unitSays('a', 'confirmed');
  world.unitSays('b', 'trial');
  await keeper.abort('rollout-1', 'Ana: complaints', false);
  await keeper.tick();
  const during = await keeper.show('rollout-1');
  t.is(states(during), 'confirmed released released skipped');
  t.is(restores(during), '- - released -', 'one on trial comes to its own end');
  t.deepEqual(world.standing.get('c')?.newest?.job.install, []);
  world.unitSays('b', 'rolled-back');
  world.unitSays('c', 'confirmed');
  await keeper.tick();
  const after = await keeper.show('rollout-1');
  t.is(states(after), 'confirmed rolled-back canceled skipped');
  t.is(restores(after), '- - restored -');
  const version = world.documents.get('rollout progress/rollout-1')?.version;
  await world.clock.advance(100 * 3_600_000);
  await keeper.tick();
  t.is(world.documents.get('rollout progress/rollout-1')?.version, version, 'nothing is left to do');
});

test('more failures than are borne take it back from the others, and what came too late is told', async (t) => {
  const world = new UpdateWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a', 'b', 'c'], ['d']]), 'Ana');
  await keeper.tick();
  world.unitSays('a', 'rejected');
  await keeper.tick();
  const failed = await keeper.show('rollout-1');
  t.is(failed?.state, 'failed');
  t.is(states(failed), 'rejected released released | skipped');
  t.is(restores(failed), '- released released -');
  // It had confirmed before it heard of it.
  const standing = world.standing.get('b');
  if (standing?.before === undefined || standing.newest === undefined) return t.fail();
  const became = { status: 'SUCCEEDED', step: 'confirmed', at: '2026-03-01T12:00:00.000Z', reasons: [] } as const;
  world.standing.set('b', {
    ...standing,
    before: { ...standing.before, became: { ...became, reasons: [] } },
    newest: { ...standing.newest, became: { ...became, reasons: [] } },
  });
  await world.clock.advance(61 * 60_000);
  await keeper.tick();
  const after = await keeper.show('rollout-1');
  t.is(restores(after), '- failed failed -');
  t.regex(after?.groups[0]?.units[1]?.restore?.reason ?? '', /late: it was over before, confirmed/);
  t.regex(after?.groups[0]?.units[2]?.restore?.reason ?? '', /deadline/);
});

test('a job that somebody else gives meanwhile stands', async (t) => {
  const world = new UpdateWorld();
  const keeper = world.bridge();
  await keeper.start(world.plan([['a', 'b']], { errorThreshold: 1, successThreshold: 0.01 }), 'Ana');
  world.giveOther('a');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'superseded released');
  world.giveOther('b');
  await keeper.tick();
  t.is(states(await keeper.show('rollout-1')), 'superseded superseded');
  t.is(world.standing.get('a')?.newest?.job.install[0], 'other');
});

test('a plan of an update is refused with every reason, and a bridge without updates leaves it to others', async (t) => {
  const world = new UpdateWorld();
  world.objections = ['unit a: x is not published'];
  const plan = world.plan([['a'], ['a']], { deadlineMinutes: 60 });
  const refused = await world.bridge().start(plan, 'Ana');
  const reasons = refused.kind === 'refused' ? refused.reasons : [];
  t.true(reasons.includes('unit a: x is not published'));
  t.true(reasons.includes('unit a stands in the groups twice'));
  t.true(reasons.some((one) => /on trial for 60 minutes, its deadline of 60 minutes is no later/.test(one)));
  const without = new RolloutWorld();
  const told = await without.bridge().start(world.plan([['a']]), 'Ana');
  t.regex(told.kind === 'refused' ? told.reasons.join() : '', /has no update repository/);
  world.objections = [];
  await world.bridge().start(world.plan([['a']]), 'Ana');
  const { archive } = { archive: archiveOf(world) };
  const other = new RolloutKeeper({
    ...{ archive, name: 'bridge-2', lease: milliseconds(1000), clock: new ManualClock() },
    release: async () => t.fail() as never,
    view: async () => ({}),
    check: async () => undefined,
  });
  await other.tick();
  t.is(states(await other.show('rollout-1')), 'waiting');
});

const archiveOf = (world: UpdateWorld) => ({
  document: async (kind: string, key: string) => world.documents.get(`${kind} ${key}`),
  documents: async (kind: string, prefix = '') =>
    [...world.documents.values()].filter((one) => one.kind === kind && one.key.startsWith(prefix)),
  putDocument: async () => false,
});

const slices = (perMinute: number): Slice[] =>
  Array.from({ length: 60 }, (_, i) => ({ seconds: 60, counts: { sealed: perMinute + (i % 2) * 2 - 1 } }));

for (const [what, after, state] of [
  ['worse', 3, 'failed'],
  ['as before', 6, 'running'],
  ['nothing', 0, 'running'],
] as const)
  test(`the next group waits for the work of the one before to be judged: ${what}`, async (t) => {
    const world = new UpdateWorld();
    const keeper = world.bridge();
    const quality = { minutes: 60, against: 'just-before', sealed: 0.8 } as const;
    const update = { targets: ['x'], expires: '2027-03-01T12:00:00Z', quality };
    await keeper.start(world.plan([['a', 'b'], ['c']], { update }), 'Ana');
    await keeper.tick();
    for (const unit of ['a', 'b']) world.unitSays(unit, 'confirmed');
    await keeper.tick();
    t.is(states(await keeper.show('rollout-1')), 'confirmed confirmed | waiting');
    world.work = ['a', 'b'].map((unit) => ({ unit, before: after === 0 ? [] : slices(6), after: slices(after) }));
    await world.clock.advance(61 * 60_000);
    await keeper.tick();
    t.is((await keeper.show('rollout-1'))?.groups[0]?.quality, undefined, 'telemetry comes late');
    await world.clock.advance(60_000);
    await keeper.tick();
    const rollout = await keeper.show('rollout-1');
    t.is(rollout?.state, state);
    t.is(states(rollout), `confirmed confirmed | ${state === 'failed' ? 'skipped' : 'released'}`);
    const words = { worse: 'dropped', 'as before': 'held', nothing: 'not-judged' } as const;
    t.is(rollout?.groups[0]?.quality?.verdict, words[what]);
    if (state === 'failed')
      t.is(
        rollout?.reason,
        '2 units of group group 1 did worse than before: sealed: 360 against 720 expected, a ratio of 0.5; at least 0.8 is asked for',
      );
  });
