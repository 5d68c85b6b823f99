import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptFrame } from '../../capture/kept-frame.ts';
import { EvidenceStore } from '../../evidence/evidence-store.ts';
import { FileKeystore } from '../../evidence/keystore/file-keystore.ts';
import { signingKey } from '../../evidence/keystore/key-pem.ts';
import type { KeyAlgorithm } from '../../evidence/keystore/keystore.ts';
import { createIdentity } from '../../evidence/sealing/identity.ts';
import type { StoreOptions } from '../../evidence/store-options.ts';
import { contextAt, frameOf, framesAround, infractionAt } from '../../evidence/testing/fixtures.ts';
import { plateModels, plateRead } from '../../evidence/testing/plates.ts';
import { clerk } from '../../evidence/testing/stores.ts';
import { systemClock } from '../../kernel/clock.ts';

/** The plate in the evidence of these tests: it must not show anywhere but in what was opened. */
export const plate = 'XW417KQ';

export const idOf = (unit: string, sequence: number): string => `${unit}-${String(sequence).padStart(9, '0')}`;

/** A unit's data folder as a run leaves it, with the authority's identity beside it. */
export interface MadeData {
  /** A folder for whatever a test writes. */
  readonly home: string;
  /** The data folder. */
  readonly data: string;
  readonly store: string;
  readonly unit: string;
  /** PEM file of the signing key. */
  readonly signingKey: string;
  /** File of the public key, as an auditor has it. */
  readonly publicKey: string;
  /** File of the authority's identity. */
  readonly identity: string;
  readonly recipient: string;
  open(more?: Partial<StoreOptions>): Promise<EvidenceStore>;
  /** The same of a copy. */
  openAt(folder: string): Promise<EvidenceStore>;
  remove(): Promise<void>;
}

export interface DataShape {
  readonly unit?: string;
  readonly algorithm?: KeyAlgorithm;
  readonly keys?: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
}

export function keyPair(algorithm: KeyAlgorithm = 'ed25519'): {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
} {
  return algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

export async function madeData(shape: DataShape = {}): Promise<MadeData> {
  const { unit = 'unit-1', algorithm = 'ed25519', keys = keyPair(algorithm) } = shape;
  const home = await mkdtemp(join(tmpdir(), 'atalaya-audit-'));
  const authority = await createIdentity();
  const at = (name: string) => join(home, name);
  const made = {
    home,
    data: at('data'),
    store: at('data/evidence'),
    unit,
    signingKey: at('data/signing-key.pem'),
    publicKey: at('unit.pem'),
    identity: at('authority.txt'),
    recipient: authority.recipient,
  };
  const keystore = () => new FileKeystore(signingKey(keys.privateKey, algorithm, 'memory'));
  const openAt = (folder: string, more: Partial<StoreOptions> = {}): Promise<EvidenceStore> =>
    EvidenceStore.open(folder, {
      unit,
      boot: 'boot-1',
      clock: systemClock,
      keystore: keystore(),
      recipients: { authority: [authority.recipient], operators: [] },
      ...more,
    });
  const open = (more: Partial<StoreOptions> = {}) => openAt(made.store, more);
  await (await open()).close();
  await writeFile(made.signingKey, keys.privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  await writeFile(made.publicKey, keys.publicKey.export({ format: 'pem', type: 'spki' }));
  await writeFile(made.identity, `# the authority of a test\n${authority.identity}\n`, { mode: 0o600 });
  return { ...made, open, openAt, remove: () => rm(home, { recursive: true, force: true }) };
}

/** Seals an infraction with stills, a clip of `clip` frames and a plate. */
export async function sealWhole(store: EvidenceStore, at: number, clip = 4): Promise<string> {
  const frame = at + 100;
  const frames = Array.from({ length: clip }, (_, i) => keptFrame(frameOf(frame - 2 * (clip - i))));
  const context = {
    ...contextAt(frame),
    plate: plateRead(plate, frame - 1),
    plateModels,
    clip: { frames, thinned: false },
  };
  return (await store.seal(infractionAt(frame), framesAround(frame), context)).id;
}

/** Small entries: somebody listed, so many times. */
export async function manyActs(store: EvidenceStore, count: number): Promise<void> {
  const acts = Array.from({ length: count }, () => store.custody.note({ kind: 'list' }, clerk));
  await Promise.all(acts);
}
