import { createPublicKey } from 'node:crypto';
import { EvidenceStore } from '../../../evidence/evidence-store.ts';
import { checkStore } from '../../../evidence/testing/check-store.ts';
import { testKeystore, unit } from '../../../evidence/testing/stores.ts';
import { parseKey } from '../../../evidence/verify/keys.ts';
import { verifyStore } from '../../../evidence/verify/verify-store.ts';
import { systemClock } from '../../../kernel/clock.ts';

/**
 * Opens the evidence in a folder as a unit does after a cut, closes it, and has it verified twice: by the auditor's verifier, and by a
 * check that was written from the format's description. Says `found sealed ID` for each sealed record and `whole …` at the end; throws
 * where it is not whole.
 */
export async function checkEvidence(folder: string, say: (line: string) => void): Promise<void> {
  const keystore = testKeystore();
  const store = await EvidenceStore.open(folder, { unit, boot: 'after-the-cut', clock: systemClock, keystore });
  const { torn, finishedErasures } = store.opening;
  await store.close();
  const spki = createPublicKey({ key: keystore.spki, format: 'der', type: 'spki' });
  const key = parseKey(spki.export({ format: 'pem', type: 'spki' }).toString());
  const { ok, findings, counts } = await verifyStore(folder, { key });
  const failures = findings.filter(({ severity }) => severity === 'failure');
  if (!ok) throw new Error(`the verifier finds: ${failures.map(({ says }) => says).join('; ')}`);
  const { records, evidence } = await checkStore(folder);
  if (records.length !== counts.records) throw new Error(`${records.length} records, but ${counts.records} verified`);
  for (const id of evidence) say(`found sealed ${id}`);
  const tail = torn === undefined ? 'no torn tail' : 'a torn tail was cut';
  say(`whole ${records.length} records, ${counts.files} files, ${tail}, ${finishedErasures} erasures finished`);
}
