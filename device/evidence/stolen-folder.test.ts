import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test from 'ava';
import { keptFrame } from '../capture/kept-frame.ts';
import { explain } from '../kernel/errors.ts';
import { type Files, systemFiles } from '../kernel/files.ts';
import { EvidenceStore } from './evidence-store.ts';
import { FileKeystore } from './keystore/file-keystore.ts';
import { createIdentity, openWith } from './sealing/identity.ts';
import { contextAt, frameOf, framesAround, infractionAt } from './testing/fixtures.ts';
import { plateModels, plateRead } from './testing/plates.ts';
import { clerk, fault, gather, linesOf, onDisk } from './testing/stores.ts';

const plate = 'QX789ZW';

/** Every way in which a text could stand in a file by accident. */
const spellings = (secret: Buffer): readonly Buffer[] => [
  secret,
  Buffer.from(secret.toString('hex')),
  Buffer.from(secret.toString('hex').toUpperCase()),
  Buffer.from(secret.toString('latin1'), 'utf16le'),
  // Base64 of it at each of the three places that it can have in a text.
  ...[0, 1, 2].map((at) => {
    const whole = Buffer.concat([Buffer.alloc(at), secret]).toString('base64');
    return Buffer.from(whole.slice(at === 0 ? 0 : at + 1, -4));
  }),
];

test('whoever takes the data folder, the signing key with it, sees no picture and reads no plate', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'atalaya-stolen-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const authority = await createIdentity();
  const operator = await createIdentity();
  const recipients = { authority: [authority.recipient], operators: [operator.recipient] };
  const keystore = await FileKeystore.create(join(root, 'unit.key'));
  const said: string[] = [];
  let broken: string | undefined;
  const files: Files = {
    open: (path, mode) => {
      if (broken !== undefined && path.includes(broken) && mode !== 'read') {
        return Promise.reject(Object.assign(new Error(`EIO: ${path}`), { code: 'EIO' }));
      }
      return systemFiles.open(path, mode);
    },
    rename: systemFiles.rename,
    remove: systemFiles.remove,
    makeFolder: systemFiles.makeFolder,
    list: systemFiles.list,
    syncFolder: systemFiles.syncFolder,
    space: systemFiles.space,
  };
  const folder = join(root, 'evidence');
  const options = onDisk({ recipients, keystore, files });
  const store = await EvidenceStore.open(folder, options);
  const clip = { frames: [168, 170, 172].map((one) => keptFrame(frameOf(one))), thinned: false };
  const context = { ...contextAt(170), plate: plateRead(plate, 168), plateModels, clip };
  const { id, record } = await store.seal(infractionAt(170), framesAround(170), context);
  await store.custody.note({ kind: 'read', evidence: [id], opened: false }, clerk);

  // What the authority sees, so that it is known what is looked for.
  const secrets = [Buffer.from(plate), Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')];
  for (const { name } of record.files) {
    const clear = await gather(openWith([authority.identity], store.ciphertext(record, name)));
    t.true(clear.byteLength > 60, name);
    for (const at of [0, Math.floor(clear.byteLength / 2) - 12]) secrets.push(Buffer.from(clear.subarray(at, at + 24)));
  }

  // Everything that is said when things go wrong.
  const wrong = { ...infractionAt(170), track: Number.NaN };
  said.push(told(await fault(store.seal(wrong, framesAround(170), context))));
  for (const where of ['blobs/', 'journal/']) {
    const other = where === 'blobs/' ? store : await reopened();
    broken = where;
    if (where === 'journal/') await other.close();
    else said.push(told(await fault(other.seal(infractionAt(171), framesAround(171), context))));
    if (where === 'journal/') said.push(told(await fault(EvidenceStore.open(folder, options))));
    broken = undefined;
  }
  async function reopened(): Promise<EvidenceStore> {
    await store.close();
    return EvidenceStore.open(folder, options);
  }
  const last = await EvidenceStore.open(folder, options);
  said.push(inspect(await linesOf(last), { depth: 9 }), inspect(record, { depth: 9 }));
  const stranger = await createIdentity();
  for (const { name } of record.files) {
    for (const identity of [stranger.identity, ...(name === 'operator.jpg' ? [] : [operator.identity])]) {
      const refused = await fault(gather(openWith([identity], last.ciphertext(record, name))));
      t.is(refused.code, 'key-wrong');
      said.push(told(refused));
    }
  }
  await last.close();

  const stolen = (await readdir(root, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  const contents = await Promise.all(stolen.map((one) => readFile(join(one.parentPath, one.name))));
  t.true(stolen.some(({ name }) => name === 'unit.key') && stolen.length > record.files.length + 5);
  const all = Buffer.concat([
    ...contents,
    Buffer.from(said.join('\n')),
    Buffer.from(stolen.map((one) => one.name).join('\n')),
  ]);
  for (const secret of secrets)
    for (const form of spellings(secret)) t.false(all.includes(form), secret.toString('latin1'));
  t.false(all.includes('AGE-SECRET-KEY'));
  // The search does find what is there.
  t.true(spellings(Buffer.from(id)).some((form) => all.includes(form)));
  t.true(
    all.includes(keystore.id) &&
      !all.includes(generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' })),
  );
});

/** All that a log could show of an error. */
const told = (error: unknown): string => `${explain(error)}\n${inspect(error, { depth: 9, showHidden: true })}`;
