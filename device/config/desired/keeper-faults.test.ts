import { join } from 'node:path';
import test from 'ava';
import { readWholeFile, writeWholeFile } from '../../kernel/durable-file.ts';
import { makeScenes } from './testing/keeper-scenes.ts';
import { folder } from './testing/keeper-world.ts';
import { baseConfig, signedDesired } from './testing/signed.ts';

const { live, started, settledAtOne, signers } = await makeScenes();
const { supervisor } = signers;
const minute = 60_000;

test('the same refused document at every connection is told each time and written once', async (t) => {
  const world = await settledAtOne();
  const text = await signedDesired({ log: { level: 'loud' } }, 2, supervisor);
  await world.keeper.desired(text);
  const [before, acts] = [world.files.operations, world.acts.length];
  for (let i = 0; i < 5; i += 1) await world.keeper.desired(text);
  t.is(world.files.operations, before);
  t.is(world.acts.length, acts);
  t.regex(world.told, /^rejected 2/);
});

test('an audit log that fails is caught up with, and too much of it refuses documents', async (t) => {
  const world = await started();
  world.audits = async () => {
    throw new Error('the ledger is full');
  };
  world.works = { brokerReached: false, framesSeen: false, evidenceSealed: false };
  let version = 0;
  while (!world.told.includes('audit-behind') && version < 99) {
    version += 1;
    await world.keeper.desired(await live(1000 + version, version));
  }
  t.true(version > 10 && version < 60, `${version}`);
  t.deepEqual(world.acts, []);
  world.audits = async () => {};
  await world.pass(1000);
  t.is(world.acts.length, 2 * (version - 1));
  t.deepEqual(
    world.acts.slice(0, 3).map(({ outcome, version: of }) => [outcome, of]),
    [
      ['accepted', 1],
      ['trial', 1],
      ['accepted', 2],
    ],
  );
  await world.keeper.desired(await live(1000 + version, version));
  t.is(world.told, `trial ${version}`);
});

test('an act whose writing takes long is not written twice', async (t) => {
  const world = await started();
  const waiting: (() => void)[] = [];
  world.audits = () =>
    new Promise((resolve) => {
      waiting.push(() => resolve());
    });
  const done = world.keeper.desired(await live(1111, 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await world.clock.advance(10_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await world.clock.advance(10_000);
  await done;
  t.is(world.told, 'trial 1', 'what is to be done does not wait for ever');
  world.audits = async () => {};
  for (const release of waiting) release();
  await world.pass(3000);
  t.deepEqual(
    world.acts.map(({ outcome }) => outcome),
    ['accepted', 'trial', 'confirmed'],
  );
});

test('a document is not taken where the disk does not take it, and is taken when it comes again', async (t) => {
  const world = await settledAtOne();
  world.files.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  const text = await live(2222, 2);
  await world.keeper.desired(text);
  t.regex(world.told, /^rejected 2: not-durable: /);
  t.is(world.inForce, 1);
  world.files.plan = () => undefined;
  await world.keeper.desired(text);
  t.is(world.told, 'trial 2');
});

test('a unit goes back although the disk is full, and does not start a trial that it cannot count', async (t) => {
  const world = await settledAtOne();
  world.works = { brokerReached: false, framesSeen: true, evidenceSealed: true };
  await world.keeper.desired(await live(2222, 2));
  world.files.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  t.is((await world.start()).signal.beacon.onMs, 1111);
  await world.keeper.begin();
  t.regex(world.told, /^rolled-back 2: not-durable: /);
  t.is(world.applied.at(-1)?.config.signal.beacon.onMs, 2222);
});

test('damage is told: the unit runs with its own file and takes nothing that is older', async (t) => {
  const world = await settledAtOne();
  await writeWholeFile(world.files, join(folder, 'state.json'), Buffer.from('{"schema":"atalaya/config-state/1"}'));
  t.deepEqual(await world.start(), baseConfig());
  await world.keeper.begin();
  t.regex(world.told, /^rolled-back 1: state-lost: /);
  t.is(world.problems.at(-1)?.code, 'store-damaged');
  await world.keeper.desired(await live(9, 1));
  t.regex(world.told, /^rejected 1: version-taken: /);
  await world.keeper.desired(await live(2222, 2));
  t.is(world.told, 'trial 2');
});

test('a trial is not confirmed before the disk remembers it', async (t) => {
  const world = await started();
  await world.keeper.desired(await live(1111, 1));
  world.files.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  await world.pass(5000);
  t.is(world.told, 'trial 1');
  t.false(world.acts.some(({ outcome }) => outcome === 'confirmed'));
  world.files.plan = () => undefined;
  await world.pass(2000);
  t.is(world.told, 'confirmed 1');
});

test('one digit of the state that the disk has turned is damage', async (t) => {
  const world = await settledAtOne();
  const content = await readWholeFile(world.files, join(folder, 'state.json'));
  const turned = content?.toString('utf8').replace('"outcome": "confirmed"', '"outcome": "trial"') ?? '';
  t.not(turned, content?.toString('utf8'));
  await writeWholeFile(world.files, join(folder, 'state.json'), Buffer.from(turned));
  t.deepEqual(await world.start(), baseConfig());
  t.is(world.problems.at(-1)?.code, 'store-damaged');
});

test('a confirmed document that is damaged, or fits no more, gives the own file back', async (t) => {
  const world = await settledAtOne();
  const name = join(folder, 'documents', '0000000000000001.json');
  await writeWholeFile(world.files, name, await live(1111, 1));
  t.deepEqual(await world.start(), baseConfig());
  await world.keeper.begin();
  t.regex(world.told, /^rolled-back 1: document-lost: /);

  const other = await started();
  await other.keeper.desired(await signedDesired({ signal: { beacon: { output: 'relay' } } }, 1, supervisor));
  await other.start();
  await other.pass(2000);
  t.is(other.told, 'confirmed 1');
  other.facts = { ...other.facts, outputs: ['beacon', 'strobe'] };
  t.deepEqual(await other.start(), baseConfig());
  t.regex(other.told, /^rolled-back 1: no-longer-fits: .*signal\.beacon\.output/);
});

test('the last twenty documents are kept, and the one in force', async (t) => {
  const world = await settledAtOne();
  world.works = { brokerReached: false, framesSeen: true, evidenceSealed: true };
  for (let version = 2; version <= 30; version += 1) await world.keeper.desired(await live(1000 + version, version));
  await world.pass(10 * minute);
  t.is(world.inForce, 1);
  const versions = world.keeper.history().map(({ version }) => version);
  t.deepEqual(versions, [...Array.from({ length: 20 }, (_, i) => 30 - i), 1]);
  t.is((await world.files.list(join(folder, 'documents'))).length, 21);
  t.is((await world.start()).signal.beacon.onMs, 1111);
});
