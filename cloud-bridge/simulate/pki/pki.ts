import { createPrivateKey, KeyObject, webcrypto } from 'node:crypto';
// The package's container of extensions needs it, and does not bring it along.
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509';
import type { Clock } from '../../../device/kernel/clock.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 86_400_000;

/** PEM; the key as PKCS #8, unencrypted. */
export interface Issued {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface IssueOptions {
  /** From when on it is valid, in days from now; negative: in the past. 0 where absent, less five minutes for clocks that differ. */
  readonly fromDays?: number;
  /** Until when, in days from now. 365 where absent. */
  readonly days?: number;
  /** Names and addresses of a server. A client's certificate where absent. */
  readonly server?: readonly string[];
}

/**
 * A certificate authority for demonstrations and tests: ECDSA P-256, keys in memory, no second pair of eyes. Not for units at a roadside,
 * whose authority has its key offline.
 */
export class DemoAuthority {
  readonly certPem: string;
  readonly #certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #clock: Clock;
  readonly #revoked = new Map<string, Date>();

  private constructor(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair, clock: Clock) {
    this.#certificate = certificate;
    this.#keys = keys;
    this.#clock = clock;
    this.certPem = `${certificate.toString('pem')}\n`;
  }

  static async create(clock: Clock, name = 'Atalaya demonstration authority'): Promise<DemoAuthority> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned(
      {
        name: commonName(name),
        keys,
        serialNumber: serial(),
        notBefore: new Date(clock.utc() - 400 * day),
        notAfter: new Date(clock.utc() + 3650 * day),
        signingAlgorithm: algorithm,
        extensions: [
          new BasicConstraintsExtension(true, 0, true),
          new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
          await SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      },
      webcrypto,
    );
    return new DemoAuthority(certificate, keys, clock);
  }

  async issue(cn: string, options: IssueOptions = {}): Promise<Issued> {
    const { fromDays = 0, days = 365, server } = options;
    const keys = await newKeys();
    const usage = server === undefined ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
    const certificate = await X509CertificateGenerator.create(
      {
        subject: commonName(cn),
        issuer: this.#certificate.subjectName,
        serialNumber: serial(),
        notBefore: new Date(this.#clock.utc() + fromDays * day - 300_000),
        notAfter: new Date(this.#clock.utc() + days * day),
        signingAlgorithm: algorithm,
        publicKey: keys.publicKey,
        signingKey: this.#keys.privateKey,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([usage]),
          ...(server === undefined ? [] : [new SubjectAlternativeNameExtension(server.map(generalName))]),
        ],
      },
      webcrypto,
    );
    const key = createPrivateKey({
      key: KeyObject.from(keys.privateKey).export({ format: 'der', type: 'pkcs8' }),
      format: 'der',
      type: 'pkcs8',
    });
    return {
      certPem: `${certificate.toString('pem')}\n`,
      keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    };
  }

  /** Takes effect with the next `crlPem`. */
  revoke(certPem: string): void {
    this.#revoked.set(new X509Certificate(certPem).serialNumber, new Date(this.#clock.utc()));
  }

  /** The list of what is revoked, good for `days`; a negative number makes one that is out of date. */
  async crlPem(days: number): Promise<string> {
    const crl = await X509CrlGenerator.create(
      {
        issuer: this.#certificate.subjectName,
        thisUpdate: new Date(this.#clock.utc() + Math.min(0, days * 2) * day - 300_000),
        nextUpdate: new Date(this.#clock.utc() + days * day),
        entries: [...this.#revoked].map(([serialNumber, revocationDate]) => ({ serialNumber, revocationDate })),
        signingAlgorithm: algorithm,
        signingKey: this.#keys.privateKey,
      },
      webcrypto,
    );
    // OpenSSL reads no other label than this one (RFC 7468, 6), and the package writes `CRL`.
    const body = Buffer.from(crl.rawData)
      .toString('base64')
      .replace(/.{64}(?=.)/g, '$&\n');
    return `-----BEGIN X509 CRL-----\n${body}\n-----END X509 CRL-----\n`;
  }
}

/** Any text as it is: the package would take a `#` for the beginning of hexadecimal digits, and quotes and backslashes for its own. */
function commonName(text: string): { CN: string[] }[] {
  return [{ CN: [text.replace(/[\\"#]/g, '\\$&')] }];
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

/** 127 random bits, positive (RFC 5280, 4.1.2.2). */
function serial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

function generalName(name: string): { type: 'ip' | 'dns'; value: string } {
  return { type: /^[0-9.]+$|:/.test(name) ? 'ip' : 'dns', value: name };
}
