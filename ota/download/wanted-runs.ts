import { blockStep } from '../../cloud-bridge/contract/stream.ts';
import type { BlockWishes } from '../contract/parts.ts';

/** Bytes that are wanted one after the other. */
export interface Run {
  readonly offset: number;
  readonly length: number;
}

/** What is wanted, in runs of at most so many bytes; each is asked for when the one before it was handled. */
export function* wantedRuns({ length, wants }: Pick<BlockWishes, 'length' | 'wants'>, most: number): Generator<Run> {
  for (let offset = 0; offset < length; ) {
    if (!wants(offset)) {
      offset += blockStep;
      continue;
    }
    let end = offset;
    while (end < length && end - offset < most && wants(end)) end = Math.min(length, end + blockStep);
    yield { offset, length: end - offset };
    offset = end;
  }
}
