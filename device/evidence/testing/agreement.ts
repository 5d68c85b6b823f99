import type { Assertions } from 'ava';
import { sha256 } from '../../kernel/hash.ts';
import type { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { EvidenceStore } from '../evidence-store.ts';
import { rootFromInclusion } from '../log/testing/naive-tree.ts';
import { leafOf } from '../record/envelope.ts';
import type { StoreOptions } from '../store-options.ts';
import { checkStore } from './check-store.ts';
import { evidenceOf } from './stores.ts';

/** What was acknowledged before a fault. */
export interface Acknowledged {
  /** Of entries by their number: SHA-256 of the record, where it is known. */
  readonly entries: Map<number, string | undefined>;
  /** Ids. */
  readonly erased: Set<string>;
  /** `id name`. */
  readonly held: Set<string>;
}

/**
 * Opens a store after a fault, and looks whether everything acknowledged is there, whole, in journal, log and index alike. Goes through
 * the software first and then, when the store is closed, through a check that shares nothing with it.
 */
export async function agrees(
  t: Assertions,
  folder: string,
  files: MemoryFiles,
  options: StoreOptions,
  done: Acknowledged,
  when: string,
): Promise<void> {
  const store = await EvidenceStore.open(folder, options);
  try {
    const { size, root } = await store.ledger.checkpoint().catch((error: unknown) => {
      throw new Error(`${when}: no checkpoint`, { cause: error });
    });
    t.is(size, store.ledger.last, when);
    const every = Math.max(1, Math.floor(size / 16));
    for (let sequence = 1; sequence <= size; sequence += every) {
      const entry = await store.read(sequence);
      if (entry === undefined) return t.fail(`${when}: entry ${sequence} is missing`);
      const { leafHash, hashes } = await store.ledger.inclusion(sequence);
      t.is(leafHash.toString('hex'), sha256(Buffer.concat([Buffer.of(0), leafOf(entry)])), when);
      t.true(rootFromInclusion(sequence - 1, size, leafHash, hashes)?.equals(root), when);
    }
    const lines = await evidenceOf(store);
    await store.close();
    const checked = await checkStore(folder, files);
    t.is(checked.records.length, size, when);
    for (const [sequence, digest] of done.entries) {
      const found = checked.records[sequence - 1];
      t.true(found !== undefined && (digest === undefined || digest === found), `${when}: entry ${sequence} is lost`);
    }
    t.is(checked.checkpoint, size, when);
    t.deepEqual(
      checked.evidence,
      lines.map((line) => line.id),
      when,
    );
    t.deepEqual(
      new Set(checked.erased),
      new Set(lines.filter(({ erased }) => erased !== null).map((line) => line.id)),
      when,
    );
    t.deepEqual(checked.held, lines.flatMap((line) => line.holds.map((name) => `${line.id} ${name}`)).sort(), when);
    for (const id of done.erased) t.true(checked.erased.includes(id), `${when}: ${id} is not erased`);
    for (const one of done.held) t.true(checked.held.includes(one), `${when}: ${one} is not held`);
    t.deepEqual(await files.list(`${folder}/erasing`).catch(() => []), [], when);
  } finally {
    await store.close();
  }
}
