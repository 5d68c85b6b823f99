import { z } from 'zod';
import { digest, instant, reason, shortText } from './names.ts';

/** Retained; the last will says `online: false`, so everything else may be absent. */
export const state = z.looseObject({
  online: z.boolean(),
  /** When this was said; absent from a last will, whose time the broker alone knows. */
  at: instant.optional(),
  /** One start of the program. */
  boot: z.string().max(64).optional(),
  software: shortText.optional(),
  protocol: z.enum(['5', '3.1.1']).optional(),
  site: shortText.optional(),
  health: z.enum(['good', 'degraded', 'failed']).optional(),
  /** What is not good, a line each. */
  problems: z.array(reason).max(50).optional(),
  /** SubjectPublicKeyInfo of the key that signs records, PEM, and the verifier key of its checkpoints. */
  signingKey: z.looseObject({ spki: z.string().max(2000), vkey: z.string().max(2000) }).optional(),
  configuration: z.looseObject({ version: z.int().min(0), sha256: digest }).optional(),
  flags: z.record(z.string(), z.boolean()).optional(),
});
export type UnitState = z.infer<typeof state>;

/** What became of the newest desired configuration. */
export const reported = z.looseObject({
  at: instant,
  outcome: z.enum(['none', 'accepted', 'trial', 'confirmed', 'rejected', 'rolled-back']),
  /** Of the document that the outcome is about; absent where it could not be told. */
  version: z.int().min(0).optional(),
  sha256: digest.optional(),
  /** Each as `code: words`; of `rejected` and `rolled-back` at least one. */
  reasons: z.array(reason).max(100),
  /** What is in force. */
  inForce: z.looseObject({ version: z.int().min(0), sha256: digest }),
  /** End of the trial. */
  trialUntil: instant.optional(),
});
export type Reported = z.infer<typeof reported>;

/** A signed note (c2sp.org/signed-note): of the unit upwards, with the witness's line downwards. */
export const checkpoint = z.looseObject({
  note: z
    .string()
    .min(1)
    .max(64 * 1024),
});
export type CheckpointMessage = z.infer<typeof checkpoint>;
