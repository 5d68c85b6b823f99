import { createCipheriv, createPrivateKey, type KeyObject, pbkdf2Sync } from 'node:crypto';
import { AtalayaError } from '../../../device/kernel/errors.ts';

/** Private keys as PEM text: PKCS#8, in clear or encrypted with PBES2 (RFC 8018: PBKDF2 with HMAC-SHA-256, AES-256-CBC). */

/** Fewer characters are guessed too fast once somebody has copied the stick. */
export const shortestPassphrase = 10;

/** As OWASP's Password Storage Cheat Sheet of 2023 has it for PBKDF2-HMAC-SHA256. Node's own export has 2048. */
const rounds = 600_000;

const element = (tag: number, content: Uint8Array): Buffer => {
  // Nothing here is as long as 65,536 bytes.
  const length =
    content.byteLength < 0x80
      ? [content.byteLength]
      : content.byteLength < 0x100
        ? [0x81, content.byteLength]
        : [0x82, content.byteLength >> 8, content.byteLength & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
};
const sequence = (...parts: readonly Uint8Array[]): Buffer => element(0x30, Buffer.concat(parts));
const octets = (content: Uint8Array): Buffer => element(0x04, content);
const oid = (hex: string): Buffer => element(0x06, Buffer.from(hex, 'hex'));
const none = Buffer.of(0x05, 0);

/** OIDs by their DER content. */
const oids = {
  /** 1.2.840.113549.1.5.13 */
  pbes2: oid('2a864886f70d01050d'),
  /** 1.2.840.113549.1.5.12 */
  pbkdf2: oid('2a864886f70d01050c'),
  /** 1.2.840.113549.2.9 */
  hmacSha256: oid('2a864886f70d0209'),
  /** 2.16.840.1.101.3.4.1.42 */
  aes256Cbc: oid('60864801650304012a'),
} as const;

/** `passphrase` undefined: in clear. */
export function writePrivateKey(
  key: KeyObject,
  passphrase: string | undefined,
  randomBytes: (length: number) => Uint8Array,
): string {
  const plain = key.export({ format: 'der', type: 'pkcs8' });
  if (passphrase === undefined) return block('PRIVATE KEY', plain);
  if ([...passphrase].length < shortestPassphrase) {
    throw new AtalayaError('usage-invalid', `a passphrase has at least ${shortestPassphrase} characters`, {
      hint: 'Take four or five words that do not belong together.',
    });
  }
  const salt = randomBytes(16);
  const start = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(passphrase, salt, rounds, 32, 'sha256'), start);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  const derivation = sequence(
    oids.pbkdf2,
    sequence(octets(salt), element(0x02, Buffer.of(0x09, 0x27, 0xc0)), sequence(oids.hmacSha256, none)),
  );
  const scheme = sequence(oids.aes256Cbc, octets(start));
  return block(
    'ENCRYPTED PRIVATE KEY',
    sequence(sequence(oids.pbes2, sequence(derivation, scheme)), octets(encrypted)),
  );
}

export const isEncrypted = (pem: string): boolean => pem.startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----');

/** Throws `key-wrong` for another passphrase, `key-invalid` for what is no private key; `what` names it. */
export function readPrivateKey(pem: string, passphrase: string | undefined, what: string): KeyObject {
  if (isEncrypted(pem) && passphrase === undefined) {
    throw new AtalayaError('key-wrong', `${what} is encrypted, and no passphrase was given`, {
      hint: 'Start this from a terminal, or put the passphrase into ATALAYA_PASSPHRASE.',
    });
  }
  try {
    return createPrivateKey({ key: pem, ...(isEncrypted(pem) ? { passphrase: passphrase ?? '' } : {}) });
  } catch {
    if (isEncrypted(pem)) {
      throw new AtalayaError('key-wrong', `this passphrase does not open ${what}`, {
        hint: 'Type it again, and look at the keyboard layout; nothing was signed.',
      });
    }
    throw new AtalayaError('key-invalid', `${what} is no private key in PEM`, {
      hint: 'It begins with -----BEGIN PRIVATE KEY----- or -----BEGIN ENCRYPTED PRIVATE KEY-----.',
    });
  }
}

function block(label: string, content: Uint8Array): string {
  const lines =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
