import { join } from 'node:path';
import { z } from 'zod';

/** What a unit of the chaos run is told, as a JSON file. Paths are absolute. */
export const unitOptions = z.strictObject({
  unit: z.string(),
  /** Everything that it keeps. */
  folder: z.string(),
  broker: z.string(),
  ca: z.string(),
  cert: z.string(),
  key: z.string(),
  /** Verifier key of the witness at the centre. */
  witness: z.string(),
  /** Of what it makes; each start draws on from where the clock is. */
  seed: z.int(),
  /** Bound of its telemetry. */
  telemetryBytes: z.int(),
});
export type UnitOptions = z.infer<typeof unitOptions>;

/** What a unit says of itself, a line of JSON now and then. */
export const unitStatus = z.strictObject({
  online: z.boolean(),
  /** It makes no events any more, and all that it was making are on the medium. */
  quiet: z.boolean(),
  /** Events that the centre has not acknowledged. */
  queued: z.int(),
  /** Events that it has, of all lanes. */
  acknowledged: z.int(),
  /** Since it was started. */
  sentEvents: z.int(),
  resentEvents: z.int(),
  sentMessages: z.int(),
  connections: z.int(),
  /** Checkpoints that came back with the signature of the centre. */
  cosigned: z.int(),
});
export type UnitStatus = z.infer<typeof unitStatus>;

/** Where a unit keeps what. */
export const placesOf = (folder: string) => ({
  signingKey: join(folder, 'signing-key.pem'),
  ledger: join(folder, 'ledger'),
  outbox: join(folder, 'outbox'),
  alerts: join(folder, 'outbox', 'alert'),
  telemetry: join(folder, 'outbox', 'telemetry'),
  oracle: join(folder, 'oracle.jsonl'),
});

/** Small, so that kills and drops meet many ends of segments. */
export const ledgerSegmentBytes = 64 * 1024;
