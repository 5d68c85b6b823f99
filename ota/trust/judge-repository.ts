import { type RefusalCode, refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { RepositoryName } from '../contract/repository.ts';
import { type RepositoryFloors, standing } from './floors.ts';
import { believes, expiredCodes, isRefused, type ReadMetadata, type RoleName, readMetadata } from './read-metadata.ts';

/** What a unit believes of one repository. */
export interface TrustedRepository {
  readonly root: ReadMetadata<'root'>;
  readonly timestamp?: ReadMetadata<'timestamp'>;
  readonly snapshot?: ReadMetadata<'snapshot'>;
  readonly targets?: ReadMetadata<'targets'>;
}

export interface AcceptedRepository extends Required<TrustedRepository> {
  readonly kind: 'accepted';
}

export interface Evidence {
  readonly name: RepositoryName;
  readonly trusted: TrustedRepository;
  /** What the source gave, by the name of the file; undefined where it said that it has none. */
  readonly fetched: ReadonlyMap<string, Buffer | undefined>;
  readonly floors: RepositoryFloors;
  /** What is expired at this time is expired; milliseconds since the epoch. */
  readonly now: number;
}

export interface Judgement {
  /** The newest root, where the way to it holds; it counts whatever becomes of the rest (5.3.8). */
  readonly root?: ReadMetadata<'root'>;
  readonly outcome: AcceptedRepository | UpdateRefused;
}

/** Steps from one root to the next in one refresh. */
export const mostRoots = 64;

/**
 * The detailed client workflow of the TUF specification (1.0.33, 5.3 to 5.6) over bytes that were fetched, without any of its state: what a
 * refresh may accept, or the one clause that it breaks. Nothing is fetched and nothing is changed.
 */
export function judgeRepository(evidence: Evidence): Judgement {
  const root = newestRoot(evidence);
  if (isRefused(root)) return { outcome: root };
  return { root, outcome: belowRoot({ ...evidence, root }) };
}

/** 5.3: from the trusted root step by step to the newest. */
function newestRoot({ name, trusted, fetched, floors }: Evidence): ReadMetadata<'root'> | UpdateRefused {
  let root = trusted.root;
  for (let step = 0; step < mostRoots; step++) {
    const version = root.metadata.signed.version + 1;
    const what = `${name}/${version}.root.json`;
    const bytes = fetched.get(`${version}.root.json`);
    if (bytes === undefined) break;
    const next = readMetadata('root', bytes, what);
    if (isRefused(next)) return next;
    // 5.3.4: by the keys of the root before and by its own.
    if (!believes(root.metadata, 'root', next.metadata))
      return refusedUpdate('root-threshold', `${what} is not signed by enough keys of the root before it`);
    if (!believes(next.metadata, 'root', next.metadata))
      return refusedUpdate('root-threshold', `${what} is not signed by enough of its own keys`);
    // 5.3.5
    if (next.metadata.signed.version !== version)
      return refusedUpdate('root-rollback', `${what} is version ${next.metadata.signed.version}`);
    root = next;
  }
  const { version } = root.metadata.signed;
  if (version < floors.root)
    return refusedUpdate(
      'root-rollback',
      `the source has roots of ${name} up to ${version} only, ${floors.root} is known`,
    );
  return root;
}

type Rest = Evidence & { readonly root: ReadMetadata<'root'> };

function belowRoot(evidence: Rest): AcceptedRepository | UpdateRefused {
  const { root } = evidence;
  const expired = expiry(evidence, 'root', root);
  if (expired !== undefined) return expired;
  const timestamp = newestTimestamp(evidence);
  if (isRefused(timestamp)) return timestamp;
  const snapshot = itsSnapshot(evidence, timestamp);
  if (isRefused(snapshot)) return snapshot;
  const targets = itsTargets(evidence, snapshot);
  if (isRefused(targets)) return targets;
  return { kind: 'accepted', root, timestamp, snapshot, targets };
}

/** 5.4 */
function newestTimestamp(evidence: Rest): ReadMetadata<'timestamp'> | UpdateRefused {
  const { name, root, trusted, fetched, floors } = evidence;
  const what = `${name}/timestamp.json`;
  const bytes = fetched.get('timestamp.json');
  if (bytes === undefined) return refusedUpdate('metadata-absent', `the source has no ${what}`);
  const read = readMetadata('timestamp', bytes, what);
  if (isRefused(read)) return read;
  // 5.4.2
  if (!believes(root.metadata, 'timestamp', read.metadata)) return unsigned('timestamp-signature', what);
  // 5.4.3.1; the one that is there already stays where the version is the same.
  const kept = trusted.timestamp;
  const same =
    kept !== undefined &&
    kept.metadata.signed.version === read.metadata.signed.version &&
    believes(root.metadata, 'timestamp', kept.metadata);
  const timestamp = same ? kept : read;
  const { version, snapshotMeta } = timestamp.metadata.signed;
  const least = standing(floors.timestamp, 'timestamp', root.metadata);
  if (version < least) return older('timestamp-rollback', what, version, least);
  // 5.4.3.2
  const leastSnapshot = standing(floors.snapshot, 'snapshot', root.metadata);
  if (snapshotMeta.version < leastSnapshot)
    return older('snapshot-rollback', `the snapshot of ${name}`, snapshotMeta.version, leastSnapshot);
  // 5.4.4
  return expiry(evidence, 'timestamp', timestamp) ?? timestamp;
}

/** 5.5 */
function itsSnapshot(evidence: Rest, timestamp: ReadMetadata<'timestamp'>): ReadMetadata<'snapshot'> | UpdateRefused {
  const { name, root, floors } = evidence;
  const said = timestamp.metadata.signed.snapshotMeta;
  const read = fileOf(evidence, 'snapshot', said.version);
  if (isRefused(read)) return read;
  const what = `${name}/${said.version}.snapshot.json`;
  // 5.5.2
  if (!agrees(said, read.bytes))
    return refusedUpdate('snapshot-mismatch', `${what} has not the length or the hash that the timestamp gives`);
  // 5.5.3
  if (!believes(root.metadata, 'snapshot', read.metadata)) return unsigned('snapshot-signature', what);
  const { version, meta } = read.metadata.signed;
  // 5.5.4
  if (version !== said.version) return refusedUpdate('snapshot-mismatch', `${what} is version ${version}`);
  // 5.5.5
  const least = standing(floors.targets, 'targets', root.metadata);
  const given = meta['targets.json']?.version ?? 0;
  if (given < least) return older('targets-rollback', `the targets of ${name}`, given, least);
  // 5.5.6
  return expiry(evidence, 'snapshot', read) ?? read;
}

/** 5.6 */
function itsTargets(evidence: Rest, snapshot: ReadMetadata<'snapshot'>): ReadMetadata<'targets'> | UpdateRefused {
  const { name, root } = evidence;
  const said = snapshot.metadata.signed.meta['targets.json'];
  if (said === undefined) return refusedUpdate('metadata-malformed', `the snapshot of ${name} has no targets.json`);
  const read = fileOf(evidence, 'targets', said.version);
  if (isRefused(read)) return read;
  const what = `${name}/${said.version}.targets.json`;
  // 5.6.2
  if (!agrees(said, read.bytes))
    return refusedUpdate('targets-mismatch', `${what} has not the length or the hash that the snapshot gives`);
  // 5.6.3
  if (!believes(root.metadata, 'targets', read.metadata)) return unsigned('targets-signature', what);
  // 5.6.4
  const { version } = read.metadata.signed;
  if (version !== said.version) return refusedUpdate('targets-mismatch', `${what} is version ${version}`);
  // 5.6.5
  return expiry(evidence, 'targets', read) ?? read;
}

/** What was fetched, or what is there already where nothing had to be. */
function fileOf<Role extends 'snapshot' | 'targets'>(
  { name, trusted, fetched }: Evidence,
  role: Role,
  version: number,
): ReadMetadata<Role> | UpdateRefused {
  const file = `${version}.${role}.json`;
  const bytes = fetched.get(file);
  if (bytes !== undefined) return readMetadata(role, bytes, `${name}/${file}`);
  const kept = trusted[role] as ReadMetadata<Role> | undefined;
  if (!fetched.has(file) && kept?.metadata.signed.version === version) return kept;
  return refusedUpdate('metadata-absent', `the source has no ${name}/${file}`);
}

/** Length and hashes, where they are given. */
function agrees(said: { verify(data: Buffer): void }, bytes: Buffer): boolean {
  try {
    said.verify(bytes);
    return true;
  } catch {
    return false;
  }
}

function expiry<Role extends RoleName>(
  { name, now }: Evidence,
  role: Role,
  { metadata }: ReadMetadata<Role>,
): UpdateRefused | undefined {
  if (!metadata.signed.isExpired(new Date(now))) return undefined;
  return refusedUpdate(
    expiredCodes[role],
    `the ${role} of ${name} ran out at ${metadata.signed.expires}, and it is ${new Date(now).toISOString()} or later`,
  );
}

const unsigned = (code: RefusalCode, what: string): UpdateRefused =>
  refusedUpdate(code, `${what} is not signed by enough keys of its role`);

const older = (code: RefusalCode, what: string, version: number, least: number): UpdateRefused =>
  refusedUpdate(code, `${what} is version ${version}, and ${least} was seen already`);
