import type { Metadata, Root, Targets } from '@tufjs/models';
import { z } from 'zod';
import { makeFolders, readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { parse } from '../../device/kernel/schema.ts';
import { type RepositoryName, repositoryNames } from '../contract/repository.ts';
import {
  addSignature,
  fingerprintOf,
  hasSigned,
  isEnough,
  isSame,
  metadataOf,
  parseJson,
  type Standing,
  standingOf,
} from './metadata.ts';
import { placesIn } from './repository-folder.ts';
import type { MetadataSigner } from './signers/metadata-signer.ts';

/**
 * A change that waits for signatures: a file that goes from key holder to key holder. It brings what each of them needs to see what they
 * sign, on a machine without the repository: the roots that were published, and the targets that it takes the place of.
 */
export const stagedSchemaId = 'atalaya/staged-metadata/1';

const signed = z.looseObject({ signed: z.looseObject({}), signatures: z.array(z.unknown()).max(100) });
const stagedFile = z.strictObject({
  schema: z.literal(stagedSchemaId),
  repository: z.enum(repositoryNames),
  role: z.enum(['root', 'targets']),
  /** What is signed. */
  metadata: signed,
  /** From the first to the newest that is published. */
  roots: z.array(signed).max(1000),
  /** Of targets that a root which is staged too will vouch for. */
  nextRoot: signed.nullable(),
  /** Of targets: those that are published. */
  current: signed.nullable(),
});

/** Bytes of the longest that anybody reads. */
const longest = 8 * 1024 * 1024;

interface Common {
  readonly repository: RepositoryName;
  readonly roots: readonly Metadata<Root>[];
}
export interface StagedRoot extends Common {
  readonly role: 'root';
  readonly metadata: Metadata<Root>;
}
export interface StagedTargets extends Common {
  readonly role: 'targets';
  readonly metadata: Metadata<Targets>;
  readonly nextRoot: Metadata<Root> | undefined;
  readonly current: Metadata<Targets> | undefined;
}
export type Staged = StagedRoot | StagedTargets;

export function writeStaged(staged: Staged): Buffer {
  const { repository, role, metadata, roots } = staged;
  const value: z.input<typeof stagedFile> = {
    schema: stagedSchemaId,
    repository,
    role,
    metadata: metadata.toJSON() as z.input<typeof signed>,
    roots: roots.map((root) => root.toJSON() as z.input<typeof signed>),
    nextRoot: role === 'targets' ? ((staged.nextRoot?.toJSON() ?? null) as z.input<typeof signed> | null) : null,
    current: role === 'targets' ? ((staged.current?.toJSON() ?? null) as z.input<typeof signed> | null) : null,
  };
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}

/**
 * Reads a staged file that anybody may have had in hand. Throws `document-refused` for one that contradicts itself: roots that do not follow
 * from each other, current targets that the newest root does not vouch for, or a signature that does not fit what is to be signed.
 */
export function readStaged(bytes: Buffer, what: string): Staged {
  const value = parse(stagedFile, parseJson(bytes, what, longest), what, 'document-refused');
  const roots = value.roots.map((root, i) => metadataOf('root', root, `root ${i + 1} in ${what}`));
  roots.forEach((root, i) => {
    const before = roots[i - 1] ?? root;
    if (root.signed.version !== i + 1 || !isEnough(before.signed, 'root', root) || !isEnough(root.signed, 'root', root))
      throw refused(`root ${i + 1} in ${what} is not signed by enough keys of the root before it`);
  });
  const { repository } = value;
  const staged: Staged =
    value.role === 'root'
      ? { repository, role: 'root', roots, metadata: metadataOf('root', value.metadata, what) }
      : {
          repository,
          role: 'targets',
          roots,
          metadata: metadataOf('targets', value.metadata, what),
          nextRoot:
            value.nextRoot === null ? undefined : metadataOf('root', value.nextRoot, `the next root in ${what}`),
          current: value.current === null ? undefined : metadataOf('targets', value.current, `the targets in ${what}`),
        };
  checkStaged(staged, what);
  return staged;
}

function checkStaged(staged: Staged, what: string): void {
  const newest = staged.roots.at(-1)?.signed;
  const before = staged.role === 'root' ? newest : staged.current?.signed;
  if (staged.metadata.signed.version !== (before?.version ?? 0) + 1) {
    throw refused(`${what} is version ${staged.metadata.signed.version}, and ${(before?.version ?? 0) + 1} is next`);
  }
  if (staged.role === 'root' && !staged.metadata.signed.consistentSnapshot)
    throw refused(`${what} is not of consistent snapshots`);
  if (staged.role === 'targets') {
    if (staged.metadata.signed.delegations !== undefined) throw refused(`${what} hands targets on to other keys`);
    // A root that retires their keys comes with targets that newer keys sign; till then the old ones count.
    if (staged.current !== undefined && (newest === undefined || !isEnough(newest, 'targets', staged.current)))
      throw refused(`the targets in ${what} that are said to be published are not signed by enough keys`);
    if (staged.nextRoot !== undefined && staged.nextRoot.signed.version !== staged.roots.length + 1)
      throw refused(`the next root in ${what} does not follow the newest`);
  }
  for (const id of Object.keys(staged.metadata.signatures)) {
    if (!authoritiesOf(staged).some(({ root }) => hasSigned(root, id, staged.metadata))) {
      throw refused(`${what} was changed after the key ${id.slice(0, 16)} had signed it, or that key has no say in it`);
    }
  }
}

const refused = (message: string): AtalayaError =>
  new AtalayaError('document-refused', message, {
    hint: 'Sign nothing. Ask whoever sent it, over another way than it came by, and take the file anew from the repository.',
  });

/** Whose signatures a staged change needs: of a root, the one before it and itself. */
export function authoritiesOf(staged: Staged): readonly { readonly name: string; readonly root: Root }[] {
  const newest = staged.roots.at(-1)?.signed;
  const next = staged.role === 'root' ? staged.metadata.signed : staged.nextRoot?.signed;
  const known = newest === undefined ? [] : [{ name: `root ${newest.version}`, root: newest }];
  // The targets of a root that is staged beside them count by that root alone: the keys before may be lost.
  if (staged.role === 'targets' && next !== undefined)
    return [{ name: `root ${next.version}, which is staged too`, root: next }];
  return next === undefined ? known : [...known, { name: `root ${next.version}, this one`, root: next }];
}

export const standingsOf = (staged: Staged): readonly (Standing & { readonly name: string })[] =>
  authoritiesOf(staged).map(({ name, root }) => ({ name, ...standingOf(root, staged.role, staged.metadata) }));

export const isSigned = (staged: Staged): boolean =>
  standingsOf(staged).every(({ by, threshold }) => by.length >= threshold);

/** Adds a signature. Throws `key-mismatch` for a key that has no say in it, `document-refused` for a second one by the same key. */
export async function signStaged(staged: Staged, signer: MetadataSigner): Promise<void> {
  const standings = standingsOf(staged);
  if (!standings.some(({ keys }) => keys.includes(signer.keyId))) {
    throw new AtalayaError(
      'key-mismatch',
      `the key ${signer.keyId.slice(0, 16)} does not sign the ${staged.role} of the ${staged.repository} repository`,
      {
        hint: `Sign with one of: ${[...new Set(standings.flatMap(({ keys }) => keys))].map((id) => id.slice(0, 16)).join(', ')}`,
      },
    );
  }
  if (Object.hasOwn(staged.metadata.signatures, signer.keyId)) {
    throw new AtalayaError('document-refused', `the key ${signer.keyId.slice(0, 16)} has signed it already`, {
      hint: 'Hand it on to another key holder, or publish it.',
    });
  }
  await addSignature(staged.metadata, signer);
}

/**
 * Takes over the signatures that another copy of the same change has; says how many were new. Throws `document-refused` where the copy is of
 * another change.
 */
export function collectSignatures(into: Staged, from: Staged): number {
  if (into.repository !== from.repository || into.role !== from.role || !isSame(into.metadata, from.metadata)) {
    throw new AtalayaError(
      'document-refused',
      `this is another change (${fingerprintOf(from.metadata).slice(0, 16)}) than the one that is staged (${fingerprintOf(into.metadata).slice(0, 16)})`,
      { hint: 'Hand out the staged file again: it was changed after this copy was made.' },
    );
  }
  let added = 0;
  for (const [id, signature] of Object.entries(from.metadata.signatures)) {
    if (Object.hasOwn(into.metadata.signatures, id)) continue;
    into.metadata.signatures[id] = signature;
    added += 1;
  }
  return added;
}

/** What waits in a repository; undefined where nothing does. Throws `document-refused`. */
export async function stagedIn<R extends Staged['role']>(
  files: Files,
  folder: string,
  repository: RepositoryName,
  role: R,
): Promise<Extract<Staged, { role: R }> | undefined> {
  const bytes = await readWholeFile(files, placesIn(folder).staged(repository, role));
  if (bytes === undefined) return undefined;
  const name = `staged/${repository}.${role}.json`;
  const staged = readHere(bytes, name, folder);
  if (staged.repository !== repository || staged.role !== role) throw refused(`${name} is of another kind`);
  return staged as Extract<Staged, { role: R }>;
}

/** At the repository itself there is a way on: there the change can be made again. */
function readHere(bytes: Buffer, name: string, folder: string): Staged {
  try {
    return readStaged(bytes, name);
  } catch (cause) {
    if (!isAtalayaError(cause, 'document-refused')) throw cause;
    throw new AtalayaError('document-refused', cause.message, {
      hint: `It was changed by something else than atalaya-ota: give it up, and stage the change again: atalaya-ota discard -r ${folder}`,
      cause,
    });
  }
}

export async function keepStaged(files: Files, folder: string, staged: Staged): Promise<void> {
  const places = placesIn(folder);
  await makeFolders(files, places.stagedFolder);
  await writeWholeFile(files, places.staged(staged.repository, staged.role), writeStaged(staged));
}

/** False where there is none. */
export async function dropStaged(
  files: Files,
  folder: string,
  { repository, role }: Pick<Staged, 'repository' | 'role'>,
): Promise<boolean> {
  const places = placesIn(folder);
  if ((await readWholeFile(files, places.staged(repository, role))) === undefined) return false;
  await files.remove(places.staged(repository, role));
  await files.syncFolder(places.stagedFolder);
  return true;
}
