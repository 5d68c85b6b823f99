import { generateKeyPairSync } from 'node:crypto';
import { AtalayaError } from '../../../kernel/errors.ts';
import { formatVkey, noteKey } from '../../log/note.ts';
import type { AuditedStore } from '../audited-store.ts';

/** A store without evidence, of which a test replaces what it is about. */
export function idleStore(own: Partial<AuditedStore> = {}): AuditedStore {
  const { publicKey } = generateKeyPairSync('ed25519');
  const key = noteKey('atalaya/unit-1', 'ed25519', publicKey.export({ format: 'der', type: 'spki' }));
  const unused = () => Promise.reject(new AtalayaError('internal', 'not a part of this test'));
  return {
    unit: 'unit-1',
    publicKey: {
      pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
      vkey: formatVkey(key),
      algorithm: 'ed25519',
    },
    lines: async function* () {},
    entry: async () => undefined,
    ciphertext: async function* () {},
    act: async () => 1,
    checkpoint: unused,
    inclusion: unused,
    consistency: unused,
    cosign: unused,
    close: async () => undefined,
    ...own,
  };
}
