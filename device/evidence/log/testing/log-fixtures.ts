import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Files } from '../../../kernel/files.ts';
import { sha256 } from '../../../kernel/hash.ts';
import { cosignedMessage, formatNote, formatVkey, noteKey } from '../note.ts';
import type { CheckpointSigner, LogOptions } from '../transparency-log.ts';

/** Leaf data of the form that a record has. */
export function leafOf(index: number): Buffer {
  return Buffer.from(`${sha256(`record ${index}`)}  record.json\n${sha256(`signature ${index}`)}  record.sig\n`);
}

export function leavesUpTo(size: number): Buffer[] {
  return Array.from({ length: size }, (_, index) => leafOf(index));
}

export function unitSigner(algorithm: 'ed25519' | 'p256', name = 'atalaya/unit-7'): CheckpointSigner {
  const pair =
    algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    name,
    algorithm,
    spki: pair.publicKey.export({ format: 'der', type: 'spki' }),
    sign: async (message) => sign(algorithm === 'p256' ? 'sha256' : null, message, pair.privateKey),
  };
}

/** A log over a journal that is an array; it may grow while the log is open. */
export function logOver(
  files: Files,
  signer: CheckpointSigner,
  journal: readonly Buffer[],
  more: Partial<LogOptions> = {},
): LogOptions {
  return {
    files,
    signer,
    size: journal.length,
    leaves: async function* (from) {
      yield* journal.slice(from);
    },
    ...more,
  };
}

export interface Witness {
  readonly vkey: string;
  /** The text as a note with only this witness's line. */
  cosign(text: string, time: bigint): string;
}

export function makeWitness(name: string): Witness {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = noteKey(name, 'cosignature', publicKey.export({ format: 'der', type: 'spki' }));
  return {
    vkey: formatVkey(key),
    cosign: (text, time) => {
      const signature = cosignature(privateKey, text, time);
      return formatNote({ text, signatures: [{ name, keyId: key.id, signature }] });
    },
  };
}

function cosignature(key: KeyObject, text: string, time: bigint): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(time);
  return Buffer.concat([head, sign(null, cosignedMessage(text, time), key)]);
}

export async function contentOf(files: Files, path: string): Promise<Buffer> {
  const file = await files.open(path, 'read');
  const content = Buffer.alloc(await file.size());
  await file.read(content, 0);
  return content;
}

export async function flip(files: Files, path: string, at: number): Promise<void> {
  const content = await contentOf(files, path);
  content[at]! ^= 1;
  await (await files.open(path, 'update')).write([content], 0);
}

export async function allFiles(files: Files, folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await files.list(folder)) {
    const path = `${folder}/${name}`;
    try {
      found.push(...(await allFiles(files, path)));
    } catch {
      found.push(path);
    }
  }
  return found;
}
