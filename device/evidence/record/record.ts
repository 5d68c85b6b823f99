import { z } from 'zod';
import { objectClasses } from '../../detect/detection.ts';
import { ruleNames } from '../../judge/infraction.ts';
import { findingSchema, measurementSchema } from '../../judge/infraction-schema.ts';
import { rawRecord } from '../../judge/raw-record.ts';
import { unreadReasons } from '../../plate/vote/track-plate.ts';
import { calibrationRecord, lensCalibrationRecord, straightCalibrationRecord } from '../../scene/calibration-record.ts';

/**
 * The evidence record: what a unit states about one infraction, as plain data that becomes canonical JSON.
 *
 * Every figure bears its unit in its name. Dates are ISO 8601 UTC with milliseconds; `elapsedMs` counts from the beginning of the
 * source and never steps back, so intervals and speeds are taken from it.
 */

export const digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal');
export const count = z.int().nonnegative();
export const text = z.string().min(1);

const clock = z.strictObject({
  source: z.enum(['system', 'recording', 'nominal']),
  synchronised: z.boolean(),
  /** False where nothing states the date: the dates are then those of a replay, and only intervals mean anything. */
  dated: z.boolean(),
  /** Bound of the error of an interval, 1 sigma. */
  intervalErrorMs: z.number().nonnegative(),
});

export const moment = z.strictObject({ utc: z.iso.datetime({ precision: 3 }), elapsedMs: z.number(), clock });

/** Pixels of the full picture, origin top left. */
const box = z.strictObject({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });

export const fileMoments = ['before', 'at', 'after'] as const;

/** A file of the package as it lies sealed: an age file, whose header stands in the package's key file and whose body is a blob. */
const sealedFile = {
  name: text,
  /** Of the whole age file, header and body. */
  bytes: count,
  sha256: digest,
  /** Bytes of the header, with which the age file begins. */
  header: count,
  /** SHA-256 of the rest, and name of its blob. */
  body: digest,
  /** How it was made, for the defence. */
  making: z.string(),
};

/**
 * `original`: the camera's own bytes. `encoded`: the full picture, encoded here because the camera delivers pixels. `derived`: made
 * from the picture for people to look at; it proves nothing that the others do not.
 */
const origin = z.enum(['original', 'encoded', 'derived']);

const picture = {
  ...sealedFile,
  origin,
  width: count,
  height: count,
  /** Which frame of the infraction it shows, its number and its time. */
  moment: z.enum(fileMoments),
  frame: count,
  time: moment,
};

const frameFiles = [
  z.strictObject({ ...picture, role: z.literal('context'), mediaType: z.literal('image/jpeg') }),
  z.strictObject({ ...picture, role: z.literal('close-up'), mediaType: z.literal('image/png') }),
  z.strictObject({ ...picture, role: z.literal('annotated'), mediaType: z.literal('image/jpeg') }),
  /** The copy in which bystanders are masked. */
  z.strictObject({ ...picture, role: z.literal('operator'), mediaType: z.literal('image/jpeg') }),
  /** JPEGs one after the other. */
  z.strictObject({
    ...sealedFile,
    role: z.literal('clip'),
    mediaType: z.literal('video/x-motion-jpeg'),
    origin,
    width: count,
    height: count,
    /** Of each picture: number of the frame, its time since the source began in milliseconds, first byte and bytes in the clip. */
    frames: z.array(z.tuple([count, z.number(), count, count])),
  }),
] as const;

/** Cut from a frame in which the plate was looked for, which need not be one of the infraction's own. */
const platePicture = {
  ...sealedFile,
  origin: z.literal('derived'),
  mediaType: z.literal('image/png'),
  width: count,
  height: count,
  frame: count,
  time: moment,
};

const plateFiles = [
  /** What was read, by which reads, and the salt of the commitment: `plateFile`. */
  z.strictObject({ ...sealedFile, role: z.literal('plate'), mediaType: z.literal('application/json') }),
  /** The plate's own pixels, and the vehicle in the same frame. */
  z.strictObject({ ...platePicture, role: z.literal('plate-crop') }),
  z.strictObject({ ...platePicture, role: z.literal('plate-vehicle') }),
] as const;

/** Who can open the files. */
const sealing = z.strictObject({
  format: z.literal('age-encryption.org/v1'),
  /** The authority: every file opens for each of them. */
  recipients: z.array(text).min(1),
  /** The operator, for whom the copy with masked bystanders opens as well. */
  operators: z.array(text),
  /** The age headers of all files, one after the other in their order: without this file nothing opens for anybody. */
  keys: z.strictObject({ bytes: count, sha256: digest }),
});

const provenance = z.strictObject({
  site: z.strictObject({ id: text, name: text, direction: text.optional() }),
  software: z.strictObject({ version: text, sha256: digest.optional() }),
  configuration: z.strictObject({ sha256: digest }),
  scene: z.strictObject({ name: text, sha256: digest }),
  model: z.strictObject({ id: text, version: text.optional(), sha256: digest }),
});

/** `commitment` is the SHA-256 of the file that is named; nothing of what was read stands here. */
const plateOutcome = { commitment: digest, file: text };
const plate = z.discriminatedUnion('outcome', [
  z.strictObject({ ...plateOutcome, outcome: z.literal('read') }),
  z.strictObject({ ...plateOutcome, outcome: z.literal('unread'), reason: z.enum(unreadReasons) }),
]);

/** What a record is written as: the older schema wherever it says all, so that what reads it goes on reading. */
export const evidenceSchema = 'atalaya/evidence/3';
/** The same whose positions cannot be understood without a lens or an error of scale. */
export const lensSchema = 'atalaya/evidence/4';
/** The same without plates: written before plates were read, and still read. */
export const platelessSchema = 'atalaya/evidence/2';

/** All that a record of any schema may have. */
const anyRecord = z.strictObject({
  schema: z.enum([evidenceSchema, lensSchema]),
  id: text,
  unit: text,
  /** Names one start of the machine or of the program, so that elapsed times of two runs are never compared. */
  boot: text,
  sequence: z.int().positive(),
  /** SHA-256 of the signing key's public half (SubjectPublicKeyInfo, DER). */
  signer: digest,
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
  files: z.array(z.discriminatedUnion('role', [...frameFiles, ...plateFiles])),
  /** Null where no authority is configured: then no picture is kept. */
  sealing: sealing.nullable(),
  /** Absent where nobody was asked for the plate, or nothing is sealed. */
  plate: plate.exactOptional(),
  provenance,
  /** Raw data from which the figures can be derived again. Not itself a measurement: the label says so wherever it is shown. */
  auxiliary: z.strictObject({
    label: z.literal('raw data, not a measurement'),
    /** How the picture lies on the road, and the rest of the scene that was judged by. */
    calibration: calibrationRecord,
    ...rawRecord.shape,
  }),
});

const auxiliary = anyRecord.shape.auxiliary;

export const evidenceRecord = anyRecord.extend({
  schema: z.literal(evidenceSchema),
  auxiliary: auxiliary.extend({ calibration: straightCalibrationRecord }),
});

export const lensRecord = anyRecord.extend({
  schema: z.literal(lensSchema),
  auxiliary: auxiliary.extend({ calibration: lensCalibrationRecord }),
});

export const platelessRecord = evidenceRecord
  .omit({ plate: true })
  .extend({ schema: z.literal(platelessSchema), files: z.array(z.discriminatedUnion('role', frameFiles)) });

/** A record of evidence of any schema that is read. */
export type EvidenceRecord = Omit<z.infer<typeof anyRecord>, 'schema'> & {
  readonly schema: typeof lensSchema | typeof evidenceSchema | typeof platelessSchema;
};

/** What a value is read by that says it is of this schema; undefined for what is no evidence known here. */
export function evidenceRecordOf(schema: unknown): z.ZodType<EvidenceRecord> | undefined {
  if (schema === evidenceSchema) return evidenceRecord;
  if (schema === lensSchema) return lensRecord;
  return schema === platelessSchema ? platelessRecord : undefined;
}

export type EvidenceFile = EvidenceRecord['files'][number];
export type PictureFile = Extract<EvidenceFile, { readonly moment: unknown }>;
export type ClipFile = Extract<EvidenceFile, { readonly role: 'clip' }>;
export type PlatePicture = Extract<EvidenceFile, { readonly role: 'plate-crop' | 'plate-vehicle' }>;
export type PlateOutcome = NonNullable<EvidenceRecord['plate']>;
export type Provenance = z.infer<typeof provenance>;
