import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import { parse } from '../../../device/kernel/schema.ts';

/**
 * A key that signs metadata, wherever its private half lies.
 *
 * Guarantees: what `sign` resolves with verifies under `publicKey`, over exactly these bytes; the private half is in no message.
 */
export interface MetadataSigner {
  /** 64 hexadecimal digits, of the public half (`keyIdOf`). */
  readonly keyId: string;
  readonly publicKey: PublicMetadataKey;
  /**
   * Of Ed25519 the 64 bytes of RFC 8032; of P-256 the ASN.1 DER of ECDSA with SHA-256. Throws `key-wrong` for a PIN that does not open the
   * token, `key-missing` where the key is gone, `key-unavailable` where the token does not answer.
   */
  sign(bytes: Uint8Array): Promise<Buffer>;
}

/**
 * The public half, as root metadata has it (TUF specification 1.0.33, 4.2.1). Of each key exactly one form is taken, so that one key is
 * never counted as two: Ed25519 as 64 hexadecimal digits, P-256 as the PEM text that OpenSSL writes.
 */
export const publicMetadataKey = z.discriminatedUnion('keytype', [
  z.strictObject({
    keytype: z.literal('ed25519'),
    scheme: z.literal('ed25519'),
    keyval: z.strictObject({ public: z.string().regex(/^[0-9a-f]{64}$/, 'is not 64 hexadecimal digits') }),
  }),
  z.strictObject({
    keytype: z.literal('ecdsa'),
    scheme: z.literal('ecdsa-sha2-nistp256'),
    keyval: z.strictObject({ public: z.string().max(400) }),
  }),
]);
export type PublicMetadataKey = z.infer<typeof publicMetadataKey>;

/** What a key holder hands out: the file `NAME.pub.json`. */
export const publicKeySchemaId = 'atalaya/metadata-key/1';
const publicKeyFile = z.strictObject({
  schema: z.literal(publicKeySchemaId),
  keyId: z.string().regex(/^[0-9a-f]{64}$/),
  key: publicMetadataKey,
});

/** Key id by the specification (4.2.1): SHA-256 of the canonical JSON of the key. None of its texts holds a quote or a backslash. */
export const keyIdOf = ({ keytype, scheme, keyval }: PublicMetadataKey): string =>
  sha256(`{"keytype":"${keytype}","keyval":{"public":"${keyval.public}"},"scheme":"${scheme}"}`);

/** Throws `key-invalid` for what is neither Ed25519 nor P-256. */
export function publicMetadataKeyOf(key: KeyObject, what: string): PublicMetadataKey {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  if (half.asymmetricKeyType === 'ed25519') {
    const { x } = half.export({ format: 'jwk' });
    return {
      keytype: 'ed25519',
      scheme: 'ed25519',
      keyval: { public: Buffer.from(x ?? '', 'base64url').toString('hex') },
    };
  }
  if (half.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    return {
      keytype: 'ecdsa',
      scheme: 'ecdsa-sha2-nistp256',
      keyval: { public: half.export({ format: 'pem', type: 'spki' }) as string },
    };
  }
  throw new AtalayaError('key-invalid', `${what} is neither an Ed25519 key nor one of ECDSA P-256`, {
    hint: 'Make one with: atalaya-ota keys new',
  });
}

/** Throws `key-invalid`. */
export function keyObjectOf(key: PublicMetadataKey, what: string): KeyObject {
  try {
    const object =
      key.keytype === 'ed25519'
        ? createPublicKey({
            key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key.keyval.public, 'hex').toString('base64url') },
            format: 'jwk',
          })
        : createPublicKey(key.keyval.public);
    if (publicMetadataKeyOf(object, what).keyval.public === key.keyval.public) return object;
  } catch {
    // Said below.
  }
  throw new AtalayaError('key-invalid', `${what} is no public key in its one form`, {
    hint: 'Have the key holder make it again with: atalaya-ota keys show',
  });
}

export const writePublicKey = (key: PublicMetadataKey): string =>
  `${JSON.stringify({ schema: publicKeySchemaId, keyId: keyIdOf(key), key }, null, 2)}\n`;

/** Throws `key-invalid`; `what` names the file. */
export function readPublicKey(text: string, what: string): PublicMetadataKey {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AtalayaError('key-invalid', `${what} is no JSON`, {
      hint: 'Give the file NAME.pub.json of the key holder, not the key itself.',
    });
  }
  const { keyId, key } = parse(publicKeyFile, value, what, 'key-invalid');
  keyObjectOf(key, what);
  if (keyIdOf(key) !== keyId) {
    throw new AtalayaError('key-invalid', `${what} names another key than it holds`, {
      hint: 'Have the key holder make it again with: atalaya-ota keys show',
    });
  }
  return key;
}
