import { join } from 'node:path';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { leafOf, readEntry } from './entry.ts';
import { Ledger, type Verdict } from './finding.ts';
import { SegmentReader } from './frames.ts';
import { type PublicKey, parseWitness } from './keys.ts';
import { Frontier, leafHash } from './merkle.ts';
import { isProofFault, readHashLines } from './proof-text.ts';
import { namesIn } from './read-file.ts';
import { reasonOf } from './text-forms.ts';
import { provenGrowth } from './verify-pack.ts';
import { mustBeFolder } from './verify-store.ts';

export interface DiffOptions {
  readonly key: PublicKey;
  readonly witnesses?: readonly string[];
  /** The text of a consistency proof, a base64 hash a line. */
  readonly proof?: string;
  /** A store from whose journal both roots are computed. */
  readonly storeFolder?: string;
  readonly signal?: AbortSignal;
}

/**
 * Proves that the log of the newer checkpoint begins with that of the older, so that nothing before it was rewritten: by a proof, or
 * from the journal of a store. Neither is needed where both cover the same number of entries. Both are texts of signed notes. Throws
 * `usage-invalid` where the store is not there.
 */
export async function diffCheckpoints(older: string, newer: string, options: DiffOptions): Promise<Verdict> {
  const begun = performance.now();
  const ledger = new Ledger();
  const keys = { key: options.key, witnesses: (options.witnesses ?? []).map(parseWitness) };
  const [first, last] = [
    readCheckpoint(Buffer.from(older), keys, { part: 'checkpoint', path: 'older checkpoint', offset: 0 }, ledger),
    readCheckpoint(Buffer.from(newer), keys, { part: 'checkpoint', path: 'newer checkpoint', offset: 0 }, ledger),
  ];
  if (first !== undefined && last !== undefined) {
    ledger.unit = last.unit;
    ledger.checkpoint = { size: last.size, root: last.root.toString('base64') };
    ledger.witnessed = last.witnessed;
    await compare(first, last, options, ledger);
  }
  return ledger.verdict((performance.now() - begun) / 1000);
}

const growth = { part: 'consistency-proof', path: 'proof', older: 'older checkpoint' } as const;

async function compare(older: Checkpoint, newer: Checkpoint, options: DiffOptions, ledger: Ledger): Promise<void> {
  const { proof: text, storeFolder } = options;
  if (older.unit !== newer.unit || older.size >= newer.size) {
    provenGrowth(older, newer, [], growth, ledger);
    return;
  }
  if (text !== undefined) {
    const proof = readHashLines(Buffer.from(text));
    if (!isProofFault(proof)) provenGrowth(older, newer, proof, growth, ledger);
    else {
      const where = { part: growth.part, path: growth.path, byte: proof.byte, check: 'RFC 6962 §2.1.2' };
      ledger.fail({ ...where, says: `The proof: ${proof.says}.` });
    }
  }
  if (storeFolder !== undefined) await compareWithJournal(older, newer, storeFolder, options.signal, ledger);
  if (text === undefined && storeFolder === undefined) {
    const says = 'There is neither a proof nor a store: nothing shows what lies between the two.';
    ledger.fail({ part: growth.part, path: growth.path, check: 'RFC 6962 §2.1.2', says });
  }
}

/** Both roots from the entries themselves; tiles are not looked at. */
async function compareWithJournal(
  older: Checkpoint,
  newer: Checkpoint,
  folder: string,
  signal: AbortSignal | undefined,
  ledger: Ledger,
): Promise<void> {
  await mustBeFolder(folder);
  const tree = new Frontier();
  for (const one of [older, newer]) {
    const path = one === older ? 'older checkpoint' : 'newer checkpoint';
    const stopped = tree.size < one.size ? await grow(tree, one.size, folder, signal, ledger) : undefined;
    const where = { part: 'journal' as const, path: stopped?.path ?? 'journal', check: 'RFC 6962 §2.1' };
    if (tree.size < one.size) {
      const says = `The ${path} covers ${one.size} entries, of which the journal holds ${tree.size} whole: ${stopped?.says ?? 'it ends there'}.`;
      ledger.fail({ ...where, ...(stopped?.byte === undefined ? {} : { byte: stopped.byte }), says });
      return;
    }
    if (tree.root().equals(one.root)) continue;
    const says = `Rewritten: the first ${one.size} entries of the journal do not give the root of the ${path}.`;
    ledger.fail({ ...where, path: 'journal', says });
  }
}

interface Stop {
  readonly path: string;
  readonly byte?: number;
  readonly says: string;
}

/** Appends entries to the tree until it has `size`; says where the journal stops before. */
async function grow(
  tree: Frontier,
  size: number,
  folder: string,
  signal: AbortSignal | undefined,
  ledger: Ledger,
): Promise<Stop | undefined> {
  const skipped = tree.size;
  let sequence = 0;
  for (const name of (await namesIn(folder, 'journal', ledger)).filter((one) => /^[0-9]{12}\.journal$/.test(one))) {
    const path = `journal/${name}`;
    try {
      await using closing = new AsyncDisposableStack();
      const reader = await SegmentReader.open(join(folder, path));
      closing.defer(() => reader.close());
      for (let steps = await reader.next(); steps.length > 0; steps = await reader.next()) {
        signal?.throwIfAborted();
        for (const step of steps) {
          if ('says' in step) return { path, byte: step.byte, says: step.says };
          if (step.mark === 'S1') continue;
          sequence += 1;
          if (step.sequence !== sequence) return { path, byte: step.offset, says: `entry ${sequence} is missing` };
          if (sequence <= skipped) continue;
          const entry = readEntry(step.payload);
          if ('says' in entry) return { path, byte: step.offset, says: entry.says };
          ledger.counts.records += 1;
          tree.append(leafHash(leafOf(entry.bytes, entry.signature)));
          if (tree.size === size) return undefined;
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      return { path, says: reasonOf(error) };
    }
  }
  return undefined;
}
