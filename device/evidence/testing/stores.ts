export { fault } from '../../kernel/testing/fault.ts';

import { createPrivateKey } from 'node:crypto';
import { type Files, systemFiles } from '../../kernel/files.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import type { Authorship } from '../custody.ts';
import type { EvidenceStore, SealedEvidence } from '../evidence-store.ts';
import type { EvidenceLine, IndexEntry } from '../index/index-store.ts';
import { FileKeystore } from '../keystore/file-keystore.ts';
import { signingKey } from '../keystore/key-pem.ts';
import type { Keystore } from '../keystore/keystore.ts';
import type { StoreOptions } from '../store-options.ts';
import { contextAt, framesAround, infractionAt } from './fixtures.ts';
import { plateModels, plateRead } from './plates.ts';

/** What stands before the 32 secret bytes of an Ed25519 key in PKCS#8 (RFC 8410 section 7). */
const ed25519Pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A signing key in memory, the same one for the same number in every process. */
export function testKeystore(number = 1): Keystore {
  const der = Buffer.concat([ed25519Pkcs8, Buffer.alloc(32, number)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return new FileKeystore(signingKey(key, 'ed25519', 'memory'));
}

export const unit = 'unit-1';

/** A store in a real folder, without an authority unless one is given. */
export function onDisk(more: Partial<StoreOptions> = {}): StoreOptions {
  return { unit, boot: 'boot-1', clock: new ManualClock(), keystore: testKeystore(), ...more };
}

/** A store on a file system in memory, which no other process can see and where no time passes by itself. */
export function inMemory(files: Files, more: Partial<StoreOptions> = {}): StoreOptions {
  return onDisk({
    files,
    timer: new ManualClock(),
    segmentBytes: 6000,
    takeLock: async () => ({ release: async () => undefined }),
    ...more,
  });
}

/** Seals what happened so many frames after the first hundred. */
export function seal(store: EvidenceStore, at: number, plate?: string): Promise<SealedEvidence> {
  const frame = at + 100;
  const context = {
    ...contextAt(frame),
    ...(plate === undefined ? {} : { plate: plateRead(plate, frame - 1), plateModels }),
  };
  return store.seal(infractionAt(frame), framesAround(frame), context);
}

export const clerk: Authorship = {
  actor: { kind: 'person', name: 'C. Clerk', account: 'clerk' },
  reason: 'file 4711',
};

export async function linesOf(store: EvidenceStore): Promise<readonly IndexEntry[]> {
  const lines: IndexEntry[] = [];
  for await (const line of store.list()) lines.push(line);
  return lines;
}

export async function evidenceOf(store: EvidenceStore): Promise<readonly EvidenceLine[]> {
  return (await linesOf(store)).filter((line) => line.kind === 'evidence');
}

/** The content of a file. */
export async function content(path: string, files: Files = systemFiles): Promise<Buffer> {
  const file = await files.open(path, 'read');
  try {
    const all = Buffer.alloc(await file.size());
    return all.subarray(0, await file.read(all, 0));
  } finally {
    await file.close();
  }
}

/** Overwrites a few bytes of a file in place. */
export async function spoil(path: string, at: number, files: Files = systemFiles): Promise<void> {
  const file = await files.open(path, 'update');
  try {
    await file.write([Buffer.from('X~X')], at);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The content of every file below a folder, by its path. */
export async function everything(folder: string, files: Files = systemFiles): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const name of await files.list(folder)) {
    const path = `${folder}/${name}`;
    const inner = await everything(path, files).catch(() => undefined);
    if (inner === undefined) found.set(path, (await content(path, files)).toString('latin1'));
    else for (const [one, bytes] of inner) found.set(one, bytes);
  }
  return found;
}

/** The bytes of a stream. */
export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
