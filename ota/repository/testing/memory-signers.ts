import { generateKeyPairSync, sign } from 'node:crypto';
import { keyIdOf, type MetadataSigner, publicMetadataKeyOf } from '../signers/metadata-signer.ts';

/** A key that is nowhere but here. */
export function memorySigner(kind: 'ed25519' | 'p256' = 'ed25519'): MetadataSigner {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = publicMetadataKeyOf(privateKey, 'a made key');
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: async (bytes) => sign(kind === 'ed25519' ? null : 'sha256', bytes, privateKey),
  };
}
