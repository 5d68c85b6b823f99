import type { KeyObject } from 'node:crypto';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { canonicalJson, type JsonValue } from '../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import { type DocumentSigner, signDocument } from '../../device/kernel/signed/sign-document.ts';
import { signatureSchema } from '../../device/kernel/signed/signed-document.ts';
import { verifyDocument } from '../../device/kernel/signed/verify-document.ts';

/**
 * The certificate of a calibration: what was measured, with what, how well it fits, how it was checked, who answers for it and until when. Signed
 * with the key of the person who calibrated.
 */

export const certificateSchema = 'atalaya/calibration-certificate/1';

const number = z.number();
const text = z.string().min(1).max(500);
const point = z.strictObject({ x: number, y: number });

const summary = {
  drives: z.int(),
  biasKmh: number,
  biasU: number,
  scatterKmh: number,
  disagreeing: z.int(),
  isBiased: z.boolean(),
  needed: z.int(),
};

const check = z.strictObject({
  verdict: z.enum(['passed', 'failed', 'not-decided']),
  says: z.array(z.string()),
  drives: z.array(
    z.strictObject({
      name: text,
      lane: text,
      referenceKmh: number,
      referenceU: number,
      measuredKmh: number,
      measuredU: number,
      differenceKmh: number,
      en: number,
    }),
  ),
  lanes: z.array(z.strictObject({ lane: text, ...summary })),
  all: z.strictObject(summary),
});

export const calibrationCertificate = z.strictObject({
  schema: z.literal(certificateSchema),
  number: z.string().min(1).max(100),
  issuer: z.string().min(1).max(200),
  /** Who calibrated, by name; the signature says by which key. */
  technician: text,
  unit: text,
  site: text,
  issued: z.iso.date(),
  /** Last day on which it is valid. */
  expires: z.iso.date(),
  /** Of the scene file without this certificate's own block: RFC 8785 canonical JSON of what the YAML says. */
  scene: z.strictObject({ name: text, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  picture: z.strictObject({ width: z.int().positive(), height: z.int().positive() }),
  surveyed: z.iso.date().nullable(),
  points: z.array(z.strictObject({ image: point, road: point, missPx: number, missM: number })).min(4),
  pixelError: number,
  roadErrorM: number,
  scaleError: number,
  /** Mean squared residual over its expected value; null where the fit passes through all points. */
  misfit: number.nullable(),
  lens: z.strictObject({ k1: number, k2: number, deviations: z.array(z.tuple([number, number])) }).nullable(),
  /** Null where no reference drive was made: then nothing but the survey stands behind a speed. */
  check: check.nullable(),
  environment: z.string().max(500).nullable(),
  instruments: z.array(z.strictObject({ what: text, id: text })),
});

export type CalibrationCertificate = z.infer<typeof calibrationCertificate>;
const signedCertificate = calibrationCertificate.extend({ signature: signatureSchema });
export type SignedCertificate = z.infer<typeof signedCertificate>;

/** SHA-256 of what a scene file says, without the certificate that it names: a certificate cannot have its own hash in it. */
export function sceneDigest(yaml: string): string {
  const scene = parseYaml(yaml) as { calibration?: { certificate?: unknown } };
  const { certificate: _, ...calibration } = scene.calibration ?? {};
  return sha256(canonicalJson({ ...scene, calibration } as JsonValue));
}

/** Throws `internal` for a certificate that could not be read back, and what the signer throws. */
export async function signCertificate(
  certificate: CalibrationCertificate,
  signer: DocumentSigner,
): Promise<SignedCertificate> {
  const whole = calibrationCertificate.safeParse(certificate);
  if (!whole.success)
    throw new AtalayaError('internal', 'the certificate is not as its schema says', { cause: whole.error });
  return await signDocument(whole.data, signer);
}

/** The certificate in a text. Throws `document-refused` where it is none. Its signature is not looked at. */
export function readCertificate(json: string, what: string): SignedCertificate {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new AtalayaError('document-refused', `${what} is not JSON`, { cause });
  }
  const parsed = signedCertificate.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AtalayaError(
    'document-refused',
    `${what} is no calibration certificate: ${issue?.path.join('.')} ${issue?.message}`,
    {
      hint: 'Name the file that `calibrate sign` wrote.',
    },
  );
}

/** One thing that was checked of a certificate. */
export interface CertificateFinding {
  readonly holds: boolean;
  readonly says: string;
}

/** What a certificate is checked against. */
export interface CertificateHeld {
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** Text of the scene file; undefined where it is not at hand. */
  readonly scene: string | undefined;
  /** Day of the check, YYYY-MM-DD. */
  readonly today: string;
}

/** Everything that can be said of a certificate: its signature, its scene, its days, its check drives. It holds where all of them do. */
export function checkCertificate(
  certificate: SignedCertificate,
  { keys, scene, today }: CertificateHeld,
): readonly CertificateFinding[] {
  const verified = verifyDocument(certificate, keys);
  const signature: CertificateFinding =
    verified.kind === 'signed'
      ? { holds: true, says: `Signed with the key ${verified.key.slice(0, 16)}.` }
      : { holds: false, says: `The signature does not hold: ${verified.detail}.` };
  const { issued, expires, check: drives } = certificate;
  const days: CertificateFinding =
    today < issued
      ? { holds: false, says: `It is valid from ${issued} only.` }
      : today > expires
        ? { holds: false, says: `It expired after ${expires}. The unit measures on, and its evidence says so.` }
        : { holds: true, says: `Valid until ${expires}.` };
  const driven: CertificateFinding =
    drives === null
      ? { holds: true, says: 'No reference drive was made: nothing but the survey stands behind a speed.' }
      : { holds: drives.verdict === 'passed', says: drives.says[0] ?? drives.verdict };
  return [signature, ...(scene === undefined ? [] : sceneFindings(certificate, scene)), days, driven];
}

interface NamedCertificate {
  readonly number?: unknown;
  readonly issuer?: unknown;
  readonly issued?: unknown;
  readonly expires?: unknown;
}

function sceneFindings(certificate: SignedCertificate, scene: string): readonly CertificateFinding[] {
  const same = sceneDigest(scene) === certificate.scene.sha256;
  const block = (parseYaml(scene) as { calibration?: { certificate?: NamedCertificate } }).calibration?.certificate;
  const named =
    block?.number === certificate.number &&
    block.issuer === certificate.issuer &&
    block.issued === certificate.issued &&
    block.expires === certificate.expires;
  return [
    same
      ? { holds: true, says: 'The scene is the one that was certified.' }
      : { holds: false, says: 'The scene was changed after it was certified: calibrate and certify it again.' },
    named
      ? { holds: true, says: `The scene names this certificate, ${certificate.number}.` }
      : { holds: false, says: 'The scene names another certificate, or none: sign again with --scene-out.' },
  ];
}
