import { Metadata, MetadataKind, type Root, type Snapshot, type Targets, type Timestamp } from '@tufjs/models';
import { type RefusalCode, refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import { longestMetadata } from '../contract/repository.ts';
import { metadataShapes } from './metadata-shapes.ts';
import { readStrictJson } from './strict-json.ts';

export const roleNames = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type RoleName = (typeof roleNames)[number];

interface Contents {
  readonly root: Root;
  readonly timestamp: Timestamp;
  readonly snapshot: Snapshot;
  readonly targets: Targets;
}

/** Metadata whose form is right, and the bytes that it was read from. Who signed it is not said by this. */
export interface ReadMetadata<Role extends RoleName> {
  readonly kind: 'read';
  readonly bytes: Buffer;
  readonly metadata: Metadata<Contents[Role]>;
}

type JsonObject = Parameters<typeof Metadata.fromJSON>[1];

const readers: { readonly [Role in RoleName]: (data: JsonObject) => Metadata<Contents[Role]> } = {
  root: (data) => Metadata.fromJSON(MetadataKind.Root, data),
  timestamp: (data) => Metadata.fromJSON(MetadataKind.Timestamp, data),
  snapshot: (data) => Metadata.fromJSON(MetadataKind.Snapshot, data),
  targets: (data) => Metadata.fromJSON(MetadataKind.Targets, data),
};

/** The one way in for metadata: its length, its text, its form. `what` names the file for a person. */
export function readMetadata<Role extends RoleName>(
  role: Role,
  bytes: Buffer,
  what: string,
): ReadMetadata<Role> | UpdateRefused {
  if (bytes.byteLength > longestMetadata[role])
    return refusedUpdate('metadata-endless', `${what} is longer than ${longestMetadata[role]} bytes`);
  const json = readStrictJson(bytes);
  if (json.kind === 'malformed') return refusedUpdate('metadata-malformed', `${what} ${json.detail}`);
  const checked = metadataShapes[role].safeParse(json.value);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    // A name that the file itself brings may be anything; where it is wrong is told as far as the form names it.
    const place = issue?.path.slice(0, 2).join('.') ?? '';
    const fault = issue?.code === 'unrecognized_keys' ? 'has a field that does not belong there' : issue?.message;
    return refusedUpdate('metadata-malformed', `${what}: ${place === '' ? 'it' : place} ${fault}`);
  }
  try {
    return { kind: 'read', bytes, metadata: readers[role](json.value as JsonObject) };
  } catch {
    return refusedUpdate('metadata-malformed', `${what} is not what the TUF specification calls ${role}`);
  }
}

/** The keys of `role` under this root whose signatures the metadata bears; each counted once. */
export function signersOf<Role extends RoleName>(
  root: Metadata<Root>,
  role: Role,
  metadata: Metadata<Contents[Role]>,
): readonly string[] {
  return (root.signed.roles[role]?.keyIDs ?? []).filter((id) => {
    try {
      root.signed.keys[id]?.verifySignature(metadata);
      return root.signed.keys[id] !== undefined;
    } catch {
      return false;
    }
  });
}

/** Whether the root believes this metadata of the role (5.3.4, 5.4.2, 5.5.3, 5.6.3). */
export function believes<Role extends RoleName>(
  root: Metadata<Root>,
  role: Role,
  metadata: Metadata<Contents[Role]>,
): boolean {
  try {
    root.verifyDelegate(role, metadata);
    return true;
  } catch {
    return false;
  }
}

export const isRefused = (value: { readonly kind: string }): value is UpdateRefused => value.kind === 'refused';

/** The codes of an expired file and of one that was signed by too few, by its role. */
export const expiredCodes = {
  root: 'root-expired',
  timestamp: 'timestamp-expired',
  snapshot: 'snapshot-expired',
  targets: 'targets-expired',
} as const satisfies Record<RoleName, RefusalCode>;
