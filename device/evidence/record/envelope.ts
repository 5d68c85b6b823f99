import { sha256 } from '../../kernel/hash.ts';

/** An entry as it is signed: the record's canonical JSON and the signature over exactly these bytes. */
export interface SignedRecord {
  readonly bytes: Buffer;
  readonly signature: Buffer;
}

const before = Buffer.from('{"record":');
const between = Buffer.from(',"signature":"');
const after = Buffer.from('"}');

/** The journal's payload, canonical JSON by construction: the two names stand in their order. */
export function payloadOf({ bytes, signature }: SignedRecord): Buffer {
  return Buffer.concat([before, bytes, between, Buffer.from(signature.toString('base64')), after]);
}

/** The two parts of a payload, as they were signed; undefined where it is not of this shape. */
export function signedRecordOf(payload: Buffer): SignedRecord | undefined {
  // Base64 has no quotation mark, so the last occurrence is the envelope's own.
  const end = payload.lastIndexOf(between);
  const start = before.byteLength;
  if (end < start || !payload.subarray(0, start).equals(before) || !payload.subarray(-after.byteLength).equals(after)) {
    return undefined;
  }
  const signature = Buffer.from(payload.toString('latin1', end + between.byteLength, payload.byteLength - 2), 'base64');
  return { bytes: payload.subarray(start, end), signature };
}

/**
 * What the log holds of an entry, and what a proof is about. It reads as the input of `sha256sum -c` beside the two files of an audit
 * pack, so that no tool of ours is needed to come from them to the leaf.
 */
export function leafOf({ bytes, signature }: SignedRecord): Buffer {
  return Buffer.from(`${sha256(bytes)}  record.json\n${sha256(signature)}  record.sig\n`);
}
