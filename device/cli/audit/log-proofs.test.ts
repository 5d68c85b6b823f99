import test, { type ExecutionContext } from 'ava';
import { type AuditedStore, OpenedStore } from '../../evidence/desk/audited-store.ts';
import type { EvidenceStore } from '../../evidence/evidence-store.ts';
import { clerk } from '../../evidence/testing/stores.ts';
import { type MadeData, madeData, manyActs } from '../testing/made-data.ts';
import { grownFrom, logProofs, sizeOfKept } from './log-proofs.ts';

async function opened(t: ExecutionContext): Promise<{ readonly made: MadeData; readonly store: EvidenceStore }> {
  const made = await madeData();
  const store = await made.open();
  t.teardown(async () => {
    await store.close();
    await made.remove();
  });
  await manyActs(store, 9);
  return { made, store };
}

/** The store of a unit that states something, and signs, before so many of its answers. */
function interrupted(store: EvidenceStore, times: number): AuditedStore {
  const audited = new OpenedStore('unit-1', 'ed25519', store, async () => undefined);
  let left = times;
  const sign = async (): Promise<void> => {
    if (left === 0) return;
    left -= 1;
    await store.custody.note({ kind: 'list' }, clerk);
    await store.ledger.checkpoint();
  };
  return Object.create(audited, {
    inclusion: { value: async (sequence: number) => sign().then(() => audited.inclusion(sequence)) },
    consistency: { value: async (size: number) => sign().then(() => audited.consistency(size)) },
    checkpoint: { value: () => audited.checkpoint() },
    publicKey: { value: audited.publicKey },
    unit: { value: audited.unit },
  }) as AuditedStore;
}

test('all proofs are to one checkpoint, whatever the unit signs between two answers', async (t) => {
  const { store } = await opened(t);
  for (const times of [0, 1, 2, 3, 4, 7]) {
    const { checkpoint, inclusion, erasure } = await logProofs(interrupted(store, times), 3, { erasedBy: 8, since: 5 });
    t.is(inclusion.size, checkpoint.size);
    t.is(erasure?.size, checkpoint.size);
    t.is(inclusion.checkpoint?.note, checkpoint.note);
  }
});

test('a unit that signs without end is busy, not waited for without end', async (t) => {
  const { store } = await opened(t);
  await t.throwsAsync(logProofs(interrupted(store, 1_000_000), 3), { message: /faster than it can be read/ });
});

test('a log that grew from what was kept is said to, also while it grows', async (t) => {
  const { store } = await opened(t);
  const { note, size } = await store.ledger.checkpoint();
  for (const times of [0, 1, 3]) {
    const unit = interrupted(store, times);
    t.is(sizeOfKept(unit, note), size);
    t.true((await grownFrom(unit, note, size)).ok);
    await store.custody.note({ kind: 'list' }, clerk);
  }
});
