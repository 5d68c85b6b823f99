import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../../kernel/canonical-json.ts';
import { type CommonRecord, commonRecord } from './common-shape.ts';
import { firstDifference, fromBase64, reasonOf } from './text-forms.ts';

/** What is wrong with bytes that should be an entry; `byte` counts from their first. */
export interface EntryFault {
  readonly part: 'journal' | 'record' | 'signature';
  readonly byte: number;
  readonly check: string;
  readonly says: string;
}

export interface Entry {
  /** The signed bytes: canonical JSON. */
  readonly bytes: Buffer;
  readonly signature: Buffer;
  readonly record: CommonRecord;
}

const opening = '{"record":';
const between = ',"signature":"';

/** The record and the signature in the payload of an entry. */
export function readEntry(payload: Buffer): Entry | EntryFault {
  const value = readCanonical(payload, 'journal');
  if ('says' in value) return value;
  const members = value.json;
  const keys = typeof members === 'object' && members !== null ? Object.keys(members) : [];
  const signature = keys.length === 2 ? (members as { signature?: unknown }).signature : undefined;
  if (typeof signature !== 'string' || !value.text.startsWith(opening)) {
    const says = 'the payload must have the two members record and signature';
    return { part: 'journal', byte: 0, check: 'spec: shape of a payload', says };
  }
  const end = payload.lastIndexOf(between);
  const signed = fromBase64(signature);
  if (signed === undefined || signed.byteLength === 0) {
    const says = 'the signature is not standard base64 in its canonical form';
    return { part: 'signature', byte: end + between.length, check: 'RFC 4648 §4', says };
  }
  const record = commonRecord((members as { record?: unknown }).record);
  if (typeof record === 'string') {
    return { part: 'record', byte: opening.length, check: 'spec: members of every record', says: record };
  }
  return { bytes: payload.subarray(opening.length, end), signature: signed, record };
}

/** The record in its own bytes, as a pack has it. */
export function readRecord(bytes: Buffer): CommonRecord | EntryFault {
  const value = readCanonical(bytes, 'record');
  if ('says' in value) return value;
  const record = commonRecord(value.json);
  return typeof record === 'string'
    ? { part: 'record', byte: 0, check: 'spec: members of every record', says: record }
    : record;
}

/** The value of bytes that are its one canonical JSON text. */
export function readCanonical(
  bytes: Buffer,
  part: EntryFault['part'],
): { readonly json: unknown; readonly text: string } | EntryFault {
  const check = 'RFC 8785';
  if (!isUtf8(bytes)) return { part, byte: firstNonUtf8(bytes), check, says: 'the text is not UTF-8' };
  const text = bytes.toString('utf8');
  try {
    const json: unknown = JSON.parse(text);
    if (isPlainlyCanonical(json, text)) return { json, text };
    const canonical = canonicalJson(json as JsonValue);
    if (canonical === text) return { json, text };
    const byte = firstDifference(bytes, Buffer.from(canonical)) ?? 0;
    return { part, byte, check, says: 'the text is JSON, but not the canonical one of its value' };
  } catch (error) {
    const byte = parsePosition(error, text);
    return { part, byte, check, says: `the text has no canonical JSON form (${printable(reasonOf(error))})` };
  }
}

/**
 * True only for canonical text, and for nearly all of it; much faster than writing the canonical text anew. RFC 8785 takes numbers
 * and strings as ECMAScript's `JSON.stringify` writes them, so a text that comes back the same has but one thing left to go wrong:
 * the order of keys. A lone surrogate, which RFC 8785 refuses, comes back as an escape, so a text with such an escape is left to the
 * full comparison.
 */
function isPlainlyCanonical(json: unknown, text: string): boolean {
  return !text.includes('\\ud') && JSON.stringify(json) === text && sorted(json);
}

function sorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(sorted);
  let before: string | undefined;
  for (const [key, member] of Object.entries(value)) {
    if ((before !== undefined && before >= key) || !sorted(member)) return false;
    before = key;
  }
  return true;
}

/** JSON's own messages quote the text; only the beginning is kept, and only what prints. */
const printable = (message: string): string => message.replace(/[^ -~]/g, '?').slice(0, 80);

function parsePosition(error: unknown, text: string): number {
  const position = /at position ([0-9]+)/.exec(reasonOf(error))?.[1];
  return position === undefined ? 0 : Buffer.byteLength(text.slice(0, Number(position)));
}

function firstNonUtf8(bytes: Buffer): number {
  return firstDifference(bytes, Buffer.from(bytes.toString('utf8'))) ?? 0;
}

/** The leaf of an entry in the log. */
export function leafOf(record: Buffer, signature: Buffer): Buffer {
  const digests = [hash('sha256', record, 'hex'), hash('sha256', signature, 'hex')];
  return Buffer.from(`${digests[0]}  record.json\n${digests[1]}  record.sig\n`, 'latin1');
}
