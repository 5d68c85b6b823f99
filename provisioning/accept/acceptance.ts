import { z } from 'zod';
import { digest, instant, unitId } from '../../cloud-bridge/contract/names.ts';
import { roles } from '../../cloud-bridge/contract/roles.ts';
import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { type DocumentSigner, signDocument } from '../../device/kernel/signed/sign-document.ts';
import { signatureSchema } from '../../device/kernel/signed/signed-document.ts';
import { selfTestReport } from '../../device/selftest/contract/self-test-report.ts';

/**
 * The acceptance of a unit: what it said of itself when it was tested, what a person tried and saw, what the centre held of its test
 * evidence, what was decided and by whom. Signed with that person's key; the sheets and pictures beside it are named by their hashes.
 */

export const acceptanceSchemaId = 'atalaya/acceptance/1';

/** `incomplete`: something was not tried, so nobody can say; a later call goes on. */
export const acceptanceOutcomes = ['accepted', 'accepted-with-doubts', 'refused', 'incomplete'] as const;
export type AcceptanceOutcome = (typeof acceptanceOutcomes)[number];

/** Files beside the document, and no others: each by what it is. */
export const acceptanceFiles = {
  document: 'acceptance.json',
  html: 'sheet.html',
  pdf: 'sheet.pdf',
  picture: 'picture.jpg',
  calibration: 'calibration.png',
} as const;

const sentence = z.string().min(1).max(1000);

/** A line as a person tried it: an output was switched on and off, an input was changed by hand. */
export const lineTrial = z.strictObject({
  name: z.string().max(60),
  outcome: z.enum(['works', 'stuck']),
  says: sentence,
  at: instant,
});
export type LineTrial = z.infer<typeof lineTrial>;

/** A picture of the camera, bystanders masked, and whether the person found it sharp and showing the road; null until somebody looked. */
export const judgedPicture = z.strictObject({
  sha256: digest,
  taken: instant,
  good: z.boolean().nullable(),
});
export type JudgedPicture = z.infer<typeof judgedPicture>;

/**
 * What the centre holds of the test evidence. `inclusion`: whether the log's newest checkpoint at the centre covers the entry and has the
 * root that the archived entries give; `not-yet` where none covers it, `not-readable` where the entries could not be read.
 */
export const evidenceProof = z.strictObject({
  sequence: z.int().min(1),
  id: z.string().max(100),
  /** `archived`: the centre says so to somebody who may not read the record. */
  outcome: z.enum(['proven', 'archived', 'failed']),
  says: sentence,
  /** SHA-256 of the record as it was signed, and of the SubjectPublicKeyInfo that its signature holds under. */
  record: digest.nullable(),
  signer: digest.nullable(),
  inclusion: z.enum(['proven', 'not-yet', 'not-readable']),
  checkpoint: z.strictObject({ size: z.int().min(1), root: z.string().max(100) }).nullable(),
  at: instant,
});
export type EvidenceProof = z.infer<typeof evidenceProof>;

export const answeredDoubt = z.strictObject({
  /** The check that it is about, with its subject. */
  about: z.string().max(200),
  says: sentence,
  /** Why the person accepts it nevertheless; null where nobody answered for it. */
  answer: sentence.nullable(),
});
export type AnsweredDoubt = z.infer<typeof answeredDoubt>;

/** Which unit this is, as its own page showed it or its enrolment request has it. */
export const acceptedIdentity = z.strictObject({
  serial: z.string().max(100),
  /** SHA-256 of the public key of its certificate. */
  fingerprint: digest,
  /** Of the key that signs its evidence, where it is another one. */
  evidenceKey: digest.nullable(),
  /** Serial number of the certificate and its end, where the unit is enrolled. */
  certificate: z.strictObject({ serial: z.string().max(60), expires: instant }).nullable(),
});
export type AcceptedIdentity = z.infer<typeof acceptedIdentity>;

export const acceptance = z.strictObject({
  schema: z.literal(acceptanceSchemaId),
  unit: unitId,
  outcome: z.enum(acceptanceOutcomes),
  began: instant,
  at: instant,
  by: z.strictObject({
    name: z.string().min(1).max(200),
    /** Null where no centre was there to say it. */
    role: z.enum(roles).nullable(),
    key: digest,
  }),
  /** Version of the program that accepted. */
  program: z.string().max(60),
  identity: acceptedIdentity.nullable(),
  /** Which bridge was asked; null where the acceptance went without a centre. */
  centre: z.string().max(300).nullable(),
  /** The newest test. */
  test: selfTestReport,
  /**
   * Seconds by which the unit's clock was ahead of the laptop's, as far as is certain: the test began by the unit's clock between the moments
   * at which the laptop asked and heard. 0 where both may be right; null for a test from a file.
   */
  clockAheadS: z.number().nullable(),
  /** One for each line of the test that was tried. */
  lines: z.array(lineTrial).max(64),
  picture: judgedPicture.nullable(),
  evidence: evidenceProof.nullable(),
  doubts: z.array(answeredDoubt).max(100),
  /** Why the person refused what the tests had passed. */
  refusal: sentence.nullable(),
  /** The person has said that the unit goes into service. */
  decided: z.boolean(),
  /** Why it is refused, and what is missing, a sentence each. */
  faults: z.array(sentence).max(200),
  missing: z.array(sentence).max(200),
  files: z.array(z.strictObject({ name: z.string().max(60), bytes: z.int().min(0), sha256: digest })).max(10),
});
export type Acceptance = z.infer<typeof acceptance>;
export const signedAcceptance = acceptance.extend({ signature: signatureSchema });
export type SignedAcceptance = z.infer<typeof signedAcceptance>;

/** The bytes of `acceptance.json`. Throws `internal` for what could not be read back, and what the signer throws. */
export async function signAcceptance(document: Acceptance, signer: DocumentSigner): Promise<Buffer> {
  const whole = acceptance.safeParse(document);
  if (!whole.success) {
    throw new AtalayaError('internal', 'the acceptance is not as its schema says', { cause: whole.error });
  }
  return Buffer.from(canonicalJson(await signDocument(whole.data, signer)));
}

/** The document in the bytes of `acceptance.json`, which are its canonical JSON. Throws `document-refused`. Its signature is not looked at. */
export function readAcceptance(bytes: Uint8Array, what: string): SignedAcceptance {
  const refused = (why: string, cause?: unknown) =>
    new AtalayaError('document-refused', `${what} ${why}`, {
      hint: 'Name the folder that atalaya-provision accept wrote, as it wrote it.',
      cause,
    });
  const text = Buffer.from(bytes).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refused('is not JSON', cause);
  }
  const parsed = signedAcceptance.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refused(`is no acceptance: ${issue?.path.join('.')} ${issue?.message}`);
  }
  if (!Buffer.from(canonicalJson(value as JsonValue)).equals(bytes)) throw refused('is not in the form that is signed');
  return parsed.data;
}

/** JSON Schema 2020-12 of the signed document, for whoever reads it with other programs. */
export function publishedAcceptanceSchema(): string {
  const { $schema, ...rest } = z.toJSONSchema(signedAcceptance, { io: 'input', target: 'draft-2020-12' });
  return `${JSON.stringify({ $schema, title: acceptanceSchemaId, ...rest }, null, 2)}\n`;
}
