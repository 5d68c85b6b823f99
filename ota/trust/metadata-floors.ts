import type { RepositoryName } from '../contract/repository.ts';
import { type Floors, freshFloors, type RepositoryFloors, type RoleFloor } from './floors.ts';
import type { AcceptedRepository, TrustedRepository } from './judge-repository.ts';
import type { TrustedRepositories } from './metadata-store.ts';
import { type ReadMetadata, type RoleName, signersOf } from './read-metadata.ts';

/** The floors that accepted metadata sets. */
export function floorsOf({ root, timestamp, snapshot, targets }: AcceptedRepository): RepositoryFloors {
  return {
    root: root.metadata.signed.version,
    timestamp: floorOf(root, 'timestamp', timestamp),
    snapshot: floorOf(root, 'snapshot', snapshot),
    targets: floorOf(root, 'targets', targets),
  };
}

function floorOf<Role extends Exclude<RoleName, 'root'>>(
  root: ReadMetadata<'root'>,
  role: Role,
  { metadata }: ReadMetadata<Role>,
): RoleFloor {
  return { version: metadata.signed.version, signers: [...signersOf(root.metadata, role, metadata)] };
}

/** Floors where only the metadata is left. */
export function seededBy(stored: TrustedRepositories): Floors {
  const of = (trusted: TrustedRepository | undefined, name: RepositoryName): RepositoryFloors => {
    if (trusted === undefined) return freshFloors[name];
    const { root, timestamp, snapshot, targets } = trusted;
    const { root: version, ...none } = freshFloors[name];
    return {
      root: Math.max(version, root.metadata.signed.version),
      timestamp: timestamp === undefined ? none.timestamp : floorOf(root, 'timestamp', timestamp),
      snapshot: snapshot === undefined ? none.snapshot : floorOf(root, 'snapshot', snapshot),
      targets: targets === undefined ? none.targets : floorOf(root, 'targets', targets),
    };
  };
  return { ...freshFloors, image: of(stored.image, 'image'), director: of(stored.director, 'director') };
}
