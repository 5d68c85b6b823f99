import { z } from 'zod';
import { digest, instant, unitId } from '../../cloud-bridge/contract/names.ts';
import { slotPart } from './bundle.ts';
import { hardwareId, jobId, nonce } from './names.ts';

/**
 * What a unit runs, said by itself and signed with the key of its evidence, over the RFC 8785 canonical JSON of the report without its
 * `signature` (Uptane: the vehicle version manifest). The nonce is that of the newest job, so that an old report is not shown for a new one.
 */
export const versionReportSchemaId = 'atalaya/version-report/1';

const versions = z.strictObject({
  root: z.int().min(0),
  timestamp: z.int().min(0),
  snapshot: z.int().min(0),
  targets: z.int().min(0),
});

export const versionReport = z.strictObject({
  schema: z.literal(versionReportSchemaId),
  unit: unitId,
  at: instant,
  nonce: nonce.optional(),
  job: jobId.optional(),
  /** What the unit takes targets for: by it the centre picks some. */
  hardware: z.array(hardwareId).min(1).max(16).optional(),
  slot: z.enum(['a', 'b', 'image']),
  trial: z.boolean(),
  /** Of the running slot; of an image only what its program says of itself. */
  parts: z.array(slotPart.partial({ target: true, sha256: true, tree: true })).max(50),
  /** The highest versions of metadata that the unit has accepted; null where it obeys no such repository. */
  metadata: z.strictObject({ image: versions.nullable(), director: versions.nullable() }),
  /** What was refused since the report before, newest last. */
  refused: z.array(z.strictObject({ at: instant, reason: z.string().max(2000) })).max(50),
  signature: z.strictObject({
    /** SHA-256 of the signer's SubjectPublicKeyInfo. */
    key: digest,
    algorithm: z.enum(['ed25519', 'p256']),
    value: z.string().regex(/^[A-Za-z0-9+/]{86,100}={0,2}$/, 'is no signature in base64'),
  }),
});
export type VersionReport = z.infer<typeof versionReport>;
export type UnsignedVersionReport = Omit<VersionReport, 'signature'>;
