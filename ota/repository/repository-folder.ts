import { join } from 'node:path';
import type { Metadata, Root } from '@tufjs/models';
import { z } from 'zod';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { type Files, listIfThere } from '../../device/kernel/files.ts';
import { FolderLock } from '../../device/kernel/folder-lock.ts';
import { parse } from '../../device/kernel/schema.ts';
import { systemTimer, type Timer } from '../../device/kernel/timer.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { type RepositoryName, targetPath } from '../contract/repository.ts';
import { isEnough, parseJson, readMetadata } from './metadata.ts';

/**
 * A publisher's folder:
 *
 *     repository.json               for how long metadata is good
 *     image/                        published, as units ask for it
 *     director/N.root.json          of all units
 *     director/UNIT/                timestamp, snapshots and targets of one unit
 *     targets/SHA256.NAME
 *     staged/REPOSITORY.ROLE.json   what waits for signatures
 */
export const placesIn = (folder: string) => ({
  settings: join(folder, 'repository.json'),
  metadata: (repository: RepositoryName): string => join(folder, repository),
  unit: (unit: string): string => join(folder, 'director', unit),
  targets: join(folder, 'targets'),
  target: (target: { readonly target: string; readonly sha256: string }): string => join(folder, targetPath(target)),
  stagedFolder: join(folder, 'staged'),
  staged: (repository: RepositoryName, role: 'root' | 'targets'): string =>
    join(folder, 'staged', `${repository}.${role}.json`),
});

const days = (usual: number, most: number) => z.number().min(0.01).max(most).default(usual);
const periods = (root: number, targets: number, online: number) =>
  z
    .strictObject({
      root: days(root, 3650),
      targets: days(targets, 3650),
      snapshot: days(online, 365),
      timestamp: days(online, 365),
    })
    .prefault({});

export const settingsSchemaId = 'atalaya/repository/1';
/**
 * For how many days metadata is good. What two of three people sign is good for a year and a month: one yearly meeting, with a month to
 * spare. A timestamp bounds for how long a thief of the link can hold a unit back unnoticed, and for how long a stick can lie in a van:
 * 30 days, renewed by a timer each week.
 */
export const repositorySettings = z.strictObject({
  schema: z.literal(settingsSchemaId),
  days: z.strictObject({ image: periods(395, 395, 30), director: periods(395, 30, 30) }).prefault({}),
});
export type RepositorySettings = z.infer<typeof repositorySettings>;

/** Throws `document-refused` where the folder is no repository. */
export async function readSettings(files: Files, folder: string): Promise<RepositorySettings> {
  const bytes = await readWholeFile(files, placesIn(folder).settings);
  if (bytes === undefined) {
    throw new AtalayaError('document-refused', `${folder} is no repository: it has no repository.json`, {
      hint: 'Name the folder, or make one with: atalaya-ota repository new',
    });
  }
  return parse(repositorySettings, parseJson(bytes, 'repository.json', 65_536), 'repository.json', 'document-refused');
}

/**
 * Published roots of a repository, from the first to the newest, each signed by the one before it and by itself. None where nothing is
 * published yet. Throws `store-damaged`.
 */
export async function readRoots(
  files: Files,
  folder: string,
  repository: RepositoryName,
): Promise<readonly Metadata<Root>[]> {
  const at = placesIn(folder).metadata(repository);
  const roots: Metadata<Root>[] = [];
  for (let version = 1; ; version += 1) {
    const name = `${repository}/${version}.root.json`;
    const bytes = await readWholeFile(files, join(at, `${version}.root.json`));
    if (bytes === undefined) return roots;
    const root = readMetadata('root', bytes, name);
    const before = roots.at(-1)?.signed ?? root.signed;
    if (root.signed.version !== version || !isEnough(before, 'root', root) || !isEnough(root.signed, 'root', root)) {
      throw new AtalayaError('store-damaged', `${name} is not signed by enough keys of the root before it`, {
        hint: 'Put the file back from a copy of the repository; units refuse it too.',
      });
    }
    roots.push(root);
  }
}

/** Highest N of `N.ROLE.json` in a folder, referred to or not; 0 where there is none. */
export async function highestVersion(files: Files, folder: string, role: 'targets' | 'snapshot'): Promise<number> {
  return Math.max(0, ...(await versionsIn(files, folder, role)));
}

export async function versionsIn(
  files: Files,
  folder: string,
  role: 'targets' | 'snapshot',
): Promise<readonly number[]> {
  return (await listIfThere(files, folder)).flatMap((name) => {
    const [, version, of] = /^([1-9][0-9]{0,8})\.(targets|snapshot)\.json$/.exec(name) ?? [];
    return of === role ? [Number(version)] : [];
  });
}

/** Versions that stay beside the one in force: a unit on a slow link may be in the midst of an older one. */
const kept = 3;

/** Removes what no timestamp refers to any more. */
export async function removeOld(
  files: Files,
  folder: string,
  inForce: { readonly targets: number; readonly snapshot: number },
): Promise<void> {
  for (const role of ['targets', 'snapshot'] as const) {
    for (const version of await versionsIn(files, folder, role)) {
      if (version < inForce[role] - kept) await files.remove(join(folder, `${version}.${role}.json`));
    }
  }
}

/** Takes the lock of a repository; throws `store-locked`. */
export type TakeLock = (folder: string) => Promise<{ release(): Promise<void> }>;

const between = milliseconds(50);
const tries = 100;

/** A signature takes a moment only: whoever comes in between waits for it, 5 s at most. */
export const waitingLock =
  (timer: Timer = systemTimer): TakeLock =>
  async (folder) => {
    for (let left = tries; ; left -= 1) {
      try {
        return await FolderLock.take(folder);
      } catch (error) {
        if (!(error instanceof AtalayaError) || error.code !== 'store-locked' || left <= 0) throw error;
        await timer.sleep(between);
      }
    }
  };

/** Does `work` while nobody else changes the repository. Throws `document-refused` where there is none, and what `take` throws. */
export async function locked<T>(files: Files, folder: string, take: TakeLock, work: () => Promise<T>): Promise<T> {
  await readSettings(files, folder);
  const lock = await take(folder);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
