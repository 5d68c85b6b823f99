import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { EvidenceStore } from '../evidence/evidence-store.ts';
import { FileKeystore } from '../evidence/keystore/file-keystore.ts';
import { signingKey } from '../evidence/keystore/key-pem.ts';
import { makeActionRecord } from '../evidence/record/make-record.ts';
import { indexEntryOf } from '../evidence/record/read-entry.ts';
import type { StoreOptions } from '../evidence/store-options.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Figure } from './figure.ts';

export const evidenceFigure = (name: string, value: number, unit: string, ratio?: string): Figure => ({
  section: 'evidence',
  name,
  value,
  unit,
  ...(ratio === undefined ? {} : { ratio }),
});

/** A key that lives as long as the benchmark. */
export const benchKeystore = (): FileKeystore =>
  new FileKeystore(signingKey(generateKeyPairSync('ed25519').privateKey, 'ed25519', 'the benchmark'));

export const openBenchStore = (
  folder: string,
  keystore: FileKeystore,
  more: Partial<StoreOptions> = {},
): Promise<EvidenceStore> =>
  EvidenceStore.open(folder, { unit: 'bench', boot: randomUUID(), clock: systemClock, keystore, ...more });

/** A reason that makes the record of an act 600 bytes long. */
const reason = 'x'.repeat(178);

/** Seals one small record: numbered, signed, durable, logged and listed. */
export const sealSmall = ({ ledger }: EvidenceStore) =>
  ledger.commit(
    (head) => makeActionRecord(head, { actor, action: { kind: 'list' }, reason }, systemClock),
    (record, position, signed) => indexEntryOf({ ...signed, kind: 'action', record }, position),
  );

const actor = { kind: 'person', name: 'bench', account: 'bench' } as const;

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** Milliseconds of each call, one after the other. */
export async function timed(count: number, work: (i: number) => Promise<unknown> | undefined): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const begin = performance.now();
    await work(i);
    times.push(performance.now() - begin);
  }
  return times;
}
