import { createPublicKey, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
// The package's container of extensions needs it, and does not bring it along.
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';
import type { UtcMilliseconds } from '../../device/kernel/units.ts';
import { der, pemBlock } from '../identity/der.ts';
import type { AuthorityKey } from './authority-key.ts';
import { type HolderKind, holderUri, isServer } from './names.ts';
import { type RevocationReason, reasonCodes } from './reasons.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface Validity {
  readonly from: UtcMilliseconds;
  readonly until: UtcMilliseconds;
}

/** Whoever signs: certificate (PEM) and key. */
export interface Issuer {
  readonly pem: string;
  readonly key: AuthorityKey;
}

export interface AuthorityCertificate {
  readonly name: string;
  readonly serial: string;
  readonly life: Validity;
}

/** PEM of a root certificate, signed by itself. */
export async function makeRootCertificate(key: AuthorityKey, certificate: AuthorityCertificate): Promise<string> {
  const spki = spkiOf(key);
  const extensions = await authorityExtensions(spki, 1);
  return certify({ ...certificate, issuer: commonName(certificate.name), by: key, spki, extensions });
}

/** PEM of an authority that the root signs and that signs nothing but holders. Its key signs the grants of its fleet too. */
export async function makeIntermediateCertificate(
  root: Issuer,
  key: AuthorityKey,
  certificate: AuthorityCertificate,
): Promise<string> {
  const spki = spkiOf(key);
  const extensions = [...(await authorityExtensions(spki, 0)), await authorityIdentifier(root)];
  return certify({ ...certificate, issuer: subjectOf(root.pem), by: root.key, spki, extensions });
}

export interface HolderCertificate {
  readonly kind: HolderKind;
  readonly name: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array<ArrayBuffer>;
  /** Names and addresses of a server. */
  readonly hosts: readonly string[];
  readonly serial: string;
  readonly life: Validity;
}

/** PEM. */
export async function makeHolderCertificate(issuer: Issuer, holder: HolderCertificate): Promise<string> {
  const { kind, name, spki, hosts, serial, life } = holder;
  const names = isServer(kind)
    ? hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }))
    : [{ type: 'url' as const, value: holderUri(kind, name) }];
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([isServer(kind) ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth]),
    new SubjectAlternativeNameExtension(names),
    await SubjectKeyIdentifierExtension.create(spki, false, webcrypto),
    await authorityIdentifier(issuer),
  ];
  return certify({ name, serial, life, issuer: subjectOf(issuer.pem), by: issuer.key, spki, extensions });
}

export interface RevokedEntry {
  readonly serial: string;
  readonly at: UtcMilliseconds;
  readonly reason: RevocationReason;
}

/** PEM with the label that OpenSSL reads (RFC 7468, 6); the package writes another one. */
export async function makeRevocationList(
  issuer: Issuer,
  { number, life, revoked }: { number: number; life: Validity; revoked: readonly RevokedEntry[] },
): Promise<string> {
  const crl = await X509CrlGenerator.create(
    {
      issuer: subjectOf(issuer.pem),
      thisUpdate: new Date(life.from),
      nextUpdate: new Date(life.until),
      entries: revoked.map(({ serial, at, reason }) => ({
        serialNumber: serial,
        revocationDate: new Date(at),
        ...(reason === 'unspecified' ? {} : { reason: reasonCodes[reason] }),
      })),
      extensions: [await authorityIdentifier(issuer), new Extension(crlNumber, false, der.integer(number))],
      signingAlgorithm: algorithm,
      signingKey: await signingKey(issuer.key),
    },
    webcrypto,
  );
  return pemBlock('X509 CRL', new Uint8Array(crl.rawData));
}

const crlNumber = '2.5.29.20';

interface Certified extends AuthorityCertificate {
  readonly issuer: Name | JsonName;
  readonly by: AuthorityKey;
  readonly spki: Uint8Array<ArrayBuffer>;
  readonly extensions: Extension[];
}

async function certify({ name, serial, life, issuer, by, spki, extensions }: Certified): Promise<string> {
  const certificate = await X509CertificateGenerator.create(
    {
      subject: commonName(name),
      issuer,
      serialNumber: serial,
      notBefore: new Date(life.from),
      notAfter: new Date(life.until),
      signingAlgorithm: algorithm,
      publicKey: spki,
      signingKey: await signingKey(by),
      extensions,
    },
    webcrypto,
  );
  return pemBlock('CERTIFICATE', new Uint8Array(certificate.rawData));
}

async function authorityExtensions(spki: Uint8Array<ArrayBuffer>, below: 0 | 1): Promise<Extension[]> {
  const usage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | (below === 0 ? KeyUsageFlags.digitalSignature : 0);
  return [
    new BasicConstraintsExtension(true, below, true),
    new KeyUsagesExtension(usage, true),
    await SubjectKeyIdentifierExtension.create(spki, false, webcrypto),
  ];
}

const authorityIdentifier = ({ key }: Issuer): Promise<Extension> =>
  AuthorityKeyIdentifierExtension.create(spkiOf(key), false, webcrypto);

const subjectOf = (pem: string): Name => new X509Certificate(pem).subjectName;

function spkiOf({ key }: AuthorityKey): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}

function signingKey({ key }: AuthorityKey): Promise<webcrypto.CryptoKey> {
  const pkcs8 = new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
  return webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
}

/** Any text as it is: the package would take a `#` for the beginning of hexadecimal digits, and quotes and backslashes for its own. */
function commonName(text: string): JsonName {
  return [{ CN: [text.replace(/[\\"#]/g, '\\$&')] }];
}
