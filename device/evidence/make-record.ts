import type { CaptureTime } from '../capture/frame.ts';
import type { Box } from '../detect/detection.ts';
import type { Infraction } from '../judge/infraction.ts';
import type { Clock, ClockState } from '../kernel/clock.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { parse } from '../kernel/schema.ts';
import { toIso } from '../kernel/units.ts';
import type { TrackPoint } from '../track/track.ts';
import type { IndexEntry } from './index-store.ts';
import type { JournalPosition } from './journal.ts';
import {
  type EvidenceFile,
  type EvidenceRecord,
  evidenceEntry,
  evidenceRecord,
  type Provenance,
  recordSchema,
} from './record.ts';

type Moment = EvidenceRecord['sealed'];

export interface RecordParts {
  readonly sequence: number;
  readonly unit: string;
  readonly boot: string;
  readonly clock: Clock;
  readonly infraction: Infraction;
  readonly provenance: Provenance;
  readonly track: readonly TrackPoint[];
  readonly files: readonly EvidenceFile[];
}

/**
 * The record of an infraction whose files are stored. Throws `internal`, naming each fault, for one that could not be read back: it
 * must not come into the journal.
 */
export function buildRecord(parts: RecordParts): EvidenceRecord {
  return parse(evidenceRecord, recordOf(parts), `the record of frame ${parts.infraction.frame}`, 'internal');
}

function recordOf(parts: RecordParts): EvidenceRecord {
  const { sequence, unit, boot, clock, infraction, files, provenance, track } = parts;
  const { rule, frame, time, lane, box, measured, findings } = infraction;
  return {
    schema: recordSchema,
    id: evidenceId(unit, sequence),
    unit,
    boot,
    sequence,
    sealed: momentOf({ utc: clock.utc(), elapsed: clock.monotonic(), clock: clock.state() }),
    infraction: {
      rule,
      frame,
      time: momentOf(time),
      track: infraction.track,
      class: infraction.class,
      lane: lane ?? null,
      box: boxOf(box),
      measured: measured.rule === 'restricted-lane' ? { ...measured, allowed: [...measured.allowed] } : { ...measured },
      findings: findings.map((finding) => ({ ...finding })),
    },
    files: [...files],
    provenance,
    auxiliary: {
      label: 'raw data, not a measurement',
      track: track.map((point) => ({
        frame: point.frame,
        elapsedMs: point.time.elapsed,
        box: boxOf(point.box),
        score: point.score,
        measured: point.measured,
      })),
    },
  };
}

const evidenceId = (unit: string, sequence: number): string => `${unit}-${sequence.toString().padStart(9, '0')}`;

export function momentOf({ utc, elapsed, clock }: CaptureTime): Moment {
  return { utc: toIso(utc), elapsedMs: elapsed, clock: clockOf(clock) };
}

function clockOf({ source, synchronised, dated, intervalError }: ClockState): Moment['clock'] {
  return { source, synchronised, dated, intervalErrorMs: intervalError };
}

/** Only what the record knows: a value may carry more than its type says. */
const boxOf = ({ x, y, width, height }: Box): Box => ({ x, y, width, height });

/** The record in a payload of the journal. Throws `store-version-unknown` for one that this software cannot read. */
export function readEntry(payload: Buffer, sequence: number): EvidenceRecord {
  const entry: unknown = JSON.parse(payload.toString());
  const schema = writtenSchema(entry);
  if (schema !== recordSchema) {
    throw new AtalayaError(
      'store-version-unknown',
      `entry ${sequence} has the schema ${schema}; this software knows ${recordSchema}`,
      {
        hint: 'Open the store with the software that wrote it.',
      },
    );
  }
  return parse(evidenceEntry, entry, `entry ${sequence} of the journal`, 'store-damaged').record;
}

function writtenSchema(entry: unknown): string {
  const record = typeof entry === 'object' && entry !== null && 'record' in entry ? entry.record : undefined;
  const schema = typeof record === 'object' && record !== null && 'schema' in record ? record.schema : undefined;
  return String(schema);
}

export function indexEntryOf(record: EvidenceRecord, position: JournalPosition): IndexEntry {
  const { rule, time, track, class: kind, lane } = record.infraction;
  return { position, id: record.id, time: time.utc, rule, track, class: kind, lane };
}
