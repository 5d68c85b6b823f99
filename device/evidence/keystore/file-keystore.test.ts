import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { readWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { listIfThere } from '../../kernel/files.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { FileKeystore } from './file-keystore.ts';
import { parseKeyPem } from './key-pem.ts';
import { keystoreContract, verifies } from './testing/keystore-contract.ts';

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-keys-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

for (const algorithm of ['ed25519', 'p256'] as const) {
  keystoreContract(test, `a new ${algorithm} file`, algorithm, async (t) =>
    FileKeystore.create(join(await folderOf(t), 'unit.key'), { algorithm }),
  );

  keystoreContract(test, `a ${algorithm} file opened again`, algorithm, async (t) => {
    const path = join(await folderOf(t), 'unit.key');
    await (await FileKeystore.create(path, { algorithm })).close();
    return FileKeystore.open(path);
  });

  test(`${algorithm}: a file opened again is the same key, and nobody else may read it`, async (t) => {
    const folder = join(await folderOf(t), 'made', 'too');
    const path = join(folder, 'unit.key');
    const made = await FileKeystore.create(path, { algorithm });
    const opened = await FileKeystore.open(path);
    t.is(opened.id, made.id);
    t.deepEqual(opened.spki, made.spki);
    t.true(verifies(made, Buffer.from('m'), await opened.sign(Buffer.from('m'))));
    t.is((await stat(path)).mode & 0o777, 0o600);
    t.is((await stat(folder)).mode & 0o777, 0o700);
    t.deepEqual(await readdir(folder), ['unit.key']);
  });
}

test('a file made with openssl as the hint says is taken', async (t) => {
  const path = join(await folderOf(t), 'unit.key');
  const missing = await refusal(t, path);
  const command = /\((umask.*)\)$/.exec(missing.hint ?? '')?.[1] ?? '';
  t.true(command.includes(path));
  try {
    execFileSync('openssl', ['version']);
  } catch {
    t.log('openssl is not installed: passed over');
    return;
  }
  execFileSync('sh', ['-c', command]);
  t.is((await FileKeystore.open(path)).algorithm, 'ed25519');
});

test('a key is never overwritten, whatever it is', async (t) => {
  const path = join(await folderOf(t), 'unit.key');
  const first = await FileKeystore.create(path);
  const before = await readFile(path);
  const error = await t.throwsAsync(FileKeystore.create(path), { instanceOf: AtalayaError });
  t.is(error?.code, 'key-exists');
  t.deepEqual(await readFile(path), before);
  await writeFile(path, 'not a key at all');
  await t.throwsAsync(FileKeystore.create(path), { instanceOf: AtalayaError });
  t.is(await readFile(path, 'utf8'), 'not a key at all');
  await t.throwsAsync(FileKeystore.openOrCreate(path), { instanceOf: AtalayaError });
  t.is(await readFile(path, 'utf8'), 'not a key at all');
  t.true(first.id.length === 64);
});

test('of many that make one key file at once one makes it, and openOrCreate gives all the same key', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'created.key');
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => FileKeystore.create(path)));
  const made = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  t.deepEqual(
    made.map(({ value }) => value.id),
    [(await FileKeystore.open(path)).id],
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') t.true(isAtalayaError(outcome.reason, 'key-exists'), String(outcome.reason));
  }

  const other = join(folder, 'either.key');
  const all = await Promise.all(Array.from({ length: 12 }, () => FileKeystore.openOrCreate(other)));
  t.is(new Set(all.map(({ id }) => id)).size, 1);
  t.deepEqual(await readdir(folder), ['created.key', 'either.key']);
});

test('a pulled plug at any operation leaves no key or the whole one, and the one that was announced', async (t) => {
  const outcomes = new Set<string>();
  for (let cut = 0; cut < 24; cut += 1) {
    for (let seed = 0; seed < 12; seed += 1) {
      const files = new MemoryFiles();
      files.plan = ({ number }) => (number === cut ? 'power-cut' : undefined);
      const made = await FileKeystore.create('/keys/unit/unit.key', { files }).catch((error: unknown) => {
        if (!(error instanceof AtalayaError)) throw error;
        return undefined;
      });
      const found = await readWholeFile(files.survivors(seededRandom(cut * 100 + seed)), '/keys/unit/unit.key');
      if (made !== undefined) t.is(found && parseKeyPem(found, 'x').id, made.id);
      if (found !== undefined) t.is(parseKeyPem(found, 'x').algorithm, 'ed25519');
      outcomes.add(`${made === undefined ? 'refused' : 'announced'}, ${found === undefined ? 'none' : 'whole'}`);
    }
  }
  t.deepEqual([...outcomes].sort(), ['announced, whole', 'refused, none', 'refused, whole']);
});

test('a disk that is full or fails at any operation refuses, and leaves nothing half', async (t) => {
  for (const code of ['ENOSPC', 'EIO', 'EROFS']) {
    for (let at = 0; at < 12; at += 1) {
      const files = new MemoryFiles();
      files.plan = ({ number }) => (number === at ? { code, bytes: 20 } : undefined);
      const error = await FileKeystore.create('/keys/unit.key', { files }).then(
        () => undefined,
        (fault: unknown) => fault,
      );
      if (files.operations <= at) continue;
      t.true(isAtalayaError(error, code === 'ENOSPC' ? 'store-full' : 'store-failed'), `${code} at ${at}: ${error}`);
      const found = await readWholeFile(files, '/keys/unit.key');
      if (found !== undefined) t.notThrows(() => parseKeyPem(found, 'x'));
      t.deepEqual(
        (await listIfThere(files, '/keys')).filter((name) => name !== 'unit.key'),
        [],
      );
    }
  }
});

test('the second name that a power cut may leave goes away with the next opening', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'unit.key');
  const { id } = await FileKeystore.create(path);
  await link(path, `${path}.${id.slice(0, 16)}.part`);
  await writeFile(join(folder, 'unrelated.part'), '');
  await FileKeystore.open(path);
  t.deepEqual(await readdir(folder), ['unit.key', 'unrelated.part']);
});

test('what others may read or write is refused, with what to do', async (t) => {
  const path = join(await folderOf(t), 'unit.key');
  await FileKeystore.create(path);
  for (const mode of [0o640, 0o620, 0o604, 0o602, 0o644, 0o610, 0o777]) {
    await chmod(path, mode);
    const error = await refusal(t, path);
    t.is(error.code, 'key-invalid');
    t.true(error.hint?.includes(`chmod 600 ${path}`));
    t.is((await stat(path)).mode & 0o777, mode, 'nothing is changed behind anybody');
  }
  for (const mode of [0o600, 0o400]) {
    await chmod(path, mode);
    await t.notThrowsAsync(FileKeystore.open(path));
  }
  await symlink(path, `${path}.link`);
  await t.notThrowsAsync(FileKeystore.open(`${path}.link`));
});

test('what is no key of a unit is refused, and says why', async (t) => {
  const folder = await folderOf(t);
  const path = join(folder, 'unit.key');
  t.is((await refusal(t, path)).code, 'key-missing');
  t.is((await refusal(t, join(folder, 'no', 'folder'))).code, 'key-missing');
  await mkdir(join(folder, 'folder'), { mode: 0o700 });
  t.is((await refusal(t, join(folder, 'folder'))).code, 'key-invalid');

  const ed25519 = generateKeyPairSync('ed25519').privateKey;
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pem = { format: 'pem', type: 'pkcs8' } as const;
  const good = String(ed25519.export(pem));
  const encrypted = { ...pem, cipher: 'aes-256-cbc', passphrase: 'x' };
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['empty', '', /damaged/],
    ['cut', good.slice(0, 60), /damaged/],
    ['twice', good + good, /damaged/],
    ['not base64', good.replace(/\n[A-Za-z0-9+/]{8}/, '\n!!!!!!!!'), /damaged/],
    ['encrypted', String(ed25519.export(encrypted)), /encrypted/],
    ['encrypted the old way', String(p256.export({ ...encrypted, type: 'sec1' })), /encrypted/],
    ['SEC 1', String(p256.export({ format: 'pem', type: 'sec1' })), /EC PRIVATE KEY/],
    ['public', String(createPublicKey(ed25519).export({ format: 'pem', type: 'spki' })), /PUBLIC KEY/],
    ['RSA', String(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem)), /rsa/],
    ['P-384', String(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(pem)), /secp384r1/],
    ['Ed448', String(generateKeyPairSync('ed448').privateKey.export(pem)), /ed448/],
    ['X25519', String(generateKeyPairSync('x25519').privateKey.export(pem)), /x25519/],
    ['huge', good + ' '.repeat(20_000), /not a key file/],
  ];
  for (const [name, content, why] of cases) {
    await writeFile(path, content, { mode: 0o600 });
    const error = await refusal(t, path);
    t.is(error.code, 'key-invalid', name);
    t.regex(error.message, why, name);
    t.truthy(error.hint, name);
    t.false(`${error.message} ${error.hint}`.includes(good.split('\n')[1] as string), 'no secret is told');
  }
});

test('a P-256 file whose public point is of another key is refused', (t) => {
  const [one, other] = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' })) as [Pair, Pair];
  const der = one.privateKey.export({ format: 'der', type: 'pkcs8' });
  const point = other.publicKey.export({ format: 'der', type: 'spki' }).subarray(-64);
  point.copy(der, der.byteLength - 64);
  const mixed = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
  const error = t.throws(() => parseKeyPem(Buffer.from(mixed), 'mixed.key'), { instanceOf: AtalayaError });
  t.is(error?.code, 'key-invalid');
  t.regex(error?.message ?? '', /public half/);
});

type Pair = ReturnType<typeof keyPair>;
const keyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

test('a file with a changed byte is refused as such, or is a key that works', (t) => {
  for (const pair of [generateKeyPairSync('ed25519'), keyPair()]) {
    const pem = Buffer.from(pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    fc.assert(
      fc.property(fc.nat(pem.byteLength - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(pem);
        changed[at] = (changed[at] ?? 0) ^ flip;
        try {
          return parseKeyPem(changed, 'x').id.length === 64;
        } catch (error) {
          return isAtalayaError(error, 'key-invalid');
        }
      }),
      { numRuns: 400 },
    );
  }
  t.pass();
});

async function refusal(t: ExecutionContext, path: string): Promise<AtalayaError> {
  const error = await t.throwsAsync(FileKeystore.open(path), { instanceOf: AtalayaError });
  return error as AtalayaError;
}
