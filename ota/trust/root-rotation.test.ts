import test from 'ava';
import { type MadeKey, madeKey } from './testing/made-keys.ts';
import { madeTarget, targetEntry, two } from './testing/made-repositories.ts';
import { preparedUnit } from './testing/made-unit.ts';

test('roots are followed step by step, at most 64 in one check, and the next check goes on', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  for (let step = 0; step < 69; step++) made.image.publishRoot();
  const keeper = await unit.open();
  t.like(await keeper.check(made.source), { kind: 'verified' });
  t.is(keeper.versions().image?.root, 65);
  t.like(await keeper.check(made.source), { kind: 'verified' });
  t.is((await unit.open()).versions().image?.root, 70);
});

test('every key of a repository can be replaced, one role after the other, the root by old and new keys', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const keeper = await unit.open();
  for (const repository of [made.image, made.director]) {
    for (const role of ['timestamp', 'snapshot', 'targets', 'root'] as const) {
      const { threshold, keys } = repository.roles[role];
      repository.rotate(
        role,
        keys.map((_, index) => madeKey(index === 0 ? 'p256' : 'ed25519')),
        threshold,
      );
      t.like(await keeper.check(made.source), { kind: 'verified' }, `${repository.name} ${role}`);
    }
  }
  t.is(keeper.versions().image?.root, 5);
  t.is(keeper.versions().director?.root, 5);
  t.deepEqual((await unit.open()).versions(), keeper.versions());
});

test('a root counts though the rest is refused, so that the old keys are dead at once', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const [stolen] = made.image.roles.timestamp.keys;
  made.image.rotate('timestamp', [madeKey()]);
  made.image.publishTimestamp([stolen as never]);
  const keeper = await unit.open();
  t.like(await keeper.check(made.source), { code: 'timestamp-signature' });
  t.is(keeper.versions().image?.root, 2);
  t.is((await unit.open()).versions().image?.root, 2);
});

test('an image with a newer root than the one that is stored counts', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  await (await unit.open()).check(made.source);
  const newer = made.image.publishRoot();
  const keeper = await unit.open({ roots: { ...made.roots, image: newer } });
  t.is(keeper.versions().image?.root, 2);
  t.like(await keeper.check(made.source), { kind: 'verified' });
  t.false(made.source.requests.slice(-4).includes('image/2.root.json'));
});

test('an installed root that is nothing refuses every check, unless one was accepted before', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const roots = { ...made.roots, image: Buffer.from('') };
  const keeper = await unit.open({ roots });
  t.is(keeper.versions().image, null);
  t.like(await keeper.check(made.source), { code: 'root-missing' });
  await (await unit.open()).check(made.source);
  t.like(await (await unit.open({ roots })).check(made.source), { kind: 'verified' });
});

for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
  for (const name of ['image', 'director'] as const) {
    test(`fast-forward: a thief who counted the ${role} of ${name} to the end is undone by a new root (5.3.11)`, async (t) => {
      const { made, unit } = preparedUnit();
      await using _ = unit;
      const keeper = await unit.open();
      await keeper.check(made.source);
      const honest = made[name].roles[role].version;
      made[name].roles[role].version = 999_999_998;
      made[name].publish();
      t.like(await keeper.check(made.source), { kind: 'verified' });
      t.is(keeper.versions()[name]?.[role], 999_999_999);
      // Back to honest numbers: refused as long as the stolen keys count.
      made[name].roles[role].version = honest;
      made[name].publish();
      t.like(await keeper.check(made.source), { code: `${role}-rollback` });
      made[name].rotate(
        role,
        made[name].roles[role].keys.map(() => madeKey()),
      );
      t.like(await keeper.check(made.source), { kind: 'verified' });
      t.is(keeper.versions()[name]?.[role], honest + 2);
      t.is((await unit.open()).versions()[name]?.[role], honest + 2);
    });
  }
}

test('a root that replaces keys of one role opens no other, and one that keeps enough of a role’s keys opens nothing', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const old = made.image.served();
  made.image.publish();
  const keeper = await unit.open();
  await keeper.check(made.source);
  const { targets } = made.image.roles;
  // One of three: two of those that signed stay.
  made.image.rotate('targets', [...targets.keys.slice(0, 2), madeKey()]);
  t.like(await keeper.check(made.source), { kind: 'verified' });
  const root = made.image.files.get('2.root.json') as Buffer;
  made.image.serve(new Map([...old, ['2.root.json', root]]));
  t.like(await keeper.check(made.source), { code: 'timestamp-rollback' });
});

test('a release that two of three have withdrawn stays so when one of the two is replaced, by the office key and the online key', async (t) => {
  const { made, unit } = preparedUnit();
  await using _ = unit;
  const { image, director } = made;
  const [anna, ben, cleo] = image.roles.targets.keys as [MadeKey, MadeKey, MadeKey];
  const publishBy = (...signers: MadeKey[]) => {
    image.publishTargets(signers);
    image.publishSnapshot();
    image.publishTimestamp();
  };
  const bad = madeTarget(5);
  image.targets.set(bad.target, targetEntry(bad));
  publishBy(anna, cleo);
  const { version } = image.roles.targets;
  image.targets.delete(bad.target);
  publishBy(anna, ben);
  made.assign([two]);
  const keeper = await unit.open();
  t.like(await keeper.check(made.source), { kind: 'verified' });
  t.is(keeper.versions().image?.targets, version + 1);
  image.roles.targets.keys = [anna, cleo, madeKey()];
  image.publishRoot();
  // Anna and Cleo count still, and what they signed before it was withdrawn.
  image.roles.targets.version = version;
  image.publishSnapshot();
  image.publishTimestamp();
  director.targets.clear();
  made.assign([bad]);
  t.like(await keeper.check(made.source), { kind: 'refused', code: 'targets-rollback' });
  t.like(await (await unit.open()).check(made.source), { kind: 'refused', code: 'targets-rollback' });
});
