import {
  Metadata,
  MetadataKind,
  type Root,
  Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { longestMetadata } from '../contract/repository.ts';
import { keyIdOf, keyObjectOf, type MetadataSigner, publicMetadataKey } from './signers/metadata-signer.ts';

/** One piece of TUF metadata: read, written, signed, and its signatures counted. */

export const roles = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type Role = (typeof roles)[number];

export interface SignedByRole {
  readonly root: Root;
  readonly targets: Targets;
  readonly snapshot: Snapshot;
  readonly timestamp: Timestamp;
}
export type Json = Parameters<typeof Metadata.fromJSON>[1];
export type AnyMetadata = Metadata<Root | Targets | Snapshot | Timestamp>;

/** As the specification has it: no fractions of a second. */
export const expiryAfter = (utc: number, days: number): string =>
  `${new Date(utc + days * 86_400_000).toISOString().slice(0, 19)}Z`;

export const specVersion = '1.0.31';

const readers: { readonly [R in Role]: (value: Json) => Metadata<SignedByRole[R]> } = {
  root: (value) => Metadata.fromJSON(MetadataKind.Root, value),
  targets: (value) => Metadata.fromJSON(MetadataKind.Targets, value),
  snapshot: (value) => Metadata.fromJSON(MetadataKind.Snapshot, value),
  timestamp: (value) => Metadata.fromJSON(MetadataKind.Timestamp, value),
};

/** Throws `document-refused`; `what` names the file. */
export function metadataOf<R extends Role>(role: R, value: unknown, what: string): Metadata<SignedByRole[R]> {
  try {
    const metadata = readers[role](value as Json);
    const { version, expires } = metadata.signed;
    if (!Number.isSafeInteger(version) || version < 1 || version > 999_999_999) throw new Error('it has no version');
    // A Date is read from a great many texts; this one is shown to people.
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(expires)) throw new Error('its end is no date and time in UTC');
    if (role === 'root') checkKeys((metadata as Metadata<Root>).signed, what);
    return metadata;
  } catch (error) {
    if (error instanceof AtalayaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AtalayaError('document-refused', `${what} is no ${role} metadata: ${reason}`, {
      hint: 'Take the file anew from where it was made.',
    });
  }
}

/** Throws `document-refused`, also for what no unit would read for its length. */
export function readMetadata<R extends Role>(role: R, bytes: Buffer, what: string): Metadata<SignedByRole[R]> {
  return metadataOf(role, parseJson(bytes, what, longestMetadata[role]), what);
}

/** Throws `document-refused` for what is no JSON, or longer than `most` bytes. */
export function parseJson(bytes: Buffer, what: string, most: number): unknown {
  if (bytes.byteLength > most) {
    throw new AtalayaError('document-refused', `${what} has ${bytes.byteLength} bytes, and ${most} are the most`);
  }
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new AtalayaError('document-refused', `${what} is no JSON`, {
      hint: 'Take the file anew from where it was made.',
    });
  }
}

/** One key under two names would count as two. */
function checkKeys(root: Root, what: string): void {
  for (const [id, key] of Object.entries(root.keys)) {
    const form = publicMetadataKey.safeParse(key.toJSON());
    if (!form.success || keyIdOf(form.data) !== id) {
      throw new AtalayaError(
        'document-refused',
        `${what} names a key ${id.slice(0, 16)} that is another, or of another form`,
      );
    }
    keyObjectOf(form.data, `the key ${id.slice(0, 16)} in ${what}`);
  }
  for (const [role, { keyIDs, threshold }] of Object.entries(root.roles)) {
    if (!roles.some((known) => known === role))
      throw new AtalayaError('document-refused', `${what} names a role that nobody knows`);
    if (
      !Number.isSafeInteger(threshold) ||
      threshold > keyIDs.length ||
      keyIDs.some((id) => !Object.hasOwn(root.keys, id))
    )
      throw new AtalayaError(
        'document-refused',
        `${what} asks for ${threshold} signatures of ${role}, which its keys cannot give`,
      );
  }
}

export const writeMetadata = (metadata: AnyMetadata): Buffer => Buffer.from(`${JSON.stringify(metadata.toJSON())}\n`);

/** The bytes that are signed. */
export function signedBytes(metadata: AnyMetadata): Buffer {
  let bytes = Buffer.alloc(0);
  new Metadata(metadata.signed).sign((message) => {
    bytes = Buffer.from(message);
    return new Signature({ keyID: '', sig: '' });
  });
  return bytes;
}

/** SHA-256 of what is signed: what key holders read to each other. */
export const fingerprintOf = (metadata: AnyMetadata): string => sha256(signedBytes(metadata));

/** Adds a signature, in the place of one by the same key. Throws what the signer throws. */
export async function addSignature(metadata: AnyMetadata, signer: MetadataSigner): Promise<void> {
  const signature = await signer.sign(signedBytes(metadata));
  metadata.signatures[signer.keyId] = new Signature({ keyID: signer.keyId, sig: signature.toString('hex') });
}

/** How many signatures of a role there are by the keys of a root, and how many it asks for. */
export interface Standing {
  readonly by: readonly string[];
  readonly keys: readonly string[];
  readonly threshold: number;
}

export function standingOf(root: Root, role: Role, metadata: AnyMetadata): Standing {
  const { keyIDs = [], threshold = 1 } = root.roles[role] ?? {};
  const by = keyIDs.filter((id) => hasSigned(root, id, metadata));
  return { by, keys: keyIDs, threshold };
}

export const isEnough = (root: Root, role: Role, metadata: AnyMetadata): boolean => {
  const { by, threshold } = standingOf(root, role, metadata);
  return by.length >= threshold;
};

/** Whether the key, where the root knows it, has signed exactly this. */
export function hasSigned(root: Root, keyId: string, metadata: AnyMetadata): boolean {
  try {
    root.keys[keyId]?.verifySignature(metadata);
    return root.keys[keyId] !== undefined;
  } catch {
    return false;
  }
}

/** Equal in all that is signed. */
export const isSame = (a: AnyMetadata, b: AnyMetadata): boolean => signedBytes(a).equals(signedBytes(b));
