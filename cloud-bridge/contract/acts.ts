import { z } from 'zod';
import { signatureSchema } from '../../device/kernel/signed/signed-document.ts';
import { actId, digest, evidenceId, fileName, instant, reason, shortText, unitId } from './names.ts';
import { roles } from './roles.ts';

/** Documents that a person signs. They are strict: what is signed is understood whole or refused. */

/** JSON of any form, to be checked by whoever knows it. */
const json = z.json();

export const configSchemaId = 'atalaya/config/1';

/** A configuration for one unit. `settings` is a part of a configuration file: what is absent keeps the unit's own value. */
export const desired = z.strictObject({
  schema: z.literal(configSchemaId),
  unit: unitId,
  /** Grows with each document for this unit; none that is not above the highest ever accepted is taken. */
  version: z.int().min(1),
  issued: instant,
  /** Not to be applied from then on. */
  expires: instant.optional(),
  /** Minutes on trial. */
  probationMinutes: z.number().min(0.05).max(1440).default(10),
  note: z.string().max(500).optional(),
  settings: z.record(z.string(), json),
  signature: signatureSchema.optional(),
});
export type Desired = z.infer<typeof desired>;

export const commandSchemaId = 'atalaya/command/1';

/** The arguments of each command. */
export const commandArguments = {
  'self-test': z.strictObject({}),
  snapshot: z.strictObject({ width: z.int().min(160).max(1920).default(640) }),
  reboot: z.strictObject({ reason }),
  'log-level': z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']),
    /** Then it goes back by itself. */
    minutes: z.number().min(1).max(1440),
  }),
  'evidence-pull': z.strictObject({
    evidence: z.array(evidenceId).min(1).max(100),
    /** Without it, every file. */
    files: z.array(fileName).min(1).max(50).optional(),
    /** The centre may ask for the blocks for so long. */
    hours: z.number().min(0.1).max(720).default(72),
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
  /** As `commandArguments` has them. */
  arguments: z.record(z.string(), json),
  signature: signatureSchema.optional(),
});
export type Command = z.infer<typeof command>;

/** Once for each id. */
export const reply = z.looseObject({
  id: actId,
  name: z.string().max(40),
  at: instant,
  outcome: z.enum(['done', 'failed', 'refused']),
  /** Of `failed` and `refused`: `code: words`. */
  reason: reason.optional(),
  /** Of `done`. A snapshot is a JPEG in base64 (`image`). */
  result: z.record(z.string(), json).optional(),
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
        /** Ed25519, SubjectPublicKeyInfo, PEM. */
        publicKey: z.string().max(500),
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
  /** With its query. */
  path: z.string().max(4000),
  bodySha256: digest,
  signature: signatureSchema.optional(),
});
export type Act = z.infer<typeof act>;
