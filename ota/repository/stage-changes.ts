import { isDeepStrictEqual } from 'node:util';
import { Metadata as Made, type Metadata, type Root, TargetFile, Targets } from '@tufjs/models';
import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { longestMetadata, mostTargets, type RepositoryName, repositoryNames } from '../contract/repository.ts';
import type { Target } from '../contract/target.ts';
import { keysOf, rootOf } from './begin-repository.ts';
import { readChain, targetsOf } from './chain.ts';
import { expiryAfter, isSame, type Role, specVersion, writeMetadata } from './metadata.ts';
import { placesIn, readRoots, readSettings } from './repository-folder.ts';
import { keyIdOf, type PublicMetadataKey } from './signers/metadata-signer.ts';
import { dropStaged, keepStaged, type StagedRoot, type StagedTargets, stagedIn } from './staged.ts';

/** Changes that need the signatures of several people. Whatever had been signed of an earlier form of the same change is void. */

export interface TargetsChange {
  readonly add: readonly Target[];
  /** Names. */
  readonly remove: readonly string[];
}

/**
 * Stages new targets of the image repository, on top of those that wait already. Throws `document-refused` for a target whose name stands
 * for another file, a patch without a whole target of the same tree, a release that is taken by another tree, and a name that is not there. What is
 * published counts as taken even where its removal waits, since units may have it; what was removed before is not remembered.
 *
 * A change without anything new leaves what waits as it is, with its signatures, and is refused where nothing waits; one that names nothing at
 * all stages the same targets with a later end. `agree` is asked before signatures are lost, and throws where they are not to be.
 */
export async function stageTargets(
  files: Files,
  folder: string,
  change: TargetsChange,
  now: number,
  agree: AgreeToLoss = async () => undefined,
): Promise<{ readonly staged: StagedTargets; readonly changed: boolean }> {
  const settings = await readSettings(files, folder);
  const roots = await readRoots(files, folder, 'image');
  const chain = await readChain(files, placesIn(folder).metadata('image'), 'image');
  const waiting = await stagedIn(files, folder, 'image', 'targets');
  const nextRoot = await stagedIn(files, folder, 'image', 'root');
  const published = targetsOf(chain?.targets.signed ?? empty, 'the image repository');
  const base = waiting === undefined ? published : targetsOf(waiting.metadata.signed, 'what waits for signatures');
  const after = new Map(base.map((target) => [target.target, target]));
  for (const name of change.remove) {
    if (!after.delete(name)) throw refused(`there is no target ${name}`, 'Look with: atalaya-ota targets');
  }
  for (const target of change.add) {
    const seen = published.find(({ target: name }) => name === target.target);
    const there = seen ?? after.get(target.target);
    if (there !== undefined && !isDeepStrictEqual(there, target)) {
      throw refused(
        `${target.target} ${seen === undefined ? 'waits for signatures' : 'is published'} already, with another content`,
        seen === undefined
          ? 'Take that one back first: atalaya-ota remove'
          : 'A name is given once: give the bundle a new release.',
      );
    }
    after.set(target.target, target);
  }
  const named = [...change.add.map(({ target }) => target), ...change.remove];
  const isNew = change.remove.length > 0 || change.add.some(({ target }) => !base.some((one) => one.target === target));
  if (named.length > 0 && !isNew) {
    if (waiting === undefined) {
      const are = named.length === 1 ? 'is' : 'are';
      throw refused(`nothing is changed: ${named.join(', ')} ${are} published`, 'Nothing has to be signed.');
    }
    if (stillGood(waiting, chain?.targets, nextRoot?.metadata, now)) return { staged: waiting, changed: false };
  }
  if (after.size > mostTargets)
    throw refused(
      `there would be ${after.size} targets, and units read ${mostTargets} at most`,
      'Remove old targets: atalaya-ota remove',
    );
  checkTogether([...after.values()], published);
  const staged: StagedTargets = {
    repository: 'image',
    role: 'targets',
    roots,
    current: chain?.targets,
    nextRoot: nextRoot?.metadata,
    metadata: targetsMetadata(
      [...after.values()],
      (chain?.targets.signed.version ?? 0) + 1,
      expiryAfter(now, settings.days.image.targets),
    ),
  };
  const { byteLength } = writeMetadata(staged.metadata);
  if (byteLength > longestMetadata.targets - roomForSignatures) {
    throw refused(
      `the targets have ${byteLength} bytes of metadata, and units read ${longestMetadata.targets} at most`,
      'Remove old targets: atalaya-ota remove',
    );
  }
  const lost = Object.keys(waiting?.metadata.signatures ?? {});
  if (lost.length > 0) await agree(lost);
  await keepStaged(files, folder, staged);
  return { staged, changed: true };
}

/** Is told the ids of the keys whose signatures a change of what waits makes void. */
export type AgreeToLoss = (keyIds: readonly string[]) => Promise<void>;

/** What waits can be published once it is signed: it follows what is published, and has not run out. */
function stillGood(
  waiting: StagedTargets,
  current: Metadata<Targets> | undefined,
  nextRoot: Metadata<Root> | undefined,
  now: number,
): boolean {
  const { version, expires } = waiting.metadata.signed;
  const sameRoot =
    nextRoot === undefined || waiting.nextRoot === undefined
      ? nextRoot === waiting.nextRoot
      : isSame(nextRoot, waiting.nextRoot);
  return version === (current?.signed.version ?? 0) + 1 && sameRoot && Date.parse(expires) > now;
}

/** Bytes; 16 signatures of P-256 with their ids have under 4 KiB. */
const roomForSignatures = 8192;

const empty = new Targets({ version: 1, specVersion, expires: '2000-01-01T00:00:00Z', targets: {} });

function checkTogether(targets: readonly Target[], published: readonly Target[]): void {
  const wholes = targets.filter(({ description }) => description.patchFrom === undefined);
  for (const { target, description } of targets) {
    const same = wholes.filter(({ description: of }) => of.tree.sha256 === description.tree.sha256);
    if (description.patchFrom !== undefined && same.length === 0) {
      throw refused(
        `the patch ${target} leads to a tree that no whole target has`,
        'Add the whole bundle first, and remove patches with it.',
      );
    }
    const taken = [...wholes, ...published].find(
      ({ description: of }) =>
        of.patchFrom === undefined &&
        of.kind === description.kind &&
        of.name === description.name &&
        of.release === description.release &&
        of.tree.sha256 !== description.tree.sha256 &&
        of.hardware.some((one) => description.hardware.includes(one)),
    );
    if (taken !== undefined) {
      throw refused(
        `${target} has release ${description.release} of ${description.name}, as ${taken.target} has with another content`,
        'Give the newer bundle a higher release.',
      );
    }
  }
}

/** Unsigned targets metadata; `extra`: further fields that are signed. */
export function targetsMetadata(
  targets: readonly Target[],
  version: number,
  expires: string,
  extra: NonNullable<ConstructorParameters<typeof Targets>[0]['unrecognizedFields']> = {},
): Metadata<Targets> {
  const sorted = [...targets].sort((a, b) => (a.target < b.target ? -1 : 1));
  const entries = sorted.map(({ target, length, sha256, description }) => [
    target,
    new TargetFile({
      path: target,
      length,
      hashes: { sha256 },
      unrecognizedFields: { custom: { atalaya: JSON.parse(JSON.stringify(description)) } },
    }),
  ]);
  return new Made(
    new Targets({ version, specVersion, expires, targets: Object.fromEntries(entries), unrecognizedFields: extra }),
  );
}

export interface Rotation {
  readonly repository: RepositoryName;
  /** What the keys are taken from and given to; none: the root is only renewed, and the image's targets with it. */
  readonly roles: readonly Role[];
  /** Ids of keys that go. */
  readonly out: readonly string[];
  readonly in: readonly PublicMetadataKey[];
  /** As before unless said otherwise. */
  readonly threshold?: number;
}

/**
 * Stages a new root, on top of one that waits already; where the keys of the image's targets change, the targets too, to be signed by the
 * new ones. `agree` as of `stageTargets`. Throws `usage-invalid`.
 */
export async function stageRotation(
  files: Files,
  folder: string,
  rotation: Rotation,
  now: number,
  agree: AgreeToLoss = async () => undefined,
): Promise<StagedRoot> {
  const { repository } = rotation;
  const settings = await readSettings(files, folder);
  const roots = await readRoots(files, folder, repository);
  const newest = roots.at(-1);
  if (newest === undefined)
    throw refused(`the ${repository} repository has no root yet`, 'Sign and publish the first one.');
  const waiting = await stagedIn(files, folder, repository, 'root');
  const keys = { ...keysOf((waiting?.metadata ?? newest).signed) };
  for (const out of rotation.out) {
    if (!rotation.roles.some((role) => keys[role].keys.some((key) => keyIdOf(key) === out))) {
      throw new AtalayaError('usage-invalid', `no key ${out.slice(0, 16)} signs ${rotation.roles.join(' or ')}`, {
        hint: 'Look with: atalaya-ota keys list',
      });
    }
  }
  for (const role of rotation.roles) {
    const stay = keys[role].keys.filter((key) => !rotation.out.includes(keyIdOf(key)));
    const fresh = rotation.in.filter((key) => !stay.some((other) => keyIdOf(other) === keyIdOf(key)));
    keys[role] = { keys: [...stay, ...fresh], threshold: rotation.threshold ?? keys[role].threshold };
  }
  const staged: StagedRoot = {
    repository,
    role: 'root',
    roots,
    metadata: rootOf(keys, newest.signed.version + 1, expiryAfter(now, settings.days[repository].root)),
  };
  const signers = ({ signed }: Metadata<Root>) => {
    const { targets } = signed.roles;
    return JSON.stringify(targets);
  };
  const changed = signers(staged.metadata) !== signers(newest);
  const targets = repository === 'image' ? await stagedIn(files, folder, 'image', 'targets') : undefined;
  const lost = [waiting, targets].flatMap((one) => Object.keys(one?.metadata.signatures ?? {}));
  if (lost.length > 0) await agree(lost);
  await keepStaged(files, folder, staged);
  // What is staged of targets looks at the root that is staged: it is made anew with every form of that one. Who meets for the root renews both.
  const renewed = rotation.roles.length === 0;
  if (repository === 'image' && (changed || renewed || targets !== undefined))
    await stageTargets(files, folder, { add: [], remove: [] }, now);
  return staged;
}

/** What was given up. */
export interface Discarded {
  /** Of the staged file. */
  readonly name: string;
  /** Undefined where the file could no longer be read. */
  readonly signatures: number | undefined;
}

/**
 * Gives up what waits for signatures, damaged files too; nothing of a repository that was never published, since the root that waits is then all
 * that there is of it. Throws `document-refused` where neither was.
 */
export async function discardStaged(files: Files, folder: string): Promise<readonly Discarded[]> {
  const published = new Set<RepositoryName>();
  for (const repository of repositoryNames)
    if ((await readRoots(files, folder, repository)).length > 0) published.add(repository);
  if (published.size === 0)
    throw refused(
      `${folder} was never published: what waits there is all that there is of it`,
      `To begin anew, remove the folder and call: atalaya-ota repository new ${folder}`,
    );
  const discarded: Discarded[] = [];
  for (const repository of repositoryNames) {
    for (const role of published.has(repository) ? (['targets', 'root'] as const) : []) {
      const signatures = await stagedIn(files, folder, repository, role).then(
        (staged) => Object.keys(staged?.metadata.signatures ?? {}).length,
        (error: unknown) => {
          if (isAtalayaError(error, 'document-refused') || isAtalayaError(error, 'key-invalid')) return undefined;
          throw error;
        },
      );
      if (await dropStaged(files, folder, { repository, role }))
        discarded.push({ name: `${repository}.${role}.json`, signatures });
    }
  }
  return discarded;
}

const refused = (message: string, hint: string): AtalayaError =>
  new AtalayaError('document-refused', message, { hint });
