import { verifyVersionReport } from '../../../ota/report/verify-report.ts';
import type { VerifyVersionReport } from '../../centre/updates/update-ports.ts';

/** Holds a version report against the key of the unit's evidence. */
export const verifyReport: VerifyVersionReport = (report, spki) => {
  const verified = verifyVersionReport(report, spki);
  return verified.kind === 'verified' ? undefined : `${verified.reason}: ${verified.detail}`;
};
