import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { cosignedMessage, formatVkey, type NoteSignature, noteKey } from '../../../device/evidence/log/note.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';

/** The key with which the centre vouches that a unit has shown it one history, and no other. */
export interface WitnessKey {
  /** What units are told to trust (`evidence.witnesses` of their configuration): a line. */
  readonly vkey: string;
  /** The line of a note, by https://c2sp.org/tlog-cosignature. `time`: seconds since 1970. */
  cosign(text: string, time: bigint): NoteSignature;
}

export function makeWitnessPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** Throws `key-invalid` for a PEM text that is no Ed25519 private key, `usage-invalid` for a name that no note can bear. */
export function witnessKeyOf(name: string, privatePem: string): WitnessKey {
  const privateKey = privateKeyOf(privatePem);
  const key = noteKey(name, 'cosignature', createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  return {
    vkey: formatVkey(key),
    cosign: (text, time) => {
      const head = Buffer.alloc(8);
      head.writeBigUInt64BE(time);
      const signature = Buffer.concat([head, sign(null, cosignedMessage(text, time), privateKey)]);
      return { name, keyId: key.id, signature };
    },
  };
}

function privateKeyOf(pem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new AtalayaError('key-invalid', 'the key of the witness cannot be read');
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new AtalayaError('key-invalid', `the key of the witness is of the kind ${key.asymmetricKeyType}, not Ed25519`);
}
