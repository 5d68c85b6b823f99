import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { systemCode } from '../../device/kernel/errors.ts';
import { toIso, type UtcMilliseconds, utcMilliseconds } from '../../device/kernel/units.ts';

/** PEM of what a client connects to the broker with. */
export interface ClientCredentials {
  readonly certificate: string;
  readonly key: string;
  /** Of the authority of the *broker's* certificate; undefined where it is not named. */
  readonly ca?: string | undefined;
}

/** Each a clause that goes on after "the certificate of NAME: ". */
export interface CertificateFindings {
  /** With any of these no broker lets the client in, now or later. */
  readonly problems: readonly string[];
  /** What will be a problem, or is one if this machine's clock or the broker is otherwise than usual. */
  readonly warnings: readonly string[];
}

/** Extended key usage `clientAuth` (RFC 5280, 4.2.1.12). */
const clientUsage = '1.3.6.1.5.5.7.3.2';
const day = 86_400_000;
/** Before the end of a certificate that is warned of. */
const soonDays = 30;

/**
 * Looks at what a client is about to connect with, before a broker says no in fewer words: certificate and key belong together, the common
 * name is the client's name (that is what brokers go by), the dates, the usage. What depends on a right clock in the client's disfavour
 * alone, a certificate that is not valid yet, is a warning. Never throws; repeats nothing of a key.
 */
export function checkClientCertificate(
  { certificate, key, ca }: ClientCredentials,
  name: string,
  now: UtcMilliseconds,
): CertificateFindings {
  const problems: string[] = [];
  const warnings: string[] = [];
  const own = readCertificate(certificate);
  const secret = readKey(key);
  if (own === undefined) problems.push(`it cannot be read: ${whatIsThere(certificate)}`);
  if (typeof secret === 'string') problems.push(secret);
  if (own !== undefined) {
    if (typeof secret !== 'string' && !own.checkPrivateKey(secret))
      problems.push('the private key is not the one that it was issued for');
    const names = commonNames(own);
    if (names.length !== 1 || names[0] !== name)
      problems.push(`it is for ${names.length === 0 ? 'no name' : names.map(shown).join(' and ')}, not for ${name}`);
    if (own.ca) problems.push('it is the certificate of an authority, not of a client');
    if (own.keyUsage !== undefined && !own.keyUsage.includes(clientUsage))
      problems.push('it is not for clients: its extended key usage has no clientAuth');
    const [from, to] = [Date.parse(own.validFrom), Date.parse(own.validTo)];
    if (to <= now) problems.push(`it expired on ${iso(to)}`);
    else if (to - now < soonDays * day) warnings.push(`it expires on ${iso(to)}`);
    if (from > now) warnings.push(`it is not valid before ${iso(from)}, by the clock of this machine`);
  }
  if (ca !== undefined) checkAuthority(ca, own, now, problems, warnings);
  return { problems, warnings };
}

function checkAuthority(
  ca: string,
  own: X509Certificate | undefined,
  now: UtcMilliseconds,
  problems: string[],
  warnings: string[],
): void {
  const authorities = certificatesIn(ca);
  if (authorities.length === 0) {
    problems.push(`the authority's certificate cannot be read: ${whatIsThere(ca)}`);
    return;
  }
  const ends = authorities.map(({ validTo }) => Date.parse(validTo));
  const last = Math.max(...ends);
  if (last <= now) problems.push(`the authority's certificate expired on ${iso(last)}`);
  else if (last - now < soonDays * day) warnings.push(`the authority's certificate expires on ${iso(last)}`);
  // The broker may take clients of another authority than the one that it has its own certificate from.
  if (own !== undefined && !authorities.some((one) => issued(one, own)))
    warnings.push("it was issued by another authority than the broker's");
}

function issued(authority: X509Certificate, own: X509Certificate): boolean {
  try {
    return own.checkIssued(authority) && own.verify(authority.publicKey);
  } catch {
    return false;
  }
}

const armour = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificatesIn(pem: string): readonly X509Certificate[] {
  return [...pem.matchAll(armour)].flatMap(([text]) => readCertificate(text) ?? []);
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** The key, or why it is none. */
function readKey(pem: string): KeyObject | string {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    return systemCode(error) === 'ERR_MISSING_PASSPHRASE' || /BEGIN ENCRYPTED PRIVATE KEY/.test(pem)
      ? 'its private key asks for a passphrase, and nobody is there to type it'
      : `its private key cannot be read: ${whatIsThere(pem)}`;
  }
}

/** What a file holds in place of what it should. */
function whatIsThere(pem: string): string {
  if (pem.trim() === '') return 'the file is empty';
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1];
  return label === undefined ? 'the file is no PEM' : `the file holds a ${label.toLowerCase()}`;
}

function commonNames(certificate: X509Certificate): readonly string[] {
  const subject: unknown = certificate.toLegacyObject().subject;
  const said = typeof subject === 'object' && subject !== null && 'CN' in subject ? subject.CN : [];
  return (Array.isArray(said) ? said : [said]).map(String);
}

/** A name from a file, fit for a line of a log. */
const shown = (name: string): string => JSON.stringify(name.slice(0, 80));
const iso = (ms: number): string => toIso(utcMilliseconds(ms));
