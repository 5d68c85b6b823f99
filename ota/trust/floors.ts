import type { Metadata, Root } from '@tufjs/models';
import { z } from 'zod';
import { digest, instant } from '../../cloud-bridge/contract/names.ts';
import { jobId, release } from '../contract/names.ts';
import type { MetadataVersions } from '../contract/parts.ts';
import type { RepositoryName } from '../contract/repository.ts';
import type { RoleName } from './read-metadata.ts';

/**
 * Below what nothing is taken any more: the highest versions of metadata that were accepted, the releases that were confirmed, and the
 * latest time that is sure to have passed. They lie apart from the metadata itself, so that losing that opens nothing.
 */
export const floorsSchemaId = 'atalaya/update-floors/1';

/** `signers`: the keys that had signed what raised it, by id. */
const roleFloor = z.strictObject({ version: z.int().min(0), signers: z.array(digest).max(64) });
export type RoleFloor = z.infer<typeof roleFloor>;

const repositoryFloors = z.strictObject({
  /** A root is replaced by no vote of another role; its floor never gives way. */
  root: z.int().min(0),
  timestamp: roleFloor,
  snapshot: roleFloor,
  targets: roleFloor,
});
export type RepositoryFloors = z.infer<typeof repositoryFloors>;

export const floorsShape = z.strictObject({
  schema: z.literal(floorsSchemaId),
  /** Counts the changes, so that the newer of two copies is known. */
  change: z.int().min(0),
  image: repositoryFloors,
  director: repositoryFloors,
  /** Confirmed, by `KIND/NAME`. */
  releases: z.record(z.string().max(80), release),
  /** The newest job that was accepted. Gives way with the floor of the director's targets. */
  job: z.strictObject({ id: jobId, issued: instant }).optional(),
  /** The date at the newest accepted refresh, milliseconds since the epoch. Only a disciplined clock's. */
  time: z.int().min(0),
});
export type Floors = z.infer<typeof floorsShape>;

const none: RoleFloor = { version: 0, signers: [] };
const nothingSeen: RepositoryFloors = { root: 0, timestamp: none, snapshot: none, targets: none };

export const freshFloors: Floors = {
  schema: floorsSchemaId,
  change: 0,
  image: nothingSeen,
  director: nothingSeen,
  releases: {},
  time: 0,
};

/**
 * The version below which nothing of a role is taken, under this root. A floor stands as long as the metadata that raised it would still be
 * believed; a root that takes its keys away takes the floor away too, which is how a repository recovers from a thief who has counted as
 * far as numbers go (TUF specification 5.3.11, fast-forward).
 */
export function standing(floor: RoleFloor, role: Exclude<RoleName, 'root'>, root: Metadata<Root>): number {
  const { keyIDs = [] } = root.signed.roles[role] ?? {};
  // One of them that is still believed is enough: else the yearly change of one holder of three would open what was withdrawn.
  return floor.signers.some((id) => keyIDs.includes(id)) ? floor.version : 0;
}

export const componentKey = ({ kind, name }: { readonly kind: string; readonly name: string }): string =>
  `${kind}/${name}`;

/** The floors with these releases, where they are higher. */
export function withReleases(
  floors: Floors,
  releases: readonly { readonly kind: string; readonly name: string; readonly release: number }[],
): Floors {
  const raised: Record<string, number> = { ...floors.releases };
  for (const one of releases) {
    const key = componentKey(one);
    raised[key] = Math.max(raised[key] ?? 0, one.release);
  }
  return { ...floors, releases: raised };
}

/** The floors with the root of a repository, where it is higher. */
export function withRoot(floors: Floors, repository: RepositoryName, version: number): Floors {
  const before = floors[repository];
  return version <= before.root ? floors : { ...floors, [repository]: { ...before, root: version } };
}

export const versionsOf = ({ root, timestamp, snapshot, targets }: RepositoryFloors): MetadataVersions => ({
  root,
  timestamp: timestamp.version,
  snapshot: snapshot.version,
  targets: targets.version,
});
