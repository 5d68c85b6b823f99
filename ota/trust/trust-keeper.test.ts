import { readdirSync } from 'node:fs';
import test from 'ava';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { madeNow, madePatch, madeRepositories, madeTarget, one, two } from './testing/made-repositories.ts';
import { MadeUnit, preparedUnit } from './testing/made-unit.ts';

const hour = 3_600_000;
const day = 24 * hour;

test('a job that both repositories vouch for comes with its targets, the program first, and the patches that lead to them', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const model = madeTarget(7, { kind: 'model', name: 'street' });
  const patch = madePatch(two, one);
  const elsewhere = madePatch(madeTarget(3), two);
  made.release(model, patch, elsewhere);
  made.assign([model, two], {}, [patch, elsewhere]);
  const keeper = await unit.open();
  const verified = await keeper.check(made.source);
  t.like(verified, { kind: 'verified', job: { id: 'job-0002', nonce: '2'.padStart(32, '0') } });
  if (verified.kind !== 'verified') return;
  t.deepEqual(
    verified.install.map(({ target }) => target),
    [two.target, model.target],
  );
  t.deepEqual(verified.install[0], two);
  t.deepEqual(verified.patches, [patch]);
  t.deepEqual(keeper.versions(), {
    image: { root: 1, timestamp: 3, snapshot: 3, targets: 3 },
    director: { root: 1, timestamp: 2, snapshot: 2, targets: 2 },
  });
  t.deepEqual(readdirSync(unit.scratch), []);
});

test('a unit that the director has never had anything for has no job; once it had, silence is a refusal', async (t) => {
  const made = madeRepositories();
  await using unit = new MadeUnit(made);
  const keeper = await unit.open();
  t.deepEqual(await keeper.check(made.source), { kind: 'none' });
  t.deepEqual(made.source.requests, ['director/2.root.json', 'director/timestamp.json']);
  t.deepEqual(keeper.versions(), {
    image: { root: 1, timestamp: 0, snapshot: 0, targets: 0 },
    director: { root: 1, timestamp: 0, snapshot: 0, targets: 0 },
  });
  made.release(one);
  made.assign([one]);
  t.like(await keeper.check(made.source), { kind: 'verified' });
  made.director.files.clear();
  t.like(await keeper.check(made.source), { kind: 'refused', code: 'metadata-absent' });
});

test('a job that installs nothing is a job', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  made.assign([]);
  const keeper = await unit.open();
  t.like(await keeper.check(made.source), { kind: 'verified', install: [], patches: [], job: { id: 'job-0002' } });
});

test('what is known is not fetched again, also after a start', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  await (await unit.open()).check(made.source);
  made.source.requests.length = 0;
  const keeper = await unit.open();
  t.like(await keeper.check(made.source), { kind: 'verified' });
  t.deepEqual(made.source.requests, [
    'director/2.root.json',
    'director/timestamp.json',
    'image/2.root.json',
    'image/timestamp.json',
  ]);
});

test('checks and confirmations take their turns', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const keeper = await unit.open();
  const all = await Promise.all([
    keeper.check(made.source),
    keeper.confirmed([{ kind: 'program', name: 'unit', release: 2 }]),
    keeper.check(made.source),
  ]);
  t.is(all[0].kind, 'verified');
  t.like(all[2], { code: 'release-rollback' });
});

test('what the source throws comes through as it is, wherever it throws', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const keeper = await unit.open();
  const before = await unit.disk();
  for (const file of ['2.root', 'timestamp', '1.snapshot', '1.targets']) {
    const fault = new AtalayaError('link-down', 'gone');
    made.source.answer = (path) => {
      if (path === `director/${file}.json`) throw fault;
      return undefined;
    };
    t.is(await t.throwsAsync(keeper.check(made.source)), fault);
  }
  t.deepEqual(await unit.disk(), before);
  made.source.answer = () => undefined;
  t.like(await keeper.check(made.source), { kind: 'verified' });
});

test('a scratch folder that cannot be made is a fault, not a refusal', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const keeper = await unit.open({ scratch: '/dev/null/scratch' });
  await t.throwsAsync(keeper.check(made.source), { code: 'store-failed' });
});

test('a release that was confirmed, or that runs, is a floor; the same release again is taken', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const keeper = await unit.open();
  await keeper.confirmed([{ kind: 'program', name: 'unit', release: 1 }]);
  t.like(await keeper.check(made.source), { kind: 'verified' });
  await keeper.confirmed([{ kind: 'model', name: 'unit', release: 9 }]);
  t.like(await keeper.check(made.source), { kind: 'verified' });
  await keeper.confirmed([{ kind: 'program', name: 'unit', release: 2 }]);
  await keeper.confirmed([{ kind: 'program', name: 'unit', release: 1 }]);
  t.like(await (await unit.open()).check(made.source), { code: 'release-rollback' });
});

test('a clock that nobody has set lets nothing through, and what has surely run out is refused as that', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  unit.clockGood = false;
  for (const wrong of [0, madeNow, madeNow + 4000 * day]) {
    unit.clock.setUtc(wrong);
    t.like(await (await unit.open()).check(made.source), { code: 'clock-not-good' });
  }
  unit.clock.setUtc(madeNow);
  unit.clockGood = true;
  t.like(await (await unit.open()).check(made.source), { kind: 'verified' });
  // What ran out before the newest accepted refresh has run out, whatever the clock says.
  made.image.roles.timestamp.expires = madeNow - 1;
  made.image.publish();
  unit.clockGood = false;
  unit.clock.setUtc(0);
  t.like(await (await unit.open()).check(made.source), { code: 'timestamp-expired' });
  // Neither does a disciplined clock that was led back bring it to life.
  unit.clockGood = true;
  unit.clock.setUtc(madeNow - 30 * day);
  t.like(await (await unit.open()).check(made.source), { code: 'timestamp-expired' });
});

test('a clock that was led into the future refuses, and leaves no mark', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const keeper = await unit.open();
  await keeper.check(made.source);
  const before = await unit.disk();
  unit.clock.setUtc(madeNow + 4000 * day);
  t.like(await keeper.check(made.source), { code: 'root-expired' });
  t.deepEqual(await unit.disk(), before);
  unit.clock.setUtc(madeNow + day);
  t.like(await keeper.check(made.source), { kind: 'verified' });
});

test('a job that ran out is refused, unless the unit is at it already', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  made.assign([two], { expires: new Date(madeNow + hour).toISOString() });
  const keeper = await unit.open();
  unit.clock.setUtc(madeNow + 2 * hour);
  t.like(await keeper.check(made.source), { code: 'job-expired' });
  unit.begun = 'job-0002';
  t.like(await keeper.check(made.source), { kind: 'verified' });
});

test('time alone is written once an hour', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const keeper = await unit.open();
  await keeper.check(made.source);
  const before = await unit.disk();
  unit.clock.setUtc(madeNow + hour - 1);
  await keeper.check(made.source);
  t.deepEqual(await unit.disk(), before);
  unit.clock.setUtc(madeNow + hour);
  await keeper.check(made.source);
  t.notDeepEqual(await unit.disk(), before);
});
