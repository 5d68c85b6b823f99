import type { AuditedStore } from '../../evidence/desk/audited-store.ts';
import type { Checkpoint } from '../../evidence/log/checkpoint.ts';
import { readCheckpoint } from '../../evidence/log/checkpoint.ts';
import { parseVkey } from '../../evidence/log/note.ts';
import type { InclusionProof } from '../../evidence/log/proof.ts';
import { diffCheckpoints } from '../../evidence/verify/diff-checkpoints.ts';
import type { Verdict } from '../../evidence/verify/finding.ts';
import { parseKey } from '../../evidence/verify/keys.ts';
import { AtalayaError } from '../../kernel/errors.ts';

/** Proofs to one and the same checkpoint. */
export interface LogProofs {
  readonly checkpoint: Checkpoint;
  readonly inclusion: InclusionProof;
  /** Of the entry that erased it, where one was asked for. */
  readonly erasure: InclusionProof | undefined;
  /** From the size that was asked for. */
  readonly consistency: readonly Buffer[] | undefined;
}

/** A unit signs a checkpoint every so many entries: that it does so between two answers, so many times in a row, is not chance. */
const attempts = 20;

/**
 * Proofs about an entry, all to one checkpoint. A running unit may sign another between two answers; it is then asked again. Throws
 * `desk-busy` where that goes on.
 */
export async function logProofs(
  store: AuditedStore,
  sequence: number,
  { erasedBy, since }: { readonly erasedBy?: number | undefined; readonly since?: number | undefined } = {},
): Promise<LogProofs> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const checkpoint = await store.checkpoint();
    const inclusion = await store.inclusion(sequence);
    const consistency = since === undefined ? undefined : await store.consistency(since);
    // The last answer: the log only grows, so one size before and after is one size all the time.
    const last = await store.inclusion(erasedBy ?? sequence);
    if (inclusion.size !== checkpoint.size || last.size !== checkpoint.size) continue;
    return { checkpoint, inclusion, erasure: erasedBy === undefined ? undefined : last, consistency };
  }
  throw new AtalayaError('desk-busy', 'the unit signs its log anew faster than it can be read', {
    hint: 'Try again in a moment.',
  });
}

/** The entries that a checkpoint covers which somebody kept. Throws `usage-invalid` where it is none of this unit. */
export function sizeOfKept(store: AuditedStore, kept: string): number {
  const found = readCheckpoint(Buffer.from(kept), parseVkey(store.publicKey.vkey));
  if (found.kind === 'good') return found.checkpoint.size;
  throw new AtalayaError('usage-invalid', `what --since names is no checkpoint of ${store.unit}: ${found.reason}`, {
    hint: 'Give the file that was saved by the command `checkpoint`, or log/checkpoint of an older pack of this unit.',
  });
}

/** Whether the log still begins with what a kept checkpoint was signed over. */
export async function grownFrom(store: AuditedStore, kept: string, size: number): Promise<Verdict> {
  const key = parseKey(store.publicKey.vkey);
  for (let attempt = 0; ; attempt += 1) {
    const { note, size: newest } = await store.checkpoint();
    if (size >= newest) return diffCheckpoints(kept, note, { key });
    const proof = (await store.consistency(size)).map((hash) => `${hash.toString('base64')}\n`).join('');
    const verdict = await diffCheckpoints(kept, note, { key, proof });
    if (verdict.ok || attempt === attempts) return verdict;
  }
}
