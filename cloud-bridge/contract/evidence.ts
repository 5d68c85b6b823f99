import { z } from 'zod';
import { evidenceId, fileName } from './names.ts';

/** The shape of a stream: whoever receives says what it lacks, and sets the pace. */
export const evidenceGet = z.looseObject({
  evidence: evidenceId,
  file: fileName.describe('Of the record, or `keys`: the key file of the package, without which no other opens'),
  blocks: z.array(z.int().min(0).max(1_000_000)).min(1).max(64),
});
export type EvidenceGet = z.infer<typeof evidenceGet>;
