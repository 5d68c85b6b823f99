import test, { type ExecutionContext } from 'ava';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { mostTargets } from '../contract/repository.ts';
import type { Target } from '../contract/target.ts';
import { checkRepository } from './check.ts';
import { expiriesOf } from './expiry.ts';
import { publish } from './publish.ts';
import { stageRotation, stageTargets } from './stage-changes.ts';
import { stagedIn } from './staged.ts';
import {
  addMade,
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
  noLock,
  publishMade,
  seven,
  signWaiting,
} from './testing/made-publisher.ts';
import { memorySigner } from './testing/memory-signers.ts';
import { tufClient } from './testing/tuf-client.ts';

/** A unit that knows the first root alone. */
const clientOf = async (t: ExecutionContext, made: MadePublisher, unit = 'unit-1') =>
  tufClient(made.files, folder, unit, 'image', scratchFolder(t), await firstRoot(made));

test('what two of three have signed is what tuf-js takes; one signature is not enough', async (t) => {
  const made = await madePublisher();
  const one = await fault(publishMade(made));
  t.is(one.code, 'document-refused');
  t.regex(one.message, /director\.root\.json is not signed by enough keys \(0 of 2/);
  await signWaiting(made, [made.people[0]]);
  t.regex((await fault(publishMade(made))).message, /1 of 2 by root 1/);
  await signWaiting(made, [made.people[1]]);
  const { changes } = await publishMade(made);
  t.deepEqual(
    changes.map((line) => line.replace(/, good.*/, '')),
    ['director root 1', 'image root 1', 'image targets 1, snapshot 1, timestamp 1'],
  );
  t.deepEqual((await publishMade(made)).changes, [], 'once');

  await addMade(made, [seven]);
  await signWaiting(made, [made.people[2]]);
  t.is((await fault(publishMade(made))).code, 'document-refused');
  const client = await clientOf(t, made);
  t.is(await client.target(seven.target.target), undefined, 'what waits is not seen');
  await signWaiting(made, [made.people[0]]);
  await publishMade(made);
  const seen = await client.target(seven.target.target);
  t.deepEqual([seen?.length, seen?.hashes], [seven.target.length, { sha256: seven.target.sha256 }]);
  t.deepEqual(seen?.custom, { atalaya: JSON.parse(JSON.stringify(seven.target.description)) });
  t.deepEqual((await checkRepository(made.files, folder, madeAt)).faults, []);
});

test('the keys of snapshot and timestamp are demanded before anything is written', async (t) => {
  const made = await madePublisher();
  await signWaiting(made, [made.people[0], made.people[1]]);
  const missing = await fault(publishMade(made, [made.office.snapshot]));
  t.is(missing.code, 'key-missing');
  t.true(missing.hint?.includes(made.office.timestamp.keyId.slice(0, 16)));
  t.is(await readWholeFile(made.files, `${folder}/image/1.root.json`), undefined);
  const other = await fault(publishMade(made, [memorySigner(), made.office.timestamp]));
  t.is(other.code, 'key-missing');
});

for (const seamless of [true, false])
  test(`a stolen key of targets is replaced, ${seamless ? 'and those who stay sign' : 'and the new key signs'}`, async (t) => {
    const made = await foundedPublisher(seven);
    const client = await clientOf(t, made);
    await client.refresh();

    const [, stolen] = made.people;
    const fresh = memorySigner('p256');
    await stageRotation(
      made.files,
      folder,
      { repository: 'image', roles: ['root', 'targets'], out: [stolen.keyId], in: [fresh.publicKey] },
      madeAt,
    );
    const targets = await stagedIn(made.files, folder, 'image', 'targets');
    t.is(targets?.metadata.signed.version, 3, 'the targets are signed anew');
    const refused = await fault(signWaiting(made, [stolen], [['image', 'targets']]));
    t.is(refused.code, 'key-mismatch', 'the stolen key has no say in the targets any more');
    await signWaiting(made, [made.people[0]], [['image', 'root']]);
    await signWaiting(made, [fresh], [['image', 'root']]);
    // Whoever has a say before and after it makes it seamless.
    await signWaiting(made, [made.people[0], seamless ? made.people[2] : fresh], [['image', 'targets']]);
    const lacking = await fault(publishMade(made));
    t.regex(lacking.message, /1 of 2 by root 1/, 'the new key counts for the new root alone');
    await signWaiting(made, [made.people[2]], [['image', 'root']]);
    const published = await publishMade(made);
    t.is(published.seam, !seamless);
    t.is((await client.target(seven.target.target))?.path, seven.target.target);
    const late = await clientOf(t, made, 'unit-2');
    t.not(await late.target(seven.target.target), undefined, 'a unit that slept through it follows the roots');
    t.deepEqual((await checkRepository(made.files, folder, madeAt)).faults, []);

    await addMade(made, [eight]);
    t.is((await fault(signWaiting(made, [stolen], [['image', 'targets']]))).code, 'key-mismatch');
  });

for (const lost of [false, true]) {
  test(`a timestamp key is replaced ${lost ? 'after it was lost' : 'while it is at hand'}`, async (t) => {
    const made = await foundedPublisher(seven);
    const client = await clientOf(t, made);
    await client.refresh();
    const fresh = memorySigner();
    const out = made.office.timestamp;
    await stageRotation(
      made.files,
      folder,
      { repository: 'image', roles: ['timestamp'], out: [out.keyId], in: [fresh.publicKey] },
      madeAt,
    );
    t.is(await stagedIn(made.files, folder, 'image', 'targets'), undefined, 'the targets stay as they are');
    await signWaiting(made, [made.people[0], made.people[2]]);
    const without = await fault(publishMade(made, [made.office.snapshot, out]));
    t.is(without.code, 'key-missing');
    const published = await publishMade(made, [made.office.snapshot, fresh, ...(lost ? [] : [out])]);
    t.is(published.seam, lost);
    t.not(await client.target(seven.target.target), undefined);
    t.deepEqual((await checkRepository(made.files, folder, madeAt)).faults, []);
  });
}

test('the weekly renewal goes on while something waits for signatures', async (t) => {
  const made = await foundedPublisher();
  await addMade(made, [seven]);
  await signWaiting(made, [made.people[0]]);
  await stageRotation(made.files, folder, { repository: 'director', roles: [], out: [], in: [] }, madeAt);
  const { changes } = await publish({
    files: made.files,
    folder,
    signers: [made.office.snapshot, made.office.timestamp],
    lock: noLock,
    now: madeAt,
    renew: true,
  });
  t.regex(changes.join(), /^image targets 1, snapshot 2, timestamp 2, good until [^,]*$/);
  const staged = await stagedIn(made.files, folder, 'image', 'targets');
  t.deepEqual(Object.keys(staged?.metadata.signatures ?? {}), [made.people[0].keyId], 'it waits as before');
  await signWaiting(made, [made.people[1]], [['image', 'targets']]);
  t.is((await fault(publishMade(made))).code, 'document-refused', "the director's root is not signed");
  const image = await publish({
    files: made.files,
    folder,
    signers: [made.office.snapshot, made.office.timestamp],
    lock: noLock,
    now: madeAt,
    of: 'image',
  });
  t.regex(image.changes.join(), /^image targets 2/);
});

test('one meeting a year renews the root and the targets', async (t) => {
  const made = await foundedPublisher(seven);
  await made.clock.advance(370 * day);
  await stageRotation(made.files, folder, { repository: 'image', roles: [], out: [], in: [] }, made.clock.utc());
  await signWaiting(made, [made.people[0], made.people[1]]);
  const { changes, seam } = await publishMade(made);
  t.deepEqual([changes.length, seam], [2, false]);
  const ends = (await expiriesOf(made.files, folder, made.clock.utc())).filter(
    ({ repository }) => repository === 'image',
  );
  t.deepEqual(
    ends.map(({ role, left }) => [role, Math.round(left)]),
    [
      ['snapshot', 30],
      ['timestamp', 30],
      ['root', 395],
      ['targets', 395],
    ].sort(([, a], [, b]) => Number(a) - Number(b)),
  );
});

test('a rotation that no threshold survives is not staged', async (t) => {
  const made = await foundedPublisher();
  const rotate = (rotation: Partial<Parameters<typeof stageRotation>[2]>) =>
    fault(
      stageRotation(made.files, folder, { repository: 'image', roles: ['root'], out: [], in: [], ...rotation }, madeAt),
    );
  const [first, second] = made.people;
  t.is((await rotate({ out: [first.keyId, second.keyId] })).code, 'usage-invalid');
  t.is((await rotate({ out: ['0'.repeat(64)] })).code, 'usage-invalid');
  t.is((await rotate({ threshold: 4 })).code, 'usage-invalid');
  t.is((await rotate({ threshold: 0 })).code, 'usage-invalid');
  t.is(await stagedIn(made.files, folder, 'image', 'root'), undefined);
});

test('targets that no unit could tell apart, and files that are not what is said of them, are refused', async (t) => {
  const made = await foundedPublisher(seven);
  const refusals: readonly (readonly [MadeTarget, RegExp])[] = [
    [madeTarget(seven.target.target, 8), /published already, with another content/],
    [
      madeTarget('unit-other-r7-x64.tar.zst', 7, { tree: { sha256: 'a'.repeat(64), length: 4096 } }),
      /has release 7 of unit/,
    ],
    [
      madeTarget('unit-r9-x64.from-abcdef01.patch', 9, { patchFrom: 'b'.repeat(64) }),
      /leads to a tree that no whole target has/,
    ],
    [{ ...madeTarget('x.tar.zst', 9), bytes: Buffer.from('other') }, /has 5 bytes, not/],
    [
      { ...madeTarget('y.tar.zst', 9), bytes: Buffer.alloc(madeTarget('y.tar.zst', 9).bytes.byteLength) },
      /another SHA-256/,
    ],
  ];
  for (const [target, why] of refusals) t.regex((await fault(addMade(made, [target]))).message, why);
  t.is(await stagedIn(made.files, folder, 'image', 'targets'), undefined);

  // Units may have what is published, whatever waits.
  const take = (remove: readonly string[], ...add: readonly MadeTarget[]) =>
    stageTargets(made.files, folder, { add: add.map(({ target }) => target), remove }, madeAt);
  await take([seven.target.target]);
  for (const [target, why] of refusals.slice(0, 2)) t.regex((await fault(addMade(made, [target]))).message, why);
  await addMade(made, [seven]);
  const wrong = madeTarget('unit-1.8.0-r8-x64.tar.zst', 8, { tree: { sha256: 'c'.repeat(64), length: 4096 } });
  await take([], wrong);

  const waits = await fault(take([], eight));
  t.regex(waits.message, /waits for signatures already, with another content/);
  t.regex(waits.hint ?? '', /atalaya-ota remove/);
  await take([wrong.target.target]);
  await addMade(made, [eight]);
  await signWaiting(made, [made.people[0], made.people[1]]);
  await made.files.remove(`${folder}/targets/${eight.target.sha256}.${eight.target.target}`);
  const gone = await fault(publishMade(made));
  t.regex(gone.message, /the file of unit-1.8.0-r8-x64.tar.zst is missing/);
});

test('no more targets are staged than units read, and where old ones go new ones come', async (t) => {
  const made = await foundedPublisher();
  const models = Array.from({ length: mostTargets + 1 }, (_, release) =>
    madeTarget(`ssd-${release}.tar.zst`, release + 1, {
      ...{ kind: 'model', name: 'ssd', version: `${release}` },
      tree: { sha256: sha256(`tree ${release}`), length: 2048 },
    }),
  ).map(({ target }) => target);
  const [first, last] = [models[0], models.at(-1)];
  if (first === undefined || last === undefined) return t.fail();
  const stage = (add: readonly Target[], remove: readonly string[] = []) =>
    stageTargets(made.files, folder, { add, remove }, madeAt);
  const many = await fault(stage(models));
  t.regex(many.message, /there would be 501 targets, and units read 500 at most/);
  t.regex(many.hint ?? '', /atalaya-ota remove/);
  t.true((await stage(models.slice(0, -1))).changed);
  t.is((await fault(stage([last]))).code, 'document-refused');
  const { staged } = await stage([last], [first.target]);
  t.is(Object.keys(staged.metadata.signed.targets).length, mostTargets);
});

test('a repository that somebody has changed on the disk is not published on top of', async (t) => {
  const made = await foundedPublisher(seven);
  const director = await madeDirector(made);
  const path = `${folder}/image/2.targets.json`;
  const bytes = (await readWholeFile(made.files, path)) ?? Buffer.alloc(0);
  const file = await made.files.open(path, 'update');
  await file.write([Buffer.from(bytes.toString().replace('"release":7', '"release":9'))], 0);
  await file.close();
  t.is((await fault(director.assign('unit-1', madeJob('job-1', [seven.target.target])))).code, 'store-damaged');
  t.is((await fault(addMade(made, []))).code, 'store-damaged');
  t.regex(
    (await checkRepository(made.files, folder, madeAt)).faults.map(({ what }) => what).join(),
    /not what is signed for it/,
  );
});
