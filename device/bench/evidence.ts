import { join } from 'node:path';
import { benchMillion } from './evidence-million.ts';
import { benchSeals } from './evidence-seals.ts';
import { benchSideBySide } from './evidence-side-by-side.ts';
import type { BenchContext, Figure } from './figure.ts';

/**
 * Evidence on this disk: one small record against a bare append and against SQLite; whole infractions; and a store of a million entries
 * against one of a thousand: sealing, opening, verifying.
 */
export async function benchEvidence({ scratch, ...context }: BenchContext): Promise<readonly Figure[]> {
  return [
    ...(await benchSideBySide({ ...context, scratch: join(scratch, 'side') })),
    ...(await benchSeals({ ...context, scratch: join(scratch, 'seals') })),
    ...(await benchMillion({ ...context, scratch: join(scratch, 'million') })),
  ];
}
