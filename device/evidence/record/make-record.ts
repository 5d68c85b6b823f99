import type { CaptureTime } from '../../capture/frame.ts';
import type { Box } from '../../detect/detection.ts';
import type { Infraction } from '../../judge/infraction.ts';
import type { RawData } from '../../judge/raw-data.ts';
import { rawRecordOf } from '../../judge/raw-record.ts';
import type { Clock, ClockState } from '../../kernel/clock.ts';
import { parse } from '../../kernel/schema.ts';
import { toIso } from '../../kernel/units.ts';
import { type CalibrationRecord, needsLens } from '../../scene/calibration-record.ts';
import { type Action, type ActionRecord, type Actor, actionRecords, writtenAs } from './action-record.ts';
import {
  type EvidenceRecord,
  evidenceRecord,
  evidenceSchema,
  lensRecord,
  lensSchema,
  type Provenance,
} from './record.ts';

type Moment = EvidenceRecord['sealed'];

/** What stands in every record, whatever it is about. */
export interface RecordHead {
  readonly unit: string;
  readonly boot: string;
  readonly sequence: number;
  /** SHA-256 of the signing key's public half. */
  readonly signer: string;
}

export interface EvidenceParts extends Pick<EvidenceRecord, 'files' | 'sealing' | 'plate'> {
  readonly infraction: Infraction;
  readonly provenance: Provenance;
  /** What the judge had in hand. */
  readonly raw: RawData;
  readonly calibration: CalibrationRecord;
}

/**
 * The record of an infraction whose files are stored. Throws `internal`, naming each fault, for one that could not be read back: it
 * must not come into the journal.
 */
export function makeEvidenceRecord(head: RecordHead, parts: EvidenceParts, clock: Clock): EvidenceRecord {
  const { infraction, files, sealing, plate, provenance, raw, calibration } = parts;
  const { rule, frame, time, lane, box, measured, findings } = infraction;
  const bent = needsLens(calibration);
  const record = {
    schema: bent ? lensSchema : evidenceSchema,
    id: evidenceId(head.unit, head.sequence),
    ...head,
    sealed: momentNow(clock),
    infraction: {
      rule,
      frame,
      time: momentOf(time),
      track: infraction.track,
      class: infraction.class,
      lane: lane ?? null,
      box: boxOf(box),
      measured,
      findings,
    },
    files,
    sealing,
    ...(plate === undefined ? {} : { plate }),
    provenance,
    auxiliary: {
      label: 'raw data, not a measurement',
      calibration,
      ...rawRecordOf(raw),
    },
  };
  return parse<EvidenceRecord>(bent ? lensRecord : evidenceRecord, record, `the record of frame ${frame}`, 'internal');
}

export interface ActionParts {
  readonly actor: Actor;
  readonly action: Action;
  readonly reason: string;
}

/** The record of an act. Throws `usage-invalid` where a reason or a name is empty. */
export function makeActionRecord(head: RecordHead, parts: ActionParts, clock: Clock): ActionRecord {
  const schema = writtenAs(parts.action);
  const record = { schema, ...head, time: momentNow(clock), ...parts };
  return parse<ActionRecord>(actionRecords[schema], record, 'the record of what is done', 'usage-invalid');
}

const idPattern = /^(.+)-(\d{9,})$/;

export const evidenceId = (unit: string, sequence: number): string => `${unit}-${sequence.toString().padStart(9, '0')}`;

/** The sequence number in an id of this unit; undefined for any other text. */
export function sequenceOf(unit: string, id: string): number | undefined {
  const [, name, digits] = idPattern.exec(id) ?? [];
  const sequence = Number(digits);
  return name === unit && evidenceId(unit, sequence) === id ? sequence : undefined;
}

export function momentOf({ utc, elapsed, clock }: CaptureTime): Moment {
  return { utc: toIso(utc), elapsedMs: elapsed, clock: clockOf(clock) };
}

const momentNow = (clock: Clock): Moment =>
  momentOf({ utc: clock.utc(), elapsed: clock.monotonic(), clock: clock.state() });

function clockOf({ source, synchronised, dated, intervalError }: ClockState): Moment['clock'] {
  return { source, synchronised, dated, intervalErrorMs: intervalError };
}

/** Only what the record knows: a value may carry more than its type says. */
const boxOf = ({ x, y, width, height }: Box): Box => ({ x, y, width, height });
