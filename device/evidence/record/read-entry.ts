import { AtalayaError } from '../../kernel/errors.ts';
import type { JournalPosition } from '../../kernel/journal/journal.ts';
import { parse } from '../../kernel/schema.ts';
import type { IndexEntry } from '../index/index-store.ts';
import { type ActionRecord, actionRecordOf } from './action-record.ts';
import { type SignedRecord, signedRecordOf } from './envelope.ts';
import { sequenceOf } from './make-record.ts';
import { type EvidenceRecord, evidenceRecordOf } from './record.ts';

/** An entry of the journal, read back. What newer software wrote is kept and counted, and not interpreted. */
export type Entry = SignedRecord &
  (
    | { readonly kind: 'evidence'; readonly record: EvidenceRecord }
    | { readonly kind: 'action'; readonly record: ActionRecord }
    | { readonly kind: 'unknown'; readonly schema: string }
  );

/** Throws `store-damaged` where a payload that is whole is not an entry. */
export function readEntry(payload: Buffer, sequence: number): Entry {
  const what = `entry ${sequence} of the journal`;
  const signed = readSigned(payload, sequence);
  const record = jsonOf(signed.bytes, what);
  if (typeof record !== 'object' || record === null) throw new AtalayaError('store-damaged', `${what} is no record`);
  const schema = schemaOf(record);
  const evidence = evidenceRecordOf(schema);
  if (evidence !== undefined) {
    return { ...signed, kind: 'evidence', record: parse(evidence, record, what, 'store-damaged') };
  }
  const action = actionRecordOf(schema);
  if (action !== undefined) return { ...signed, kind: 'action', record: parse(action, record, what, 'store-damaged') };
  return { ...signed, kind: 'unknown', schema };
}

/** The two parts of an entry, not interpreted. Throws `store-damaged` where a payload that is whole is not an entry. */
export function readSigned(payload: Buffer, sequence: number): SignedRecord {
  const signed = signedRecordOf(payload);
  if (signed !== undefined) return signed;
  throw new AtalayaError('store-damaged', `entry ${sequence} of the journal is not a signed record`);
}

function jsonOf(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw new AtalayaError('store-damaged', `${what} is not JSON`, { cause: error });
  }
}

function schemaOf(record: object): string {
  const schema = 'schema' in record ? record.schema : undefined;
  return typeof schema === 'string' ? schema : 'none';
}

/** The line of the index about an entry. */
export function indexEntryOf(entry: Entry, position: JournalPosition): IndexEntry {
  switch (entry.kind) {
    case 'evidence': {
      const { id, infraction, sealed, files, sealing } = entry.record;
      const { rule, time, track, class: kind, lane } = infraction;
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      return {
        kind: 'evidence',
        position,
        id,
        time: time.utc,
        sealed: sealed.utc,
        dated: sealed.clock.dated,
        rule,
        track,
        class: kind,
        lane,
        bytes: sealing === null ? 0 : bytes,
        holds: [],
        erased: null,
      };
    }
    case 'action': {
      const { action, actor, reason, time, unit } = entry.record;
      const one = 'evidence' in action && typeof action.evidence === 'string' ? action.evidence : undefined;
      return {
        kind: 'action',
        position,
        time: time.utc,
        action: action.kind,
        subject: one === undefined ? null : (sequenceOf(unit, one) ?? null),
        hold: 'hold' in action ? action.hold : null,
        actor: actor.name,
        reason,
      };
    }
    case 'unknown':
      return { kind: 'unknown', position, time: '', schema: entry.schema };
  }
}
