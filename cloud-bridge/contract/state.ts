import { z } from 'zod';
import { digest, instant, reason, shortText } from './names.ts';

/** Retained; the last will says `online: false`, so everything else may be absent. */
export const state = z.looseObject({
  online: z.boolean(),
  at: instant.optional().describe('When this was said; absent from a last will, whose time the broker alone knows'),
  boot: z.string().max(64).optional().describe('One start of the program'),
  software: shortText.optional(),
  protocol: z.enum(['5', '3.1.1']).optional(),
  site: shortText.optional(),
  health: z.enum(['good', 'degraded', 'failed']).optional(),
  problems: z.array(reason).max(50).optional().describe('What is not good, a line each'),
  signingKey: z
    .looseObject({ spki: z.string().max(2000), vkey: z.string().max(2000) })
    .optional()
    .describe('SubjectPublicKeyInfo of the key that signs records, PEM, and the verifier key of its checkpoints'),
  configuration: z.looseObject({ version: z.int().min(0), sha256: digest }).optional(),
  flags: z.record(z.string(), z.boolean()).optional(),
});
export type UnitState = z.infer<typeof state>;

/** What may become of a version of the configuration. */
export const configOutcomes = ['accepted', 'trial', 'confirmed', 'rejected', 'rolled-back'] as const;

/** What became of the newest desired configuration. */
export const reported = z
  .looseObject({
    at: instant,
    outcome: z.enum(['none', ...configOutcomes]),
    version: z
      .int()
      .min(0)
      .optional()
      .describe('Of the document that the outcome is about; absent where it could not be told'),
    sha256: digest.optional(),
    reasons: z.array(reason).max(100).describe('Each as `code: words`; of `rejected` and `rolled-back` at least one'),
    inForce: z.looseObject({ version: z.int().min(0), sha256: digest }).describe('What is in force'),
    trialUntil: instant.optional().describe('End of the trial'),
  })
  .refine(
    ({ outcome, reasons }) => reasons.length > 0 || (outcome !== 'rejected' && outcome !== 'rolled-back'),
    'gives no reason',
  );
export type Reported = z.infer<typeof reported>;

/** A signed note (c2sp.org/signed-note): of the unit upwards, with the witness's line downwards. */
export const checkpoint = z.looseObject({
  note: z
    .string()
    .min(1)
    .max(64 * 1024),
});
export type CheckpointMessage = z.infer<typeof checkpoint>;
