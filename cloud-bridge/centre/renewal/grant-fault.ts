import { X509Certificate } from 'node:crypto';
import { sha256 } from '../../../device/kernel/hash.ts';
import { toIso, type UtcMilliseconds, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { CertificateReport, RenewalGrant } from '../../contract/certificate.ts';

const blocks = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Why a unit would refuse this grant, as far as that can be told from what the unit has said of itself; undefined where nothing speaks
 * against it. Whether it is signed, and for the key that asked, the unit judges.
 */
export function grantFault(
  unit: string,
  grant: RenewalGrant,
  report: CertificateReport | undefined,
  now: UtcMilliseconds,
): string | undefined {
  if (grant.unit !== unit) return `the grant is for unit ${grant.unit}`;
  if (report === undefined) {
    return `unit ${unit} has said nothing of its certificate here, so it renews none by itself: install the grant at the unit`;
  }
  const { enrolled } = report;
  if (grant.version <= enrolled.version) {
    return `the grant is version ${grant.version}, and unit ${unit} has version ${enrolled.version}: sign its newest request`;
  }
  const [holder] = certificatesIn(grant.certificate);
  if (holder === undefined) return 'the certificate in the grant cannot be read';
  if (!holder.subject.split('\n').includes(`CN=${unit}`)) return `the certificate in the grant is not for ${unit}`;
  const until = utcMilliseconds(Date.parse(holder.validTo));
  if (until <= now) return `the certificate in the grant expired at ${toIso(until)}`;
  const roots = certificatesIn(grant.authorities).map(({ publicKey }) =>
    sha256(publicKey.export({ format: 'der', type: 'spki' })),
  );
  if (!roots.includes(enrolled.authority)) {
    return `the grant is of another authority than the one that unit ${unit} is enrolled under, ${enrolled.authority.slice(0, 16)}`;
  }
  return undefined;
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  return (pem.match(blocks) ?? []).flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}
