import { z } from 'zod';
import { signatureSchema } from '../../device/kernel/signed/signed-document.ts';
import { actId, anyJson, digest, evidenceId, fileName, instant, reason, shortText, unitId } from './names.ts';
import { roles } from './roles.ts';

/**
 * Documents that a person signs. They are strict: what is signed is understood whole or refused. None has a default, so that what was
 * read is what was signed.
 */

export const configSchemaId = 'atalaya/config/1';

/** A configuration for one unit. `settings` is a part of a configuration file: what is absent keeps the unit's own value. */
export const desired = z.strictObject({
  schema: z.literal(configSchemaId),
  unit: unitId,
  version: z
    .int()
    .min(1)
    .describe('Grows with each document for this unit; none that is not above the highest ever accepted is taken'),
  issued: instant,
  expires: instant.optional().describe('Not to be applied from then on'),
  probationMinutes: z.number().min(0.05).max(1440).describe('Minutes on trial'),
  note: z.string().max(500).optional(),
  settings: z.record(z.string(), anyJson),
  signature: signatureSchema.optional(),
});
export type Desired = z.infer<typeof desired>;

export const commandSchemaId = 'atalaya/command/1';

/** The arguments of each command. */
export const commandArguments = {
  'self-test': z.strictObject({
    pulse: z
      .array(z.string().min(1).max(32))
      .max(32)
      .optional()
      .describe('Outputs to switch on and off, by their names at the unit'),
    seal: z.boolean().optional().describe('Whether test evidence is sealed; it stays in the ledger for good'),
  }),
  snapshot: z.strictObject({ width: z.int().min(160).max(1920).default(640) }),
  reboot: z.strictObject({ reason }),
  'log-level': z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']),
    minutes: z.number().min(1).max(1440).describe('Then it goes back by itself'),
  }),
  'evidence-pull': z.strictObject({
    evidence: z.array(evidenceId).min(1).max(100),
    files: z.array(fileName).min(1).max(50).optional().describe('Without it, every file'),
    hours: z.number().min(0.1).max(720).default(72).describe('The centre may ask for the blocks for so long'),
  }),
  diagnostics: z.strictObject({ minutes: z.number().min(1).max(120), everyS: z.number().min(1).max(60).default(5) }),
} as const;
export type CommandName = keyof typeof commandArguments;
export const commandNames = Object.keys(commandArguments) as readonly CommandName[];

export const command = z.strictObject({
  schema: z.literal(commandSchemaId),
  unit: unitId,
  name: z.enum(commandNames as [CommandName, ...CommandName[]]),
  id: actId,
  issued: instant,
  expires: instant,
  arguments: z.record(z.string(), anyJson).describe('As `commandArguments` has them'),
  signature: signatureSchema.optional(),
});
export type Command = z.infer<typeof command>;

/** Once for each id. */
export const reply = z.looseObject({
  id: actId,
  name: z.string().max(40),
  at: instant,
  outcome: z.enum(['done', 'failed', 'refused']),
  reason: reason.optional().describe('Of `failed` and `refused`: `code: words`'),
  result: z.record(z.string(), anyJson).optional().describe('Of `done`. A snapshot is a JPEG in base64 (`image`).'),
});
export type Reply = z.infer<typeof reply>;

export const trustSchemaId = 'atalaya/trust/1';

/** Who may do what: signed by the root key, which lies offline. */
export const trust = z.strictObject({
  schema: z.literal(trustSchemaId),
  version: z.int().min(1),
  issued: instant,
  expires: instant.optional(),
  people: z
    .array(
      z.strictObject({
        name: shortText.min(1),
        role: z.enum(roles),
        publicKey: z.string().max(500).describe('Ed25519, SubjectPublicKeyInfo, PEM'),
      }),
    )
    .max(1000),
  signature: signatureSchema.optional(),
});
export type Trust = z.infer<typeof trust>;

export const actSchemaId = 'atalaya/act/1';

/** A request of a person to the centre: what is asked, by method, path and the hash of the body. */
export const act = z.strictObject({
  schema: z.literal(actSchemaId),
  id: actId,
  issued: instant,
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']),
  path: z.string().max(4000).describe('With its query'),
  bodySha256: digest,
  signature: signatureSchema.optional(),
});
export type Act = z.infer<typeof act>;
