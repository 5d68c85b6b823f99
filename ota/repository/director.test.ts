import test from 'ava';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { directorField, updateJob } from '../contract/job.ts';
import { readChain } from './chain.ts';
import { checkRepository } from './check.ts';
import { openDirector, readDirector } from './director.ts';
import { expiriesOf } from './expiry.ts';
import { isEnough, readMetadata } from './metadata.ts';
import { stageRotation } from './stage-changes.ts';
import {
  day,
  eight,
  firstRoot,
  folder,
  foundedPublisher,
  type MadePublisher,
  type MadeTarget,
  madeAt,
  madeDirector,
  madeJob,
  madePublisher,
  madeTarget,
  model,
  noLock,
  publishMade,
  seven,
  signWaiting,
} from './testing/made-publisher.ts';
import { memorySigner } from './testing/memory-signers.ts';
import { tufClient } from './testing/tuf-client.ts';
import { fieldOf } from './unit-chain.ts';

const patch = madeTarget('unit-1.8.0-r8-x64.from-abcdef01.patch', 8, {
  patchFrom: seven.target.description.tree.sha256,
});

const anothers = madeTarget('scene-unit-2-1-r1-x64.tar.zst', 1, {
  ...{ kind: 'scene', name: 'scene-unit-2', unit: 'unit-2' },
  tree: { sha256: 'e'.repeat(64), length: 2048 },
});

const directed = (...more: readonly MadeTarget[]) => foundedPublisher(seven, eight, patch, model, ...more);

/** One that takes over what was signed by other keys. */
const adoptingDirector = ({ files, online, clock }: MadePublisher) =>
  openDirector({ folder, files, keys: online, clock, lock: noLock, adopt: true });

const chainOf = ({ files }: MadePublisher, unit: string) => readChain(files, `${folder}/director/${unit}`, unit);

test('a job is signed with its patches, under one root for all units, and tuf-js takes it', async (t) => {
  const made = await directed();
  const director = await madeDirector(made);
  t.deepEqual(await director.units(), []);
  const job = madeJob('job-1', [eight.target.target, model.target.target]);
  await director.assign('unit-1', job);
  await director.assign('unit-2', madeJob('job-2', [seven.target.target]));
  t.deepEqual(await director.units(), ['unit-1', 'unit-2']);
  t.deepEqual(
    (await director.targets()).map(({ target }) => target),
    [patch.target.target, eight.target.target, seven.target.target, model.target.target],
  );

  const root = await firstRoot(made, 'director');
  const client = tufClient(made.files, folder, 'unit-1', 'director', scratchFolder(t), root);
  t.is((await client.target(eight.target.target))?.length, eight.target.length);
  t.not(await client.target(patch.target.target), undefined);
  t.is(await client.target(seven.target.target), undefined, 'nothing but what this unit is to have');
  // What tuf-js has verified and kept, down to the signed field.
  const kept = JSON.parse(
    ((await readWholeFile(made.files, `${folder}/director/unit-1/1.targets.json`)) ?? '').toString(),
  ) as { signed: { atalaya: unknown } };
  t.deepEqual(directorField.parse(kept.signed.atalaya), { unit: 'unit-1', job: updateJob.parse(job) });
  t.deepEqual((await checkRepository(made.files, folder, madeAt)).faults, []);
});

test('the field of the job is under the signature', async (t) => {
  const made = await directed();
  const director = await madeDirector(made);
  await director.assign('unit-1', madeJob('job-1', [seven.target.target]));
  const chain = await chainOf(made, 'unit-1');
  const signed = readMetadata('root', await firstRoot(made, 'director'), 'root').signed;
  const text = ((await readWholeFile(made.files, `${folder}/director/unit-1/1.targets.json`)) ?? '').toString();
  t.true(isEnough(signed, 'targets', readMetadata('targets', Buffer.from(text), 'targets')));
  const forged = readMetadata('targets', Buffer.from(text.replace('"unit":"unit-1"', '"unit":"unit-2"')), 'targets');
  t.is(fieldOf({ ...chain!, targets: forged })?.unit, 'unit-2');
  t.false(isEnough(signed, 'targets', forged));
});

test('what no unit would begin is not assigned, and the job before stands', async (t) => {
  const made = await directed(anothers);
  const director = await madeDirector(made);
  await director.assign('unit-1', madeJob('job-1', [seven.target.target]));
  const before = await director.open('unit-1', 'director/timestamp.json');
  const at = (days: number) => new Date(madeAt + days * day).toISOString();
  const refusals: readonly (readonly [string, ReturnType<typeof madeJob>, RegExp])[] = [
    ['unit-1', madeJob('job-2', ['nothing.tar.zst']), /no published target/],
    ['unit-1', madeJob('job-2', [patch.target.target]), /is a patch/],
    ['unit-1', madeJob('job-2', [anothers.target.target]), /is the scene of unit-2, and not of unit-1/],
    ['unit-1', madeJob('job-2', [seven.target.target, eight.target.target]), /two programs/],
    ['unit-1', madeJob('job-2', [model.target.target, model.target.target]), /model ssd twice/],
    ['unit-1', madeJob('job-2', [], { expires: at(-1) }), /is over already/],
    ['unit-1', madeJob('job-2', [], { notBefore: at(21) }), /expires before it may begin/],
    ['unit-1', madeJob('job-2', [], { issued: at(25) }), /expires before it is issued/],
    ['unit-1', madeJob('job-2', [], { issued: at(-1) }), /issued before job-1/],
    ['unit-1', madeJob('job-1', [eight.target.target]), /has the id of another job/],
    ['unit-1', madeJob('job-2', [], { nonce: 'short' }), /nonce/],
    ['unit-1', madeJob('job-2', [eight.target.target], { trial: { holdSeconds: 3600 } }), /could never be confirmed/],
    ['../unit-1', madeJob('job-2', []), /name of the unit/],
    ['bridge-1', madeJob('job-2', []), /name of the unit/],
  ];
  for (const [unit, job, why] of refusals) {
    const refused = await fault(director.assign(unit, job));
    t.is(refused.code, 'document-refused');
    t.regex(refused.message, why);
  }
  const after = await director.open('unit-1', 'director/timestamp.json');
  t.deepEqual(await after?.read(0, 9999), await before?.read(0, 9999));
  await director.assign('unit-1', madeJob('job-1', [seven.target.target]));
  await director.assign('unit-1', madeJob('job-3', []));
  const chain = await chainOf(made, 'unit-1');
  t.deepEqual(
    [chain?.targets.signed.version, chain?.timestamp.signed.version, fieldOf(chain!)?.job.install],
    [3, 3, []],
  );
});

test('versions only go up, also for whoever opens the folder anew, and old files go', async (t) => {
  const made = await directed();
  for (let i = 1; i <= 8; i += 1)
    await (await madeDirector(made)).assign('unit-1', madeJob(`job-${i}`, [seven.target.target]));
  const chain = await chainOf(made, 'unit-1');
  t.deepEqual(
    [chain?.targets.signed.version, chain?.snapshot.signed.version, chain?.timestamp.signed.version],
    [8, 8, 8],
  );
  t.deepEqual(
    (await made.files.list(`${folder}/director/unit-1`)).filter((name) => name.endsWith('targets.json')),
    ['5.targets.json', '6.targets.json', '7.targets.json', '8.targets.json'],
  );
});

test('two who assign at once come one after the other', async (t) => {
  const made = await directed();
  const director = await madeDirector(made);
  await Promise.all(
    Array.from({ length: 6 }, (_, i) => director.assign('unit-1', madeJob(`job-${i}`, [seven.target.target]))),
  );
  t.is((await chainOf(made, 'unit-1'))?.targets.signed.version, 6);
  t.deepEqual((await checkRepository(made.files, folder, madeAt)).faults, []);
});

test('metadata is refreshed when half of its time is over, and not before', async (t) => {
  const made = await directed();
  const director = await madeDirector(made);
  await director.assign(
    'unit-1',
    madeJob('job-1', [seven.target.target], { expires: new Date(madeAt + 300 * day).toISOString() }),
  );
  t.false(await director.refresh('unit-1'));
  t.false(await director.refresh('unit-9'), 'a unit without a job has nothing to refresh');
  t.false(await director.refresh('../image'));
  await made.clock.advance(14 * day);
  t.false(await director.refresh('unit-1'));
  await made.clock.advance(2 * day);
  t.true(await director.refresh('unit-1'));
  t.false(await director.refresh('unit-1'));
  const ends = (await expiriesOf(made.files, folder, made.clock.utc())).filter(({ unit }) => unit === 'unit-1');
  t.deepEqual(
    ends.map(({ left }) => Math.round(left)),
    [30, 30, 30],
  );
  t.is(fieldOf((await chainOf(made, 'unit-1'))!)?.job.id, 'job-1');
  await made.clock.advance(20 * day);
  const expires = new Date(madeAt + 300 * day).toISOString();
  const stale = await fault(director.assign('unit-1', madeJob('job-2', [], { expires })));
  t.is(stale.code, 'authority-expired');
  t.regex(stale.message, /of the image repository has run out/);
  const over = new Date(madeAt + day).toISOString();
  t.is(
    (await fault(director.assign('unit-1', madeJob('job-2', [], { expires: over })))).code,
    'document-refused',
    'what will never be signed does not wait for that',
  );
  t.true(await director.refresh('unit-1'), 'what was assigned is kept alive all the same');
});

test('keys that the root does not name sign nothing', async (t) => {
  const made = await directed();
  const thief = { ...made, online: { ...made.online, timestamp: memorySigner() } };
  t.is((await fault(madeDirector(thief))).code, 'key-missing');
  t.is(
    (await fault(madeDirector(await madePublisher()))).code,
    'key-missing',
    'a root that is not published names none',
  );
  const reading = readDirector(folder, made.clock, made.files);
  t.is((await reading.targets()).length, 4);
  t.is((await fault(reading.assign('unit-1', madeJob('job-1', [])))).code, 'key-missing');
});

test('after a stolen online key no job of the thief is signed again', async (t) => {
  const made = await directed();
  const director = await madeDirector(made);
  await director.assign('unit-1', madeJob('job-1', [seven.target.target]));
  const fresh = { targets: memorySigner(), snapshot: made.online.snapshot, timestamp: made.online.timestamp };
  await stageRotation(
    made.files,
    folder,
    { repository: 'director', roles: ['targets'], out: [made.online.targets.keyId], in: [fresh.targets.publicKey] },
    madeAt,
  );
  await signWaiting(made, [made.people[0], made.people[1]]);
  await publishMade(made, []);
  t.is(
    (await fault(director.assign('unit-1', madeJob('job-2', [])))).code,
    'key-missing',
    'the old key signs nothing more',
  );
  const after = await madeDirector({ ...made, online: fresh });
  const refused = await fault(after.refresh('unit-1'));
  t.regex(refused.message, /signed by a key that the director's root no longer names/);
  const adopting = await adoptingDirector({ ...made, online: fresh });
  t.true(await adopting.refresh('unit-1'), 'where the key was only replaced, its jobs are taken over on a word');
  await after.assign('unit-1', madeJob('job-2', []));
  t.deepEqual((await checkRepository(made.files, folder, madeAt)).faults, []);
});

test('an online key is replaced without a moment in which units would refuse', async (t) => {
  const made = await directed();
  const fresh = { targets: memorySigner(), snapshot: memorySigner(), timestamp: memorySigner() };
  const roles = ['targets', 'snapshot', 'timestamp'] as const;
  const faultless = async () => t.deepEqual((await checkRepository(made.files, folder, madeAt)).faults, []);
  await (await madeDirector(made)).assign('unit-1', madeJob('job-1', [seven.target.target]));
  const rotate = async (change: 'in' | 'out') => {
    for (const role of roles) {
      const [out, into] = change === 'in' ? [[], [fresh[role].publicKey]] : [[made.online[role].keyId], []];
      await stageRotation(made.files, folder, { repository: 'director', roles: [role], out, in: into }, madeAt);
    }
    await signWaiting(made, [made.people[0], made.people[1]]);
    await publishMade(made, []);
  };
  await rotate('in');
  await faultless();
  const adopting = await adoptingDirector({ ...made, online: fresh });
  t.true(await adopting.refresh('unit-1'));
  t.false(await adopting.refresh('unit-1'));
  await faultless();
  await rotate('out');
  await faultless();
});

test('a unit reads its own files and those of all, and nothing else', async (t) => {
  const made = await directed();
  const director = await madeDirector(made);
  await director.assign('unit-1', madeJob('job-1', [seven.target.target]));
  const path = `targets/${seven.target.sha256}.${seven.target.target}`;
  const file = await director.open('unit-1', path);
  t.is(file?.length, seven.bytes.byteLength);
  t.deepEqual(await file?.read(10, 20), seven.bytes.subarray(10, 30));
  t.deepEqual(await file?.read(seven.bytes.byteLength - 5, 20), seven.bytes.subarray(-5), 'never beyond the end');
  t.is((await file?.read(seven.bytes.byteLength + 7, 20))?.byteLength, 0);
  t.is((await file?.read(-3, 20))?.byteLength, 0);
  await file?.close();
  for (const good of ['image/1.root.json', 'image/timestamp.json', 'director/1.root.json', 'director/1.targets.json'])
    t.not(await director.open('unit-1', good), undefined, good);
  for (const [unit, bad] of [
    ['unit-2', 'director/timestamp.json'],
    ['unit-1', 'director/unit-1/timestamp.json'],
    ['unit-1', 'repository.json'],
    ['unit-1', 'staged/image.root.json'],
    ['unit-1', 'image/../repository.json'],
    ['unit-1', 'image/0.root.json'],
    ['unit-1', '/image/timestamp.json'],
    ['..', 'director/timestamp.json'],
    ['unit-1/../unit-1', 'director/timestamp.json'],
    ['', 'director/timestamp.json'],
  ] as const) {
    t.is(await director.open(unit, bad), undefined, `${unit} ${bad}`);
  }
});
