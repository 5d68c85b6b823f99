import { z } from 'zod';
import { instant } from '../../cloud-bridge/contract/names.ts';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import type { Files } from '../../device/kernel/files.ts';
import { jobSteps } from '../contract/job.ts';
import { jobOutcomes } from './update-state.ts';

/** Where updates stand: for the status page, the panel and the command line. */
export const updateStanding = z.object({
  at: instant,
  running: z.object({ slot: z.enum(['a', 'b', 'image']), version: z.string(), release: z.number() }),
  trial: z
    .object({
      slot: z.enum(['a', 'b', 'image']),
      startsLeft: z.number(),
      /** Seconds. */
      used: z.number(),
      deadline: z.number(),
      held: z.number(),
      hold: z.number(),
      failing: z.array(z.string()),
    })
    .exactOptional(),
  job: z
    .object({
      id: z.string(),
      step: z.enum(jobSteps),
      /** Bytes. */
      progress: z.object({ done: z.number(), total: z.number() }).exactOptional(),
      waitsUntil: instant.exactOptional(),
      reasons: z.array(z.string()),
    })
    .exactOptional(),
  /** What ended last. */
  last: z
    .object({
      job: z.string().exactOptional(),
      outcome: z.enum(jobOutcomes),
      at: instant,
      reasons: z.array(z.string()),
    })
    .exactOptional(),
  /** What metadata was refused for last. */
  refused: z.object({ at: instant, reason: z.string() }).exactOptional(),
  /** What hinders the update of going on now. */
  fault: z.string().exactOptional(),
  /** To whoever left a request. */
  answer: z.object({ id: z.string(), good: z.boolean(), words: z.string() }).exactOptional(),
});
export type UpdateStanding = z.infer<typeof updateStanding>;

export const standingPath = (root: string): string => `${root}/standing.json`;

/**
 * Shows the standing to other processes. Not durable, since it says only what is the case: after a power cut the file may be empty or old,
 * and the next start of the unit writes it anew. Throws the system's own errors.
 */
export async function showStanding(files: Files, root: string, standing: UpdateStanding): Promise<void> {
  const part = `${standingPath(root)}.part`;
  const file = await files.open(part, 'create');
  try {
    await file.write([Buffer.from(`${JSON.stringify(standing)}\n`)], 0);
  } finally {
    await file.close();
  }
  await files.rename(part, standingPath(root));
}

/** What a running unit showed last; undefined where there is nothing that can be read. */
export async function readStanding(files: Files, root: string): Promise<UpdateStanding | undefined> {
  try {
    const bytes = await readWholeFile(files, standingPath(root));
    return bytes === undefined ? undefined : updateStanding.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
}
