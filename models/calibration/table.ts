import { z } from 'zod';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { parse } from '../../device/kernel/schema.ts';

/** A calibration table: numbers only, one range per layer, with a header that says what was looked at. No picture can be got back from it. */
export const tableSchema = z.strictObject({
  schema: z.literal('atalaya.calibration/1'),
  /** Id of the recipe whose layers are named. */
  model: z.string(),
  /** The weights that the ranges belong to. */
  source: z.union([
    z.strictObject({ package: z.string(), version: z.string(), integrity: z.string() }),
    z.strictObject({ file: z.string(), sha256: z.string() }),
  ]),
  provenance: z.strictObject({
    /** What kind of footage the frames were. */
    footage: z.string().min(1),
    frames: z.int().positive(),
    /** How a range was chosen from what was seen. */
    method: z.string(),
  }),
  ranges: z.record(z.string(), z.tuple([z.number(), z.number()])),
});

export type CalibrationTable = z.infer<typeof tableSchema>;

/** Throws `bundle-invalid` for text that is no calibration table. */
export function readTable(text: string, what: string): CalibrationTable {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new AtalayaError('bundle-invalid', `${what} is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  return parse(tableSchema, document, what, 'bundle-invalid');
}

/** The table as text, one layer a line, so that a new calibration can be compared with the old one. */
export function writeTable(table: CalibrationTable): string {
  return `${JSON.stringify(table, null, 2).replace(/\[\s+(-?[\d.e-]+),\s+(-?[\d.e-]+)\s+\]/g, '[$1, $2]')}\n`;
}
