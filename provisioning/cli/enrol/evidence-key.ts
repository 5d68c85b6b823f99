import { access } from 'node:fs/promises';
import { TpmKeystore } from '../../../device/evidence/keystore/tpm-keystore.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import type { EvidenceKey } from '../../enrol/unit-enrolment.ts';

export interface TpmPlace {
  /** As tpm2-tools name it (TCTI). */
  readonly tcti: string;
  /** Persistent handle. */
  readonly handle: number;
}

const device = '/dev/tpmrm0';
export const usualTpm: TpmPlace = { tcti: `device:${device}`, handle: 0x81010001 };

/** Whether the kernel has found a TPM 2.0 and serves it to several programs. */
export const tpmIsThere = (): Promise<boolean> =>
  access(device).then(
    () => true,
    () => false,
  );

/** The evidence key in a TPM, made there where there is none. Throws what the TPM's adapter throws. */
export async function evidenceKeyInTpm({ tcti, handle }: TpmPlace): Promise<EvidenceKey> {
  const keystore = await TpmKeystore.open({ tcti, handle }).catch((error: unknown) => {
    if (isAtalayaError(error, 'key-missing')) return TpmKeystore.create({ tcti, handle });
    throw error;
  });
  await keystore.close();
  return {
    facts: { keptIn: 'tpm', algorithm: 'p256', fingerprint: keystore.id },
    settings: { tpmHandle: `0x${handle.toString(16)}`, tpm: tcti },
  };
}
