import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makePersonKey } from '../../../cloud-bridge/contract/person-key.ts';
import { readWholeFile, writeWholeFile } from '../../kernel/durable-file.ts';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { makeTrustFiles, unitConfig } from '../../testing/trust-files.ts';
import { openPeople } from './people.ts';

const clock = new ManualClock(Date.parse('2026-03-01T12:00:00Z'));
const folder = '/data/config';
const accepted = `${folder}/trust-accepted.json`;

async function place(t: ExecutionContext) {
  const at = await mkdtemp(join(tmpdir(), 'unit-people-'));
  t.teardown(() => rm(at, { recursive: true, force: true }));
  const made = await makeTrustFiles(at);
  const files = new MemoryFiles();
  const config = unitConfig('/data', { cloud: made.cloud });
  return { ...made, at, files, config, open: () => openPeople(config, folder, files, clock) };
}

/** `code: message` of what it is refused with. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it was taken'),
    (reason: unknown) => reason,
  );
  return isAtalayaError(error) ? `${error.code}: ${error.message}` : String(error);
}

test('a unit that names nobody trusts nobody, and touches no disk', async (t) => {
  const files = new MemoryFiles();
  t.is(await openPeople(unitConfig('/data'), folder, files, clock), undefined);
  t.is(files.operations, 0);
});

test('whoever the root key says is trusted, with role and key', async (t) => {
  const { open, supervisor } = await place(t);
  const people = await open();
  t.like(people, { version: 1 });
  t.like(people?.person(supervisor.id), { name: 'Ana', role: 'supervisor' });
});

test('a file that cannot be read is named with its field', async (t) => {
  const { cloud, open } = await place(t);
  await rm(cloud.trust);
  t.is(await refusal(open()), `config-invalid: ${cloud.trust} of cloud.trust cannot be read`);
  await writeFile(cloud.trust, '{}');
  await rm(cloud.rootKey);
  t.is(await refusal(open()), `config-invalid: ${cloud.rootKey} of cloud.rootKey cannot be read`);
});

test('a root key that is of another kind or none is refused, and is not repeated', async (t) => {
  const { cloud, open } = await place(t);
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'pem', type: 'spki' });
  for (const pem of [curve.toString(), 'nothing']) {
    await writeFile(cloud.rootKey, pem);
    const said = await refusal(open());
    t.is(said, 'config-invalid: the file of cloud.rootKey is no public Ed25519 key in PEM');
  }
});

test('the private root key is refused with the name of the file to give, and is not repeated', async (t) => {
  const { at, cloud, root, files } = await place(t);
  for (const [name, wanted] of [
    ['root.pem', 'root.public.pem'],
    ['root.private.pem', 'root.public.pem'],
    ['root', 'root.public.pem'],
  ] as const) {
    const rootKey = join(at, name);
    await writeFile(rootKey, root.privatePem);
    const config = unitConfig('/data', { cloud: { ...cloud, rootKey } });
    const error = await t.throwsAsync(openPeople(config, folder, files, clock));
    t.true(isAtalayaError(error, 'config-invalid'));
    t.is(error?.message, `${rootKey} of cloud.rootKey is the private root key, and a unit is given the public one`);
    const { hint } = error as AtalayaError;
    t.true(hint?.includes(wanted), hint);
    const secret = root.privatePem.split('\n')[1] ?? '';
    t.true(secret.length > 10 && !`${error?.message}${hint}`.includes(secret));
  }
});

test('a document that is unsigned, of another root, altered or no document is refused with the reason', async (t) => {
  const { cloud, files, open, writeTrust } = await place(t);
  await writeTrust(1, { signer: 'nobody' });
  t.is(await refusal(open()), 'document-refused: the trust document bears no signature');
  await writeTrust(1, { signer: makePersonKey() });
  t.is(
    await refusal(open()),
    'document-refused: the trust document is not signed by the root key that is trusted here',
  );
  await writeFile(cloud.trust, 'people: everybody');
  t.regex(await refusal(open()), /^document-refused: the trust document cannot be read: /);
  t.is(files.operations > 0 && (await readWholeFile(files, accepted)), undefined, 'nothing refused is remembered');
});

test('the version that was accepted survives a start and a power cut: nothing older comes back', async (t) => {
  const { files, config, open, writeTrust } = await place(t);
  await writeTrust(2);
  await open();
  const later = files.survivors(() => 0.5);
  const again = () => openPeople(config, folder, later, clock);
  t.like(await again(), { version: 2 });
  await writeTrust(1);
  t.is(await refusal(again()), 'document-refused: the trust document is of version 1, and version 2 was in use here');
  await writeTrust(2, { name: 'Eve' });
  t.is(
    await refusal(again()),
    'document-refused: the trust document is of version 2, as the one that was in use here, and says something else',
  );
  await writeTrust(3);
  t.like(await again(), { version: 3 });
});

test('a start with the same document writes nothing', async (t) => {
  const { files, open } = await place(t);
  await open();
  const written: string[] = [];
  files.plan = ({ kind, path }) => {
    if (kind === 'write' || kind === 'rename') written.push(path);
    return undefined;
  };
  await open();
  t.deepEqual(written, []);
});

test('what was accepted and cannot be read any more keeps nobody out', async (t) => {
  const { files, open } = await place(t);
  await open();
  await writeWholeFile(files, accepted, Buffer.from('{"version":'));
  t.like(await open(), { version: 1 });
});

test('what an update brought is believed where it is newer, and stays when the update is rolled back', async (t) => {
  const { at, cloud, files, config, writeTrust } = await place(t);
  const updated = join(at, 'updated.json');
  await writeTrust(3);
  await rename(cloud.trust, updated);
  await writeTrust(2);
  t.like(await openPeople(config, folder, files, clock), { version: 2 });
  t.like(await openPeople(config, folder, files, clock, updated), { version: 3 });
  const later = files.survivors(() => 0.5);
  t.like(await openPeople(config, folder, later, clock), { version: 3 }, 'without the update');
  await writeTrust(4);
  t.like(await openPeople(config, folder, later, clock, updated), { version: 4 }, 'enrolled anew');
  await writeFile(updated, 'people: everybody');
  t.like(await openPeople(config, folder, later, clock, updated), { version: 4 }, 'what does not hold changes nothing');
});
