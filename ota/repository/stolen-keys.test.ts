import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import { systemFiles } from '../../device/kernel/files.ts';
import type { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import type { UpdateTrust } from '../contract/parts.ts';
import type { RepositorySource } from '../contract/repository.ts';
import type { Target } from '../contract/target.ts';
import { TrustKeeper } from '../trust/trust-keeper.ts';
import { publishChain, readChain, signChain, stageChain, targetsOf } from './chain.ts';
import { addSignature, expiryAfter, readMetadata } from './metadata.ts';
import { openPublished } from './published-files.ts';
import type { MetadataSigner } from './signers/metadata-signer.ts';
import { stageRotation, targetsMetadata } from './stage-changes.ts';
import {
  addMade,
  copied,
  day,
  eight,
  firstRoot,
  folder,
  foundedPublisher,
  type MadePublisher,
  madeAt,
  madeDirector,
  madeJob,
  madeTarget,
  publishMade,
  publishTargets,
  seven,
  signWaiting,
} from './testing/made-publisher.ts';
import { memorySigner } from './testing/memory-signers.ts';

/**
 * What the README says that a thief can do with each key, and cannot: a unit itself looks at what the thief has made. The thief starts from
 * a copy of everything that is published.
 */

const evil = madeTarget('unit-6.6.6-r666-x64.tar.zst', 666);

async function atWork(t: ExecutionContext): Promise<{ readonly made: MadePublisher; readonly unit: UpdateTrust }> {
  const scratch = scratchFolder(t);
  for (const name of ['trust', 'floors', 'scratch']) await mkdir(join(scratch, name));
  const made = await foundedPublisher(seven);
  await publishTargets(made, [eight]);
  const director = await madeDirector(made);
  await director.assign('unit-1', madeJob('job-1', [eight.target.target]));
  const unit = await TrustKeeper.open({
    folder: join(scratch, 'trust'),
    floors: join(scratch, 'floors'),
    scratch: join(scratch, 'scratch'),
    roots: { image: await firstRoot(made), director: await firstRoot(made, 'director') },
    unit: 'unit-1',
    hardware: ['x64'],
    running: [],
    clock: made.clock,
    clockGood: () => true,
    files: systemFiles,
  });
  t.is((await unit.check(served(made.files))).kind, 'verified');
  await unit.confirmed([eight.target.description]);
  return { made, unit };
}

const served = (files: TreeFiles): RepositorySource => ({
  name: 'the link',
  metadata: async (path) => {
    const file = await openPublished(files, folder, 'unit-1', path);
    return file?.read(0, file.length);
  },
});

/** New targets of the image repository, whoever signs them, made seen by whoever signs that. */
async function forgeImage(
  files: MemoryTreeFiles,
  targets: readonly Target[],
  by: {
    readonly targets: readonly MetadataSigner[];
    readonly snapshot: MetadataSigner;
    readonly timestamp: MetadataSigner;
  },
): Promise<void> {
  const at = `${folder}/image`;
  const before = await readChain(files, at, 'image');
  const version = (before?.targets.signed.version ?? 0) + 1;
  const metadata = targetsMetadata(targets, version, expiryAfter(madeAt, 300));
  for (const signer of by.targets) await addSignature(metadata, signer);
  const days = { snapshot: 30, timestamp: 30 };
  const signers = { snapshot: [by.snapshot], timestamp: [by.timestamp] };
  const chain = await signChain(metadata, before, { files, folder: at, now: madeAt, days, signers });
  await stageChain(files, at, chain);
  await publishChain(files, at, chain);
}

const answer = async (unit: UpdateTrust, files: TreeFiles): Promise<string> => {
  const said = await unit.check(served(files));
  if (said.kind === 'verified') return said.install.map(({ target }) => target).join();
  return said.kind === 'refused' ? said.code : said.kind;
};

test("one holder's key, even with the office key and the online key, publishes nothing", async (t) => {
  const { made, unit } = await atWork(t);
  const files = copied(made);
  await forgeImage(files, [eight.target, evil.target], { targets: [made.people[0]], ...made.office });
  t.is(await answer(unit, files), 'targets-signature');
  const twice = copied(made);
  await forgeImage(twice, [evil.target], { targets: [made.people[0], made.office.snapshot], ...made.office });
  t.is(await answer(unit, twice), 'targets-signature', 'no other key counts as the second');
  t.is(await answer(unit, made.files), eight.target.target, 'the unit goes on with the true repository');
});

test('the office key holds units back, and brings nothing that is older than what they have seen', async (t) => {
  const { made, unit } = await atWork(t);
  const files = copied(made);
  const chain = await readChain(files, `${folder}/image`, 'image');
  const days = { snapshot: 300, timestamp: 300 };
  const signers = { snapshot: [made.office.snapshot], timestamp: [made.office.timestamp] };
  const signing = { files, folder: `${folder}/image`, now: madeAt, days, signers };
  const old = readMetadata(
    'targets',
    (await readWholeFile(files, `${folder}/image/2.targets.json`)) ?? Buffer.alloc(0),
    'old',
  );
  const rolledBack = await signChain(old, chain, signing);
  await stageChain(files, signing.folder, rolledBack);
  await publishChain(files, signing.folder, rolledBack);
  t.is(await answer(unit, files), 'targets-rollback');

  const frozen = copied(made);
  const held = await signChain(chain?.targets ?? old, chain, { ...signing, files: frozen });
  await stageChain(frozen, signing.folder, held);
  await publishChain(frozen, signing.folder, held);
  t.is(await answer(unit, frozen), eight.target.target, 'the metadata of yesterday for as long as the thief signs it');
});

test('the online key names what is published and not older, and nothing else', async (t) => {
  const { made, unit } = await atWork(t);
  const older = copied(made);
  await (await madeDirector(made, older)).assign('unit-1', madeJob('job-2', [seven.target.target]));
  t.is(await answer(unit, older), 'release-rollback');

  const forged = copied(made);
  const at = `${folder}/director/unit-1`;
  const before = await readChain(forged, at, 'director');
  const { atalaya = {} } = before?.targets.signed.unrecognizedFields ?? {};
  const field = {
    unit: 'unit-1',
    job: { ...(atalaya as { job: object }).job, id: 'job-2', install: [evil.target.target] },
  };
  const metadata = targetsMetadata([evil.target], 2, expiryAfter(madeAt, 30), {
    atalaya: JSON.parse(JSON.stringify(field)),
  });
  await addSignature(metadata, made.online.targets);
  const signers = { snapshot: [made.online.snapshot], timestamp: [made.online.timestamp] };
  const chain = await signChain(metadata, before, {
    files: forged,
    folder: at,
    now: madeAt,
    days: { snapshot: 30, timestamp: 30 },
    signers,
  });
  await stageChain(forged, at, chain);
  await publishChain(forged, at, chain);
  t.is(await answer(unit, forged), 'target-unknown');

  const nothing = copied(made);
  await (await madeDirector(made, nothing)).assign(
    'unit-1',
    madeJob('job-3', [], { issued: new Date(madeAt + day / 24).toISOString() }),
  );
  t.is(await answer(unit, nothing), '', 'it may take the job away');
});

test("two holders' keys and the office key publish, and without a director nothing of it is installed", async (t) => {
  const { made, unit } = await atWork(t);
  const files = copied(made);
  await forgeImage(files, [eight.target, evil.target], { targets: [made.people[0], made.people[2]], ...made.office });
  t.is(await answer(unit, files), eight.target.target);
  const published = targetsOf(
    (await readChain(files, `${folder}/image`, 'image'))?.targets.signed ?? targetsMetadata([], 1, '').signed,
    'it',
  );
  t.true(published.some(({ target }) => target === evil.target.target));
});

test("two holders' keys alone are everything but an older release: they name their own keys for all the rest", async (t) => {
  const { made, unit } = await atWork(t);
  const [own, office] = [memorySigner(), memorySigner()];
  const theirs: MadePublisher = {
    ...{ ...made, files: copied(made) },
    office: { snapshot: office, timestamp: office },
    online: { targets: own, snapshot: own, timestamp: own },
  };
  const rotate = (repository: 'image' | 'director', of: object, to: MetadataSigner) => {
    const roles = Object.keys(of) as ('targets' | 'snapshot' | 'timestamp')[];
    const out = (Object.values(of) as MetadataSigner[]).map(({ keyId }) => keyId);
    return stageRotation(theirs.files, folder, { repository, roles, out, in: [to.publicKey] }, madeAt);
  };
  await rotate('image', made.office, office);
  await rotate('director', made.online, own);
  await addMade(theirs, [evil]);
  await signWaiting(theirs, [made.people[0], made.people[2]]);
  await publishMade(theirs);
  const director = await madeDirector(theirs);
  await director.assign('unit-1', madeJob('job-2', [evil.target.target]));
  t.is(await answer(unit, theirs.files), evil.target.target);

  await director.assign('unit-1', madeJob('job-3', [seven.target.target]));
  t.is(await answer(unit, theirs.files), 'release-rollback', 'the floor of releases gives way to no key');
});
