import { X509Certificate } from 'node:crypto';
import { faultsOf, readJson } from '../../cloud-bridge/contract/read-json.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { UnsignedDocument } from '../../device/kernel/signed/signed-document.ts';
import { toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import type { Register } from '../ca/register.ts';
import { type RenewalRequest, renewalRequest } from '../contract/enrolment-documents.ts';
import { isSignedBy } from './key-signature.ts';

/**
 * Reads a request for renewal. It is believed by the certificate in force, which this authority issued, has not revoked, and which has not
 * expired: its key signed the request. Throws `document-refused`.
 */
export function checkRenewal(text: string, register: Register, now: UtcMilliseconds): RenewalRequest {
  const json = readJson(text);
  if (json.kind === 'refused') throw refused(`cannot be read: ${json.detail}`);
  const read = renewalRequest.safeParse(json.value);
  if (!read.success) throw refused(`is malformed: ${faultsOf(read.error)}`);
  const { unit, enrolled, signature } = read.data;
  const issued = register.issued.find(({ serial, of }) => of === 'unit' && serial === enrolled.certificate);
  if (issued === undefined) throw refused('names a certificate that this authority did not issue');
  if (issued.name !== unit || enrolled.unit !== unit)
    throw refused(`is of ${unit}, and its certificate is ${issued.name}'s`);
  if (issued.revoked !== undefined)
    throw refused(`is of ${unit}, whose certificate is revoked since ${toIso(issued.revoked.at)}`);
  if (issued.until <= now) throw refused(`is of ${unit}, whose certificate expired at ${toIso(issued.until)}`);
  if (
    signature.key !== issued.key ||
    !isSignedBy(json.value as UnsignedDocument, signature, new X509Certificate(issued.pem).publicKey)
  ) {
    throw refused(`is not signed by the key that ${unit} has now`);
  }
  return read.data;
}

function refused(why: string): AtalayaError {
  return new AtalayaError('document-refused', `the request for renewal ${why}`, {
    hint: 'Go to the unit and enrol it again: atalaya-provision enrol',
  });
}
