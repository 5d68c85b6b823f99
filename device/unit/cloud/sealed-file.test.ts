import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { EvidenceFile } from '../../../cloud-bridge/unit-end/evidence/evidence-server.ts';
import { EvidenceStore } from '../../evidence/evidence-store.ts';
import type { EvidenceRecord } from '../../evidence/record/record.ts';
import { createIdentity } from '../../evidence/sealing/identity.ts';
import { clerk, onDisk, seal, unit } from '../../evidence/testing/stores.ts';
import { sha256 } from '../../kernel/hash.ts';
import { openSealedFile } from './sealed-file.ts';

const { recipient } = await createIdentity();
const first = 'unit-1-000000001';

async function storeWith(t: ExecutionContext, recipients = true): Promise<EvidenceStore> {
  const folder = await mkdtemp(join(tmpdir(), 'unit-sealed-'));
  const to = recipients ? { recipients: { authority: [recipient], operators: [] } } : {};
  const store = await EvidenceStore.open(join(folder, 'evidence'), onDisk(to));
  t.teardown(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });
  await seal(store, 1);
  return store;
}

async function recordOf(store: EvidenceStore): Promise<EvidenceRecord> {
  const entry = await store.read(1);
  if (entry?.kind !== 'evidence') throw new Error('no evidence');
  return entry.record;
}

/** The whole of it in ranges of so many bytes, and its descriptor given back. */
async function inRanges(file: EvidenceFile | undefined, range: number): Promise<Buffer> {
  if (file === undefined) throw new Error('no such file');
  const parts: Uint8Array[] = [];
  for (let from = 0; from < file.bytes; from += range)
    parts.push(await file.read(from, Math.min(range, file.bytes - from)));
  await file.close?.();
  return Buffer.concat(parts);
}

test('keys and bodies are given in ranges, and are what the record says', async (t) => {
  const store = await storeWith(t);
  const { sealing, files } = await recordOf(store);
  const keys = await inRanges(await openSealedFile(store, unit, first, 'keys'), 100);
  t.true(sha256(keys) === sealing?.keys.sha256);
  t.true(files.length >= 3);
  for (const { name, body } of files) {
    const content = await inRanges(await openSealedFile(store, unit, first, name), 700);
    t.true(sha256(content) === body, name);
  }
});

test('beyond the end there is nothing, and never more than is there', async (t) => {
  const store = await storeWith(t);
  const file = await openSealedFile(store, unit, first, 'keys');
  t.is((await file?.read(file.bytes - 3, 100))?.byteLength, 3);
  t.is((await file?.read(file.bytes + 50, 100))?.byteLength, 0);
  await file?.close?.();
});

test('what is no evidence of this unit, and what is no piece of it, is not there', async (t) => {
  const store = await storeWith(t);
  await store.custody.note({ kind: 'list' }, clerk);
  const strange: readonly (readonly [string, string])[] = [
    ['unit-1-000000099', 'keys'],
    ['unit-1-000000000', 'keys'],
    // An act is no evidence.
    ['unit-1-000000002', 'keys'],
    ['unit-2-000000001', 'keys'],
    ['unit-1-1', 'keys'],
    ['unit-1-00000000001', 'keys'],
    ['unit-1-000000001/../unit-1-000000001', 'keys'],
    ['../../etc', 'passwd'],
    ['', ''],
    [first, ''],
    [first, '.'],
    [first, 'nothing.jpg'],
    [first, '../keys'],
    [first, 'keys/'],
    [first, './keys'],
    [first, '/etc/passwd'],
    [first, '../../../../../../etc/passwd'],
    [first, 'keys\0'],
    [first, '__proto__'],
  ];
  for (const [evidence, file] of strange) {
    t.is(await openSealedFile(store, unit, evidence, file), undefined, `${evidence} ${file}`);
  }
});

test('a unit that keeps no picture has no pieces', async (t) => {
  const store = await storeWith(t, false);
  t.is(await openSealedFile(store, unit, first, 'keys'), undefined);
});

test('what was erased is gone, and what the disk has lost is not there', async (t) => {
  const store = await storeWith(t);
  const { files } = await recordOf(store);
  const name = files[0]?.name ?? '';
  const path = store.pieceOf(await recordOf(store), name) ?? '';
  await rm(path);
  t.is(await openSealedFile(store, unit, first, name), undefined);
  await store.custody.erase(first, clerk);
  t.is(await openSealedFile(store, unit, first, 'keys'), undefined);
});

test('no descriptor is left open by a file that is not given', async (t) => {
  const store = await storeWith(t);
  const open = async () => (await readdir('/proc/self/fd')).length;
  const before = await open();
  for (let i = 0; i < 50; i += 1) await openSealedFile(store, unit, first, '../keys');
  t.true((await open()) <= before + 5);
});
