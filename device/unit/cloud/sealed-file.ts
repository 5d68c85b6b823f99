import { open } from 'node:fs/promises';
import type { EvidenceFile } from '../../../cloud-bridge/unit-end/evidence/evidence-server.ts';
import type { EvidenceStore } from '../../evidence/evidence-store.ts';
import { sequenceOf } from '../../evidence/record/make-record.ts';
import { systemCode } from '../../kernel/errors.ts';

/**
 * A piece of a sealed package, for whoever fetches it in blocks: `keys`, or the body of a file of the record. Its hash is in the record, and
 * whoever fetches holds it against that. Undefined where there is no such record or piece, or it was erased.
 */
export async function openSealedFile(
  store: EvidenceStore,
  unit: string,
  evidence: string,
  file: string,
): Promise<EvidenceFile | undefined> {
  const sequence = sequenceOf(unit, evidence);
  if (sequence === undefined) return undefined;
  const [entry, line] = await Promise.all([store.read(sequence), store.ledger.line(sequence)]);
  if (entry?.kind !== 'evidence' || line?.kind !== 'evidence' || line.erased !== null) return undefined;
  const path = store.pieceOf(entry.record, file);
  if (path === undefined) return undefined;
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  const { size } = await handle.stat().catch(async (error: unknown) => {
    await handle.close();
    throw error;
  });
  return {
    bytes: size,
    read: async (from, length) => {
      const content = Buffer.allocUnsafe(length);
      const { bytesRead } = await handle.read(content, 0, length, from);
      return content.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  };
}
