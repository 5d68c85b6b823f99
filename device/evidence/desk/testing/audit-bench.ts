import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../kernel/clock.ts';
import { EvidenceStore, type SealedEvidence } from '../../evidence-store.ts';
import { FileKeystore } from '../../keystore/file-keystore.ts';
import { makeWitness, type Witness } from '../../log/testing/log-fixtures.ts';
import { makeParties, type Parties } from '../../sealing/testing/sealing.ts';
import { contextAt, framesAround, infractionAt } from '../../testing/fixtures.ts';
import { type AuditedStore, OpenedStore } from '../audited-store.ts';

/** A store in a folder of its own, and what is outside of it. */
export interface AuditBench {
  readonly folder: string;
  readonly opened: AuditedStore;
  readonly parties: Parties;
  readonly witness: Witness;
  seal(): Promise<SealedEvidence>;
  /** Turns a bit of the last byte of a body on the disk. */
  damage(body: string): Promise<void>;
  /** Closes the store and removes the folder. */
  dismantle(): Promise<void>;
}

export async function openAuditBench(): Promise<AuditBench> {
  const root = await mkdtemp(join(tmpdir(), 'atalaya-desk-'));
  const folder = join(root, 'evidence');
  const keystore = await FileKeystore.create(join(root, 'unit.pem'));
  const parties = await makeParties();
  const witness = makeWitness('witness.example/one');
  const store = await EvidenceStore.open(folder, {
    unit: 'unit-1',
    boot: 'boot-1',
    clock: systemClock,
    keystore,
    recipients: parties.recipients,
    witnesses: [witness.vkey],
  });
  const opened = new OpenedStore('unit-1', keystore.algorithm, store, () => keystore.close());
  let frame = 0;
  return {
    folder,
    opened,
    parties,
    witness,
    seal: () => {
      frame += 10;
      return store.seal(infractionAt(frame), framesAround(frame), contextAt(frame));
    },
    damage: async (body) => {
      const file = await open(join(folder, 'blobs', body.slice(0, 2), body), 'r+');
      try {
        const { size } = await file.stat();
        const last = Buffer.alloc(1);
        await file.read(last, 0, 1, size - 1);
        await file.write(Buffer.of((last[0] ?? 0) ^ 1), 0, 1, size - 1);
      } finally {
        await file.close();
      }
    },
    dismantle: async () => {
      await opened.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
