import { X509Certificate } from 'node:crypto';
import { sha256 } from '../../device/kernel/hash.ts';
import { type UtcMilliseconds, utcMilliseconds } from '../../device/kernel/units.ts';

/** A holder's certificate and the way from it to a root. */
export interface Chain {
  readonly holder: X509Certificate;
  readonly issuer: X509Certificate;
  readonly root: X509Certificate;
}

export type ReadChain =
  | { readonly kind: 'chain'; readonly chain: Chain }
  | { readonly kind: 'broken'; readonly why: string };

/** Extended key usage `clientAuth` (RFC 5280, 4.2.1.12). */
const clientUsage = '1.3.6.1.5.5.7.3.2';

/**
 * Follows a certificate over its issuer to a root among `authorities`, each signature checked. Dates are not looked at: whoever asks knows
 * how far to trust the clock. Never throws.
 */
export function readChain(certificate: string, authorities: string): ReadChain {
  const [holder, ...between] = certificatesIn(certificate);
  const believed = certificatesIn(authorities);
  if (holder === undefined) return broken('its certificate cannot be read');
  if (holder.ca) return broken('its certificate is the one of an authority');
  if (holder.keyUsage?.includes(clientUsage) !== true) return broken('its certificate is not for a client');
  const issuer = [...between, ...believed].find((one) => signs(one, holder));
  if (issuer === undefined) return broken('the authority that signed the certificate is not in it');
  const root = believed.find((one) => one.ca && signs(one, one) && signs(one, issuer));
  if (root === undefined) return broken('the root over the authority that signed the certificate is not in it');
  return { kind: 'chain', chain: { holder, issuer, root } };
}

export function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

/** Hexadecimal SHA-256 of the SubjectPublicKeyInfo. */
export function fingerprintOfCertificate({ publicKey }: X509Certificate): string {
  return sha256(publicKey.export({ format: 'der', type: 'spki' }));
}

export interface Life {
  readonly from: UtcMilliseconds;
  readonly until: UtcMilliseconds;
}

export function lifeOfCertificate({ validFrom, validTo }: X509Certificate): Life {
  return { from: utcMilliseconds(Date.parse(validFrom)), until: utcMilliseconds(Date.parse(validTo)) };
}

/** The CN, where there is exactly one. */
export function nameOfCertificate(certificate: X509Certificate): string | undefined {
  const names = certificate.subject.split('\n').filter((line) => line.startsWith('CN='));
  return names.length === 1 ? names[0]?.slice(3) : undefined;
}

function signs(authority: X509Certificate, one: X509Certificate): boolean {
  try {
    return authority.ca && one.checkIssued(authority) && one.verify(authority.publicKey);
  } catch {
    return false;
  }
}

const broken = (why: string): ReadChain => ({ kind: 'broken', why });
