import { z } from 'zod';
import { anyJson, digest, instant, unitId } from '../../cloud-bridge/contract/names.ts';

/**
 * The documents of enrolment. They travel as JSON over the technician's cable, on a USB stick, and may travel over MQTT; whoever reads one
 * reads it as hostile input.
 */

/** Bytes of the longest document of enrolment that anybody reads. */
export const longestEnrolmentDocument = 2 * 1024 * 1024;

const pem = (label: string, most: number) =>
  z
    .string()
    .max(most)
    .regex(
      new RegExp(`^(-----BEGIN ${label}-----[A-Za-z0-9+/=\\s]+-----END ${label}-----\\s*)+$`),
      `is no ${label} in PEM`,
    );

/** A file as text, of so many bytes of UTF-8 at most. */
const text = (most: number) =>
  z
    .string()
    .max(most)
    .refine((content) => Buffer.byteLength(content) <= most, { message: `has more than ${most} bytes` });

/** One certificate or several, the first the one of the holder, each signed by the next. */
const certificates = pem('CERTIFICATE', 64 * 1024);
const signingRequest = pem('CERTIFICATE REQUEST', 8 * 1024);
/** ECDSA with SHA-256, ASN.1 DER, in base64. */
const ecdsa = z.string().regex(/^[A-Za-z0-9+/]{88,100}={0,2}$/, 'is not the base64 of an ECDSA signature');

/** By a P-256 key over the RFC 8785 canonical JSON of the document without its `signature`. */
export const keySignature = z.strictObject({
  /** SHA-256 of the signer's SubjectPublicKeyInfo. */
  key: digest,
  value: ecdsa,
});
export type KeySignature = z.infer<typeof keySignature>;

/** What a unit is enrolled as. */
export const enrolledState = z.strictObject({
  unit: unitId,
  /** Of the grant in force; the next one has to be above it. */
  version: z.int().min(1),
  /** SHA-256 of the root certificate's SubjectPublicKeyInfo: the authority that this unit obeys from now on. */
  authority: digest,
  /** Serial number of the certificate in force, hexadecimal. */
  certificate: z.string().regex(/^[0-9a-f]{2,40}$/, 'is no serial number'),
  expires: instant,
});
export type EnrolledState = z.infer<typeof enrolledState>;

const serialSource = z.enum(['device-tree', 'dmi', 'machine-id']);
const boardSerial = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:+-]{0,63}$/, 'is not 1 to 64 letters, digits and dots');

export const unitIdentity = z.strictObject({
  serial: boardSerial,
  serialFrom: serialSource,
  fingerprint: digest,
  keptIn: z.enum(['tpm', 'file']),
  signing: z
    .strictObject({ keptIn: z.enum(['tpm', 'file']), algorithm: z.enum(['ed25519', 'p256']), fingerprint: digest })
    .optional(),
  enrolled: enrolledState.optional(),
});

export const enrolmentRequestSchemaId = 'atalaya/enrolment-request/1';

/** Nobody answers for it but the person who compares its fingerprint with what the unit shows. */
export const enrolmentRequest = z.strictObject({
  schema: z.literal(enrolmentRequestSchemaId),
  identity: unitIdentity,
  /** PKCS#10, PEM. */
  csr: signingRequest,
});
export type EnrolmentRequest = z.infer<typeof enrolmentRequest>;

export const renewalRequestSchemaId = 'atalaya/renewal-request/1';

/** The signature is of the key whose certificate is in force: who holds it asks for the next certificate, for the new key of `csr`. */
export const renewalRequest = z.strictObject({
  schema: z.literal(renewalRequestSchemaId),
  unit: unitId,
  enrolled: enrolledState,
  issued: instant,
  /** PKCS#10, PEM. */
  csr: signingRequest,
  signature: keySignature,
});
export type RenewalRequest = z.infer<typeof renewalRequest>;

export const grantSchemaId = 'atalaya/grant/1';

/** Bytes of the longest scene that a grant brings, and of the longest references of its camera's place. */
export const longestSceneText = 256 * 1024;

/**
 * Everything that the fleet gives to a unit, signed by the authority that signed its certificate. What an optional field leaves out
 * stays as it was: a renewal has the certificates alone.
 */
export const grant = z.strictObject({
  schema: z.literal(grantSchemaId),
  unit: unitId,
  /** Grows with each grant for a unit. */
  version: z.int().min(1),
  issued: instant,
  /** PEM: the unit's certificate, then the authority between it and the root. */
  certificate: certificates,
  /** PEM: the root, and the authorities of this fleet that it signed. */
  authorities: certificates,
  /** PEM: the authorities of the broker's certificate, where they are others. */
  brokerAuthorities: certificates.optional(),
  site: z.string().max(200).optional(),
  /** The trust document, as text, and the public half of the root key that signed it (PEM). */
  people: z.strictObject({ trust: z.string().max(1024 * 1024), rootKey: pem('PUBLIC KEY', 4096) }).optional(),
  /** Age recipients of the authority that opens evidence. */
  recipients: z
    .array(z.string().regex(/^age1[0-9a-z]{10,200}$/, 'is no age recipient (age1...)'))
    .min(1)
    .max(20)
    .optional(),
  /** Verifier keys (C2SP signed note) of the witnesses. */
  witnesses: z
    .array(
      z.string().regex(/^[^\s+]{1,100}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{10,200}$/, 'is no verifier key (name+hash+base64)'),
    )
    .min(1)
    .max(20)
    .optional(),
  /** Address of the broker (`cloud.broker`). It goes before the one that a configuration names, of this grant or of a later one. */
  broker: z.string().min(1).max(300).optional(),
  /** The first configuration: a part of a configuration file. It takes the place of the one before; of its broker see `brokerInForce`. */
  configuration: z.record(z.string(), anyJson).optional(),
  /** The scene file, as text: it takes the place of the one before. */
  scene: text(longestSceneText).optional(),
  /** What the camera saw beside the road when that scene was calibrated, as text. An empty one takes those before away. */
  references: text(longestSceneText).optional(),
  /** Root metadata of the update repositories, as text, by name. */
  updateRoots: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,30}$/), z.string().max(256 * 1024)).optional(),
  signature: keySignature,
});
export type Grant = z.infer<typeof grant>;

/**
 * What a unit judges by: a scene that a grant brought, a file that its configuration names, or none, and then it watches and judges
 * nothing.
 */
export const sceneInForce = z.enum(['granted', 'configured', 'none']);
export type SceneInForce = z.infer<typeof sceneInForce>;

/**
 * Which broker a unit speaks with since a grant, and with which one before: absent where there was none. `configured`: another one that
 * the grant's configuration names, and that does not count, since an earlier grant has named one by itself.
 */
export const brokerInForce = z.strictObject({
  now: z.string(),
  before: z.string().optional(),
  configured: z.string().optional(),
});
export type BrokerInForce = z.infer<typeof brokerInForce>;

export type UnsignedGrant = Omit<Grant, 'signature'>;
