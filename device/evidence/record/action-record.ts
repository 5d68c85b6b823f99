import { z } from 'zod';
import { count, digest, moment, text } from './record.ts';

/**
 * The record of an act on evidence or on the unit: who, when, what and why. It is signed and logged as evidence is, so that nobody looks,
 * holds, erases, commands or configures without a trace.
 */

/** A person states a name; the account is the one that the operating system knows. A policy is one of the retention rules. */
const person = z.strictObject({ kind: z.literal('person'), name: text, account: text });
const policy = z.strictObject({ kind: z.literal('policy'), name: text });
/** Somebody at the centre, known by a signature: name and role as the trust document has them, SHA-256 of the public key. */
const operator = z.strictObject({ kind: z.literal('operator'), name: text, role: text, key: digest });
/** The unit by itself, and which part of it: it went back to its last configuration, or refused a stranger's command. */
const unit = z.strictObject({ kind: z.literal('unit'), name: text });

const onEvidence = [
  z.strictObject({ kind: z.literal('list') }),
  /** `opened`: with the authority's key, so that pictures were seen. */
  z.strictObject({ kind: z.literal('read'), evidence: z.array(text).min(1), opened: z.boolean() }),
  z.strictObject({ kind: z.literal('export'), evidence: z.array(text).min(1), opened: z.boolean() }),
  /** While any hold by any name is on it, no policy and no person erases it. */
  z.strictObject({ kind: z.literal('hold'), evidence: text, hold: text }),
  z.strictObject({ kind: z.literal('release'), evidence: text, hold: text }),
  /** What is destroyed: the key file, and the bodies of the files. */
  z.strictObject({ kind: z.literal('erase'), evidence: text, keys: digest.nullable(), bodies: z.array(digest) }),
] as const;

/** A signed command of the centre and what became of it. */
const command = z.strictObject({
  kind: z.literal('command'),
  id: text,
  name: text,
  outcome: z.enum(['done', 'failed', 'refused']),
  /** Of `failed` and `refused`. */
  reason: text.exactOptional(),
});

/** What became of a desired configuration. */
const configuration = z.strictObject({
  kind: z.literal('configuration'),
  /** Absent where the document does not tell. */
  version: count.exactOptional(),
  sha256: digest.exactOptional(),
  outcome: z.enum(['accepted', 'trial', 'confirmed', 'rejected', 'rolled-back']),
  /** Why it was rejected or rolled back, each as `code: words`. */
  reasons: z.array(text),
});

/**
 * A test of the whole way of evidence: signed, sealed, logged. It accuses nobody, no policy counts or erases it, and its picture, in which
 * people and plates are covered, travels in the record itself.
 */
const test = z.strictObject({
  kind: z.literal('test'),
  /** An age file in base64, of a JPEG; null where there was no picture, or no authority to seal it to. */
  picture: z
    .strictObject({
      mediaType: z.literal('image/jpeg'),
      format: z.literal('age-encryption.org/v1'),
      recipients: z.array(text).min(1),
      /** Of the age file. */
      bytes: count,
      sha256: digest,
      age: z.string().regex(/^[A-Za-z0-9+/]+={0,2}$/, 'must be base64'),
    })
    .nullable(),
});

/** What became of an update of the program or of what lies beside it, by which evidence from then on is made. */
const update = z.strictObject({
  kind: z.literal('update'),
  /** Absent where metadata was refused before a job was known. */
  job: text.exactOptional(),
  outcome: z.enum(['trial', 'confirmed', 'rolled-back', 'refused']),
  /** What the unit runs from now on: version and release of the program, and the digest of its tree where it came as an update. */
  program: z.strictObject({ version: text, release: count, tree: digest.exactOptional() }),
  /** What came beside the program as an update, models, scene and people, each with the digest of its tree; absent where nothing did. */
  beside: z
    .array(z.strictObject({ kind: text, name: text, version: text, release: count, tree: digest }))
    .exactOptional(),
  /** Why it was refused or rolled back, each as `code: words`. */
  reasons: z.array(text),
});

export const actionSchema = 'atalaya/action/2';
/** The same with tests. Only a test is written as this, so that what reads the older goes on reading everything else. */
export const testActionSchema = 'atalaya/action/3';
/** The same with updates, which alone are written as this. */
export const updateActionSchema = 'atalaya/action/4';
/** Acts on evidence alone: written before the centre gave commands, and still read. */
export const earlierActionSchema = 'atalaya/action/1';

export const actionRecord = z.strictObject({
  schema: z.literal(actionSchema),
  unit: text,
  boot: text,
  sequence: z.int().positive(),
  signer: digest,
  time: moment,
  actor: z.discriminatedUnion('kind', [person, policy, operator, unit]),
  action: z.discriminatedUnion('kind', [...onEvidence, command, configuration]),
  reason: text,
});

export const earlierActionRecord = actionRecord.extend({
  schema: z.literal(earlierActionSchema),
  actor: z.discriminatedUnion('kind', [person, policy]),
  action: z.discriminatedUnion('kind', onEvidence),
});

export const testActionRecord = actionRecord.extend({
  schema: z.literal(testActionSchema),
  action: z.discriminatedUnion('kind', [...onEvidence, command, configuration, test]),
});

export const updateActionRecord = actionRecord.extend({
  schema: z.literal(updateActionSchema),
  action: z.discriminatedUnion('kind', [...onEvidence, command, configuration, test, update]),
});

/** A record of an act, of any schema that is read. */
export type ActionRecord = Omit<z.infer<typeof updateActionRecord>, 'schema'> & {
  readonly schema: keyof typeof actionRecords;
};

export const actionRecords = {
  [updateActionSchema]: updateActionRecord,
  [testActionSchema]: testActionRecord,
  [actionSchema]: actionRecord,
  [earlierActionSchema]: earlierActionRecord,
} as const;

/** What a value is read by that says it is of this schema; undefined for what is no act known here. */
export function actionRecordOf(schema: unknown): z.ZodType<ActionRecord> | undefined {
  return Object.hasOwn(actionRecords, schema as string)
    ? actionRecords[schema as keyof typeof actionRecords]
    : undefined;
}

export type Actor = ActionRecord['actor'];
export type Action = ActionRecord['action'];

/** What an act is written by: the oldest schema that knows it, so that older software reads all that it can. */
export const writtenAs = ({ kind }: Action): keyof typeof actionRecords =>
  kind === 'update' ? updateActionSchema : kind === 'test' ? testActionSchema : actionSchema;
