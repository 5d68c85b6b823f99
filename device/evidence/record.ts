import { z } from 'zod';
import { objectClasses } from '../detect/detection.ts';
import { ruleNames } from '../judge/infraction.ts';
import { findingSchema, measurementSchema } from '../judge/infraction-schema.ts';

/**
 * The evidence record: what a unit states about one infraction, as plain data that becomes canonical JSON.
 *
 * Every figure bears its unit in its name. Dates are ISO 8601 UTC with milliseconds; `elapsedMs` counts from the beginning of the
 * source and never steps back, so intervals and speeds are taken from it.
 */

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');
const count = z.int().nonnegative();
const text = z.string().min(1);

const clock = z.strictObject({
  source: z.enum(['system', 'recording', 'nominal']),
  synchronised: z.boolean(),
  /** False where nothing states the date: the dates are then those of a replay, and only intervals mean anything. */
  dated: z.boolean(),
  /** Bound of the error of an interval, 1 sigma. */
  intervalErrorMs: z.number().nonnegative(),
});

const moment = z.strictObject({ utc: z.iso.datetime({ precision: 3 }), elapsedMs: z.number(), clock });

/** Pixels of the full picture, origin top left. */
const box = z.strictObject({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });

export const fileRoles = ['context', 'close-up', 'annotated'] as const;
export const fileMoments = ['before', 'at', 'after'] as const;

const file = z.strictObject({
  name: text,
  role: z.enum(fileRoles),
  /** Which frame of the infraction it shows. */
  moment: z.enum(fileMoments),
  mediaType: z.enum(['image/jpeg', 'image/png']),
  bytes: count,
  sha256: digest,
  width: count,
  height: count,
  /** Number and time of the frame. */
  frame: count,
  time: moment,
  /**
   * `original`: the camera's own bytes. `encoded`: the full picture, encoded here because the camera delivers pixels. `derived`:
   * made from the picture for people to look at; it proves nothing that the others do not.
   */
  origin: z.enum(['original', 'encoded', 'derived']),
  /** How it was made, for the defence. */
  making: z.string(),
});

const provenance = z.strictObject({
  site: z.strictObject({ id: text, name: text, direction: text.optional() }),
  software: z.strictObject({ version: text, sha256: digest.optional() }),
  configuration: z.strictObject({ sha256: digest }),
  scene: z.strictObject({ name: text, sha256: digest }),
  model: z.strictObject({ id: text, version: text.optional(), sha256: digest }),
});

export const recordSchema = 'atalaya/evidence/1';

export const evidenceRecord = z.strictObject({
  schema: z.literal(recordSchema),
  id: text,
  unit: text,
  /** Names one start of the machine or of the program, so that elapsed times of two runs are never compared. */
  boot: text,
  sequence: z.int().positive(),
  sealed: moment,
  infraction: z.strictObject({
    rule: z.enum(ruleNames),
    frame: count,
    time: moment,
    track: z.int(),
    class: z.enum(objectClasses),
    lane: text.nullable(),
    box,
    measured: measurementSchema,
    findings: z.array(findingSchema),
  }),
  files: z.array(file),
  provenance,
  /** Raw data from which the figures can be derived again. Not itself a measurement: the label says so wherever it is shown. */
  auxiliary: z.strictObject({
    label: z.literal('raw data, not a measurement'),
    track: z.array(
      z.strictObject({ frame: count, elapsedMs: z.number(), box, score: z.number(), measured: z.boolean() }),
    ),
  }),
});

/** What the journal holds: entries of several types, told apart by `type`. */
export const evidenceEntry = z.strictObject({ type: z.literal('evidence'), record: evidenceRecord });

export type EvidenceRecord = z.infer<typeof evidenceRecord>;
export type EvidenceFile = EvidenceRecord['files'][number];
export type Provenance = z.infer<typeof provenance>;
