import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { keyId } from '../../device/kernel/signed/key-id.ts';
import { type VersionReport, versionReport } from '../contract/version-report.ts';
import { reportBytes } from './report-bytes.ts';

export type VerifiedReport =
  | { readonly kind: 'verified'; readonly report: VersionReport }
  | {
      readonly kind: 'refused';
      readonly reason: 'malformed' | 'key-unusable' | 'key-unknown' | 'altered' | 'other-unit' | 'stale';
      readonly detail: string;
    };

const refused = (reason: Extract<VerifiedReport, { kind: 'refused' }>['reason'], detail: string): VerifiedReport => ({
  kind: 'refused',
  reason,
  detail,
});

/**
 * Holds a report against the public key of the unit's evidence (PEM, SubjectPublicKeyInfo): Ed25519 by RFC 8032, P-256 as ASN.1 DER of ECDSA
 * with SHA-256. Where they are given, it has to be of this unit and to carry this nonce. Nothing of it is to be believed before that. Never
 * throws.
 */
export function verifyVersionReport(
  given: unknown,
  spkiPem: string,
  expected: { readonly unit?: string; readonly nonce?: string } = {},
): VerifiedReport {
  const read = versionReport.safeParse(given);
  if (!read.success) {
    const [issue] = read.error.issues;
    return refused('malformed', `${issue?.path.slice(0, 2).join('.')} ${issue?.message}`.trim());
  }
  const report = read.data;
  const key = publicKeyIn(spkiPem);
  if (key === undefined) return refused('key-unusable', 'the key is no public key in PEM of Ed25519 or P-256');
  const { signature } = report;
  if (signature.key !== keyId(key.object) || signature.algorithm !== key.algorithm)
    return refused('key-unknown', `it is signed with the key ${signature.key.slice(0, 16)}, which is not the unit's`);
  if (!holds(report, key)) return refused('altered', `it is not what the key ${signature.key.slice(0, 16)} signed`);
  if (expected.unit !== undefined && report.unit !== expected.unit)
    return refused('other-unit', `it is of ${report.unit}`);
  if (expected.nonce !== undefined && report.nonce !== expected.nonce)
    return refused('stale', 'it does not carry the nonce that was asked for');
  return { kind: 'verified', report };
}

interface PublicKey {
  readonly object: KeyObject;
  readonly algorithm: VersionReport['signature']['algorithm'];
}

function publicKeyIn(pem: string): PublicKey | undefined {
  if (!pem.trimStart().startsWith('-----BEGIN PUBLIC KEY-----')) return undefined;
  try {
    const object = createPublicKey(pem);
    if (object.asymmetricKeyType === 'ed25519') return { object, algorithm: 'ed25519' };
    return object.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? { object, algorithm: 'p256' } : undefined;
  } catch {
    return undefined;
  }
}

function holds(report: VersionReport, { object, algorithm }: PublicKey): boolean {
  try {
    const value = Buffer.from(report.signature.value, 'base64');
    // One spelling of the bytes, and not the next that reads alike.
    if (value.toString('base64') !== report.signature.value) return false;
    return verify(algorithm === 'p256' ? 'sha256' : null, reportBytes(report), object, value);
  } catch {
    return false;
  }
}
