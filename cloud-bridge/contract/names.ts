import { z } from 'zod';

/** Common names of bridges begin with it, and brokers let them read and write for every unit; no unit may be named so. */
export const bridgePrefix = 'bridge-';
/** The CN of a certificate that a broker takes, of a unit or of a bridge. */
export const clientName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is not 1 to 63 lower-case letters, digits and dashes');
/** Name of a unit: the CN of its certificate, the level of its topics. As `unit.id` of the configuration. */
export const unitId = clientName.refine(
  (name) => !name.startsWith(bridgePrefix),
  `begins with ${bridgePrefix}, which is kept for bridges`,
);
/** Id of a command, an alert, a rollout. */
export const actId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{7,63}$/, 'is not 8 to 64 letters, digits and dashes');
/** Id of an evidence record, as a level of a topic. */
export const evidenceId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'is no id of evidence');
/** Name of a file of a record, as a level of a topic. */
export const fileName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'is no file name of evidence');
/** Index of a block of a file, from 0, as a level of a topic. */
export const blockNumber = z.string().regex(/^(0|[1-9][0-9]{0,5}|1000000)$/, 'is no number of a block');
export const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'is not a SHA-256: 64 hexadecimal digits')
  .meta({ id: 'digest', description: 'SHA-256, hexadecimal' });
export const instant = z.iso
  .datetime({ offset: true, error: 'is no date and time such as 2026-03-01T12:00:00Z' })
  .max(40)
  .meta({ id: 'instant', description: 'Date and time with its offset (RFC 3339)' });
export const streamId = z.string().regex(/^[0-9a-f-]{16,64}$/, 'is no stream: 16 to 64 hexadecimal digits and dashes');
export const sequence = z.int().min(1);
export const shortText = z.string().max(200);
export const reason = z.string().min(1).max(2000);
/** JSON of any form, to be checked by whoever knows it. */
export const anyJson = z.json();
