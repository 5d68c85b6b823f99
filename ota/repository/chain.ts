import { join } from 'node:path';
import { Metadata, MetaFile, type Root, Snapshot, type Targets, Timestamp } from '@tufjs/models';
import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { type Target, target as targetSchema } from '../contract/target.ts';
import {
  type AnyMetadata,
  addSignature,
  expiryAfter,
  isEnough,
  type Role,
  readMetadata,
  specVersion,
  writeMetadata,
} from './metadata.ts';
import { highestVersion, removeOld } from './repository-folder.ts';
import type { MetadataSigner } from './signers/metadata-signer.ts';

/** Timestamp, snapshot and targets that belong together: what a unit reads below a root. */
export interface Chain {
  readonly timestamp: Metadata<Timestamp>;
  readonly snapshot: Metadata<Snapshot>;
  readonly targets: Metadata<Targets>;
}

/**
 * The published chain of a folder, by its timestamp; undefined where there is none. Lengths and hashes are checked, signatures are not
 * (`chainFault`). Throws `store-damaged`.
 */
export async function readChain(files: Files, folder: string, what: string): Promise<Chain | undefined> {
  const bytes = await readWholeFile(files, join(folder, 'timestamp.json'));
  if (bytes === undefined) return undefined;
  try {
    const timestamp = readMetadata('timestamp', bytes, `${what}/timestamp.json`);
    const snapshot = await referred(files, folder, what, 'snapshot', timestamp.signed.snapshotMeta);
    const meta = snapshot.signed.meta['targets.json'];
    if (meta === undefined) throw damaged(`${what}: the snapshot names no targets`);
    return { timestamp, snapshot, targets: await referred(files, folder, what, 'targets', meta) };
  } catch (error) {
    throw isAtalayaError(error, 'document-refused') ? damaged(error.message) : error;
  }
}

async function referred<R extends 'snapshot' | 'targets'>(
  files: Files,
  folder: string,
  what: string,
  role: R,
  meta: MetaFile,
) {
  const name = `${meta.version}.${role}.json`;
  const bytes = await readWholeFile(files, join(folder, name));
  if (bytes === undefined) throw damaged(`${what}/${name} is missing`);
  try {
    meta.verify(bytes);
  } catch {
    throw damaged(`${what}/${name} is not what is signed for it`);
  }
  const metadata = readMetadata(role, bytes, `${what}/${name}`);
  if (metadata.signed.version !== meta.version) throw damaged(`${what}/${name} is of another version`);
  return metadata;
}

const damaged = (what: string): AtalayaError =>
  new AtalayaError('store-damaged', what, {
    hint: 'Put the file back from a copy of the repository; units refuse it too.',
  });

/** Which role of the chain a root does not vouch for; undefined where it vouches for all. */
export function chainFault(root: Root, chain: Chain): Role | undefined {
  return (['timestamp', 'snapshot', 'targets'] as const).find((role) => !isEnough(root, role, chain[role]));
}

export interface ChainSigning {
  readonly files: Files;
  readonly folder: string;
  /** UTC, milliseconds. */
  readonly now: number;
  readonly days: { readonly snapshot: number; readonly timestamp: number };
  /** Who signs, by role; at least one each. */
  readonly signers: { readonly snapshot: readonly MetadataSigner[]; readonly timestamp: readonly MetadataSigner[] };
}

/** A new snapshot and timestamp over signed targets; nothing is written. */
export async function signChain(
  targets: Metadata<Targets>,
  before: Chain | undefined,
  { files, folder, now, days, signers }: ChainSigning,
): Promise<Chain> {
  // Above whatever stands there: what a power cut left behind was signed too, and is never signed again with other content.
  const stands = Math.max(await highestVersion(files, folder, 'snapshot'), before?.snapshot.signed.version ?? 0);
  const snapshot = new Metadata(
    new Snapshot({
      version: stands + 1,
      specVersion,
      expires: expiryAfter(now, days.snapshot),
      meta: { 'targets.json': metaOf(targets) },
    }),
  );
  for (const signer of signers.snapshot) await addSignature(snapshot, signer);
  const timestamp = new Metadata(
    new Timestamp({
      version: (before?.timestamp.signed.version ?? 0) + 1,
      specVersion,
      expires: expiryAfter(now, days.timestamp),
      snapshotMeta: metaOf(snapshot),
    }),
  );
  for (const signer of signers.timestamp) await addSignature(timestamp, signer);
  return { timestamp, snapshot, targets };
}

function metaOf(metadata: AnyMetadata): MetaFile {
  const bytes = writeMetadata(metadata);
  return new MetaFile({
    version: metadata.signed.version,
    length: bytes.byteLength,
    hashes: { sha256: sha256(bytes) },
  });
}

/** Writes targets and snapshot, which nobody sees before the timestamp is there. */
export async function stageChain(files: Files, folder: string, { targets, snapshot }: Chain): Promise<void> {
  await writeOnce(files, join(folder, `${targets.signed.version}.targets.json`), writeMetadata(targets));
  await writeOnce(files, join(folder, `${snapshot.signed.version}.snapshot.json`), writeMetadata(snapshot));
}

/** What stands there is touched only where it is other: nothing refers to that yet. */
async function writeOnce(files: Files, path: string, bytes: Buffer): Promise<void> {
  const there = await readWholeFile(files, path);
  if (there?.equals(bytes) !== true) await writeWholeFile(files, path, bytes);
}

/** From here on units see the chain. */
export async function publishChain(files: Files, folder: string, { timestamp }: Chain): Promise<void> {
  await writeWholeFile(files, join(folder, 'timestamp.json'), writeMetadata(timestamp));
}

export const removeOldChains = (files: Files, folder: string, { targets, snapshot }: Chain): Promise<void> =>
  removeOld(files, folder, { targets: targets.signed.version, snapshot: snapshot.signed.version });

/** The targets of one piece of metadata. Throws `document-refused` for one that no unit would take. */
export function targetsOf(targets: Targets, what: string): readonly Target[] {
  return Object.entries(targets.targets).map(([name, { length, hashes, custom }]) => {
    const { sha256: digest } = hashes;
    const { atalaya: description } = custom;
    const target = targetSchema.safeParse({ target: name, length, sha256: digest, description });
    if (!target.success) {
      throw new AtalayaError(
        'document-refused',
        `${what} does not describe ${JSON.stringify(name.slice(0, 128))} as units need it`,
        { hint: 'Add it again from its file NAME.target.json.' },
      );
    }
    return target.data as Target;
  });
}
