import { z } from 'zod';
import { longestPath, repositoryPath } from '../../ota/contract/repository.ts';
import { blockBytes } from './block-bytes.ts';
import { reason } from './names.ts';

/** A file of the update repositories, in blocks that the unit asks for, as AWS IoT Streams has it: whoever receives sets the pace. */

/** What a unit names a stream: one file at one size of block; drawn anew after each start. */
export const streamToken = z.string().regex(/^[a-z0-9]{8,32}$/, 'is not 8 to 32 lower-case letters and digits');

/** Bytes of the steps in which a unit keeps account of what of a file it has. */
export const blockStep = 4096;
/** Sizes of blocks are multiples of it, bytes: on a slow link a step is long. */
export const smallestBlock = 1024;

export const streamGet = z.looseObject({
  id: streamToken,
  file: z.string().max(longestPath).regex(repositoryPath, 'is no file of a repository'),
  /** Bytes of a block; the last one of a file has less. */
  size: z.int().min(smallestBlock).max(blockBytes).multipleOf(smallestBlock),
  /** Index of the first block, from 0. */
  from: z.int().min(0).max(1_000_000),
  /** Blocks; 0 asks only what there is. */
  count: z.int().min(0).max(64),
});
export type StreamGet = z.infer<typeof streamGet>;

/** To a get with `count` 0, and to one that cannot be served. */
export const streamAnswer = z.looseObject({
  id: streamToken,
  /** Bytes of the file. */
  length: z.int().min(0).optional(),
  /** `absent`: there is no such file. `later`: too much is asked at once, by this unit or by all. */
  refused: z.enum(['absent', 'later']).optional(),
  reason: reason.optional(),
});
export type StreamAnswer = z.infer<typeof streamAnswer>;
