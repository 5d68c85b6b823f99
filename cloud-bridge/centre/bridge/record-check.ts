import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import type { LedgerEntry } from '../../contract/events.ts';

/** The keys of a unit, as the centre knows them. */
export interface UnitKeys {
  /** The first that was seen, and those that were accepted since, by id. */
  readonly accepted: ReadonlyMap<string, KeyObject>;
  /** Id of the key that it came with, and which nobody has accepted. */
  readonly presented: string | undefined;
}

export type RecordVerdict =
  | { readonly kind: 'good' }
  /** Never to be taken. */
  | { readonly kind: 'refused'; readonly reason: 'record-foreign' | 'record-unsigned'; readonly detail: string }
  /** Not to be taken now: the unit sends it again. */
  | { readonly kind: 'held'; readonly reason: 'key-unknown' | 'key-not-accepted'; readonly detail: string };

/**
 * Holds the record of a ledger entry against the unit that sent it and the keys of that unit: Ed25519 (RFC 8032), or ECDSA on P-256 with
 * SHA-256 in DER, over the canonical JSON of the record. The signature is checked beside the event loop. Never rejects.
 */
export async function checkRecord(unit: string, entry: LedgerEntry, keys: UnitKeys): Promise<RecordVerdict> {
  const { record, signature } = entry;
  if (record.unit !== unit) {
    return { kind: 'refused', reason: 'record-foreign', detail: 'the record says that it is of another unit' };
  }
  const { signer } = record;
  const named = typeof signer === 'string' ? signer : [...keys.accepted.keys()].at(-1);
  const key = named === undefined ? undefined : keys.accepted.get(named);
  if (key === undefined) {
    if (keys.accepted.size === 0) {
      return { kind: 'held', reason: 'key-unknown', detail: 'no key of this unit is known yet' };
    }
    if (named === keys.presented) {
      return { kind: 'held', reason: 'key-not-accepted', detail: 'it is signed with a key that nobody has accepted' };
    }
    return { kind: 'refused', reason: 'record-unsigned', detail: 'the record names a signer that this unit never had' };
  }
  const bytes = bytesOf(record as JsonValue);
  if (bytes !== undefined && (await holds(key, bytes, Buffer.from(signature, 'base64')))) return { kind: 'good' };
  return { kind: 'refused', reason: 'record-unsigned', detail: 'the signature of the record does not hold' };
}

function bytesOf(record: JsonValue): Buffer | undefined {
  try {
    return Buffer.from(canonicalJson(record));
  } catch (error) {
    if (isAtalayaError(error)) return undefined;
    throw error;
  }
}

function holds(key: KeyObject, bytes: Buffer, signature: Buffer): Promise<boolean> {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return new Promise((resolve) => {
    verify(algorithm, bytes, key, signature, (error, good) => resolve(error === null && good));
  });
}

/** A key that may sign records; undefined for text that is none. */
export function recordKey(spkiPem: string): KeyObject | undefined {
  try {
    const key = createPublicKey(spkiPem);
    const fits =
      key.asymmetricKeyType === 'ed25519' ||
      (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1');
    return fits ? key : undefined;
  } catch {
    return undefined;
  }
}
