import { createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { makeFolders, readWholeFile, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Files } from '../kernel/files.ts';
import { Journal } from '../kernel/journal/journal.ts';
import { highestIndexed, type IndexEntry, IndexStore } from './index/index-store.ts';
import type { Keystore } from './keystore/keystore.ts';
import { readCheckpoint } from './log/checkpoint.ts';
import { formatVkey, type NoteKey, noteKey } from './log/note.ts';
import { TransparencyLog } from './log/transparency-log.ts';
import { leafOf, type SignedRecord } from './record/envelope.ts';
import { indexEntryOf, readEntry, readSigned } from './record/read-entry.ts';

export interface LedgerPartsOptions {
  readonly unit: string;
  readonly files: Files;
  readonly keystore: Keystore;
  readonly segmentBytes: number;
  /** Verifier keys of the witnesses whose cosignatures are kept. */
  readonly witnesses: readonly string[];
  /** Make the hashes of the log anew from the journal, whether or not the opening finds them damaged. */
  readonly rebuildLog: boolean;
}

/** The public key in PEM (SubjectPublicKeyInfo), and as the verifier key of signed notes. */
export interface PublicKeyTexts {
  readonly pem: string;
  readonly vkey: string;
}

export interface LedgerParts {
  readonly journal: Journal;
  readonly index: IndexStore;
  readonly log: TransparencyLog;
  readonly publicKey: PublicKeyTexts;
}

/**
 * Opens journal, index and log, brings the latter two level with the first, and puts the public key beside them. Throws as
 * `Ledger.open`.
 */
export async function openLedgerParts(folder: string, options: LedgerPartsOptions): Promise<LedgerParts> {
  const { files, segmentBytes, keystore, unit, witnesses, rebuildLog } = options;
  const place = (name: string) => join(folder, name);
  const name = originOf(unit);
  const key = noteKey(name, keystore.algorithm, keystore.spki);
  const atLeast = Math.max(
    await highestIndexed(files, place('index')),
    await highestSigned(files, place('log/checkpoint'), key),
  );
  const journal = await Journal.open(place('journal'), { files, segmentBytes, atLeast });
  try {
    const { last } = journal.opening;
    if (last > 0) await needSameSigner(journal, last, keystore.id);
    const index = await IndexStore.open(place('index'), { files, last, source: (from) => linesOf(journal, from) });
    const log = await TransparencyLog.open(place('log'), {
      files,
      signer: {
        name,
        algorithm: keystore.algorithm,
        spki: keystore.spki,
        sign: (message) => keystore.sign(message),
      },
      size: last,
      leaves: (from) => leavesOf(journal, from),
      witnesses,
      rebuild: rebuildLog,
    });
    const publicKey = { pem: pemOf(keystore.spki), vkey: formatVkey(key) };
    await publish(files, place('public'), publicKey);
    // A store is never without a checkpoint: one that has lost it can be told from a young one. A full disk may still be opened.
    if (log.latest === undefined) await log.checkpoint().catch(() => undefined);
    return { journal, index, log, publicKey };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** The log's name, first line of every checkpoint. */
export const originOf = (unit: string): string => `atalaya/${unit}`;

/**
 * Entries that a good checkpoint proves to have been durable; 0 without one. Throws `key-mismatch` for one of another log or key,
 * before anything was touched.
 */
async function highestSigned(files: Files, path: string, key: NoteKey): Promise<number> {
  const content = await readWholeFile(files, path);
  const found = content === undefined ? undefined : readCheckpoint(content, key);
  if (found?.kind === 'foreign') {
    throw new AtalayaError('key-mismatch', `the checkpoint in ${path} is not of this log: ${found.reason}`, {
      hint: 'Open the store with the key and the unit that it was made with; nothing was changed.',
    });
  }
  return found?.kind === 'good' ? found.checkpoint.size : 0;
}

/** Another key must not go on where one has signed: whoever verifies trusts one key. Throws `key-mismatch`. */
async function needSameSigner(journal: Journal, last: number, signer: string): Promise<void> {
  for await (const { payload, position } of journal.entries(last)) {
    const signed = signerOf(readSigned(payload, position.sequence));
    if (signed === signer) continue;
    throw new AtalayaError(
      'key-mismatch',
      `entry ${last} was signed by the key ${signed}, and the key here is ${signer}`,
      {
        hint: 'Give the unit back the key that signed here, or let it begin in another data folder.',
      },
    );
  }
}

/** Every record names its signer, also those that newer software wrote. */
function signerOf({ bytes }: SignedRecord): string {
  const { signer } = JSON.parse(bytes.toString()) as { readonly signer?: unknown };
  return typeof signer === 'string' ? signer : 'unknown';
}

async function* linesOf(journal: Journal, from: number): AsyncGenerator<IndexEntry> {
  for await (const { position, payload } of journal.entries(from)) {
    yield indexEntryOf(readEntry(payload, position.sequence), position);
  }
}

async function* leavesOf(journal: Journal, from: number): AsyncGenerator<Buffer> {
  for await (const { position, payload } of journal.entries(from + 1)) {
    yield leafOf(readSigned(payload, position.sequence));
  }
}

/** Puts the public key beside the evidence, for whoever wants to compare it with the one that they trust. */
async function publish(files: Files, folder: string, { pem, vkey }: PublicKeyTexts): Promise<void> {
  await makeFolders(files, folder);
  for (const [name, text] of [
    ['unit.pem', pem],
    ['unit.vkey', `${vkey}\n`],
  ] as const) {
    const path = join(folder, name);
    const content = Buffer.from(text);
    if ((await readWholeFile(files, path))?.equals(content) !== true) await writeWholeFile(files, path, content);
  }
}

const pemOf = (spki: Buffer): string =>
  createPublicKey({ key: spki, format: 'der', type: 'spki' }).export({ format: 'pem', type: 'spki' }).toString();
