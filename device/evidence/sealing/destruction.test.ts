import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, open as openFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Decrypter } from 'age-encryption';
import test from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { sha256 } from '../../kernel/hash.ts';
import { MemoryFiles, type Mishap, type Operation } from '../../kernel/testing/memory-files.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { statementOf } from '../record/plate-file.ts';
import { plateModels, plateRead } from '../testing/plates.ts';
import { openWith } from './identity.ts';
import { opensCommitment, readPlate, sealPlate } from './plate-commitment.ts';
import { clear, everyName, gather, inPieces, makeParties, openSealer } from './testing/sealing.ts';

const { authority, operator, recipients } = await makeParties();
const marker = 'PLANTED-PICTURE-OF-A-CAR';
const still = Buffer.alloc(5000, marker);

const open = (file: Uint8Array, identity = authority) => gather(openWith([identity], inPieces(file, 65_536)));
const isOpen = (work: Promise<Buffer>, content: Buffer = still) =>
  work.then(
    (found) => found.equals(content),
    (error: unknown) => {
      if (isAtalayaError(error)) return false;
      throw error;
    },
  );

async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'atalaya-sealing-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** A sealed package on a disk of which each trial takes a copy. */
async function sealedDisk() {
  const files = new MemoryFiles();
  const { sealer } = await openSealer(files, '/store', recipients);
  const sealed = await sealer.seal([clear('a', still), clear('b', still, true), clear('c', still)]);
  const copy = () => files.survivors(seededRandom(1));
  return { copy, sealed, bodies: sealed.files.map(({ body }) => body) };
}

for (const mishap of ['power-cut', { code: 'EIO', bytes: 700 }] as const satisfies readonly Mishap[]) {
  const name = mishap === 'power-cut' ? 'power cut' : 'fault of the disk';
  test(`after a ${name} at any operation of a destruction all opens or nothing does, and once repeated it is done`, async (t) => {
    const { copy, sealed, bodies } = await sealedDisk();
    let interrupted = 0;
    for (let number = 0; ; number += 1) {
      const disk = copy();
      const { sealer } = await openSealer(disk, '/store', recipients);
      const first = disk.operations;
      disk.plan = (one: Operation) => (one.number === first + number ? mishap : undefined);
      const finished = await sealer.destroy(sealed.keys.sha256, bodies).then(
        () => true,
        () => false,
      );
      const begun = disk.operations > first + number;
      for (const seed of [1, 2, 3]) {
        const after = disk.survivors(seededRandom(number * 3 + seed));
        const again = await openSealer(after, '/store', recipients);
        const opening = await Promise.all(
          bodies.map((_, i) =>
            isOpen(gather(openWith([authority], again.sealer.ciphertext(sealed.keys, sealed.files, i)))),
          ),
        );
        t.is(new Set(opening).size, 1, `operation ${number}: ${opening}`);
        if (finished) t.true(await again.sealer.isDestroyed(sealed.keys.sha256, bodies));
        else interrupted += 1;
        await again.sealer.destroy(sealed.keys.sha256, bodies);
        await again.sealer.destroy(sealed.keys.sha256, bodies);
        const last = await openSealer(after.survivors(seededRandom(seed)), '/store', recipients);
        t.true(await last.sealer.isDestroyed(sealed.keys.sha256, bodies));
      }
      if (!begun) break;
    }
    t.true(interrupted >= 20, `${interrupted}`);
  });
}

test('the key file is overwritten in place and durably before anything is removed', async (t) => {
  const { copy, sealed, bodies } = await sealedDisk();
  const disk = copy();
  const { sealer, keys } = await openSealer(disk, '/store', recipients);
  const path = keys.path(sealed.keys.sha256);
  const seen = await disk.open(path, 'read');
  const done: string[] = [];
  disk.plan = ({ kind, path: at }) => {
    if (kind !== 'list')
      done.push(`${kind} ${at === path ? 'key file' : at.startsWith('/store/keys') ? 'keys' : 'blobs'}`);
    return undefined;
  };
  t.false(await sealer.isDestroyed(sealed.keys.sha256, bodies));
  done.length = 0;
  await sealer.destroy(sealed.keys.sha256, bodies);
  t.deepEqual(done.slice(0, 5), [
    'open key file',
    'write key file',
    'sync key file',
    'remove key file',
    'syncFolder keys',
  ]);
  t.true(done.slice(5).every((one) => one.endsWith(' blobs')));
  const left = Buffer.alloc(sealed.keys.bytes, 1);
  t.is(await seen.read(left, 0), sealed.keys.bytes);
  t.true(left.equals(Buffer.alloc(sealed.keys.bytes)));
  t.deepEqual(await everyName(disk, '/store'), []);
});

test('on a real disk the blocks of a destroyed key file hold zeros, and nothing is left by name', async (t) => {
  await using folder = await scratch();
  const { sealer, keys } = await openSealer(systemFiles, folder.path, recipients);
  const sealed = await sealer.seal([clear('a', still)]);
  const handle = await openFile(keys.path(sealed.keys.sha256));
  try {
    await sealer.destroy(
      sealed.keys.sha256,
      sealed.files.map(({ body }) => body),
    );
    t.true((await handle.readFile()).equals(Buffer.alloc(sealed.keys.bytes)));
  } finally {
    await handle.close();
  }
  t.deepEqual(await everyName(systemFiles, folder.path), []);
});

test('bodies recovered from a destroyed package open for nobody, the authority included', async (t) => {
  const { copy, sealed } = await sealedDisk();
  const disk = copy();
  const { sealer, keys, bodies } = await openSealer(disk, '/store', recipients);
  const keyFile = await keys.get(sealed.keys.sha256);
  const recovered = await Promise.all(sealed.files.map(({ body }) => bodies.get(body)));
  const header = keyFile.subarray(0, sealed.files[0]?.header);
  // As long as there is a copy of the key file they do open: what follows hangs on it alone.
  t.true(await isOpen(open(Buffer.concat([header, recovered[0] ?? Buffer.alloc(0)]))));

  await sealer.destroy(
    sealed.keys.sha256,
    sealed.files.map(({ body }) => body),
  );
  const other = await sealer.seal([clear('a', still), clear('b', still, true)]);
  const otherKeys = await keys.get(other.keys.sha256);
  const otherHeader = otherKeys.subarray(0, other.files[0]?.header);
  t.true(await isOpen(open(Buffer.concat([otherHeader, await bodies.get(other.files[0]?.body ?? '')]))));
  const headers = [
    Buffer.alloc(0),
    Buffer.alloc(keyFile.byteLength),
    otherHeader,
    otherKeys.subarray(otherHeader.length),
  ];
  for (const body of recovered) {
    for (const one of headers) {
      for (const identity of [authority, operator]) t.false(await isOpen(open(Buffer.concat([one, body]), identity)));
    }
  }
});

test('whoever takes the folder, and the signing key with it, reads nothing', async (t) => {
  await using folder = await scratch();
  const { sealer } = await openSealer(systemFiles, folder.path, recipients);
  const text = 'AB123CD';
  const plate = sealPlate(statementOf(plateRead(text, 168), 70, plateModels), randomBytes);
  const clip = inPieces(Buffer.alloc(300_000, marker), 10_000);
  const sealed = await sealer.seal([
    clear('a.jpg', still, true),
    clear('clip', clip),
    clear('plate.json', plate.content),
  ]);
  const signing = generateKeyPairSync('ed25519');
  await writeFile(join(folder.path, 'unit.key'), signing.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  await writeFile(join(folder.path, 'record.json'), JSON.stringify({ sealed, recipients, plate: plate.commitment }));

  const paths = (await readdir(folder.path, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  const stolen = await Promise.all(paths.map((one) => readFile(join(one.parentPath, one.name))));
  t.is(stolen.length, 3 + 1 + 2);
  const all = Buffer.concat(stolen);
  const salt = readPlate(plate.content)?.salt ?? '';
  t.is(Buffer.from(salt, 'hex').byteLength * 8, 256);
  for (const secret of [marker, text, salt, Buffer.from(salt, 'hex'), 'AGE-SECRET-KEY', authority, operator]) {
    const forms = [
      Buffer.from(secret),
      Buffer.from(
        Buffer.from(secret)
          .toString('base64')
          .replace(/..?=*$/, ''),
      ),
      Buffer.from(Buffer.from(secret).toString('hex')),
    ];
    for (const form of forms) t.false(all.includes(form), `${secret.toString().slice(0, 10)}...`);
  }

  // All plates of a region are soon tried; without the salt no trial tells that it hit.
  const plates = Array.from({ length: 100 }, (_, i) => `AB1${String(i).padStart(2, '0')}CD`);
  t.true(plates.includes(text));
  const found = all.toString('latin1').match(/[0-9a-f]{64}/g) ?? [];
  const salts = ['0'.repeat(64), ...new Set(found)];
  // Even of one who knows everything else that is stated: frames, confidences, models.
  const committed = (text: string, salt: string) =>
    sealPlate(statementOf(plateRead(text, 168), 70, plateModels), () => Buffer.from(salt, 'hex')).commitment;
  const hits = (tried: readonly string[]) =>
    plates.filter((one) => tried.some((with_) => committed(one, with_) === plate.commitment));
  t.deepEqual(hits(salts), []);
  t.false(plates.some((one) => sha256(one) === plate.commitment));
  t.deepEqual(hits([salt]), [text]);

  // The only private key in the folder is of another kind; its secret used as one that decrypts opens nothing.
  const seed = signing.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), seed]);
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'X25519' }, false, ['deriveBits']);
  for (const i of sealed.files.keys()) {
    const file = await gather(sealer.ciphertext(sealed.keys, sealed.files, i));
    const decrypter = new Decrypter();
    decrypter.addIdentity(key);
    await t.throwsAsync(decrypter.decrypt(file), { message: /no identity matched/ });
    t.truthy(await open(file));
  }
  t.true(
    opensCommitment(
      await gather(openWith([authority], sealer.ciphertext(sealed.keys, sealed.files, 2))),
      plate.commitment,
    ),
  );
});
