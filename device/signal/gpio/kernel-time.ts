import type { Clock } from '../../kernel/clock.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';

/** Enough that one try is not interrupted. */
const TRIES = 32;

/**
 * The map from the kernel's monotonic time, in milliseconds, to a clock's. Both run on CLOCK_MONOTONIC (libuv's `uv_hrtime`, on which
 * `process.hrtime` and `performance.now` rest), so only their origins differ: the difference is measured once, in the try in which the
 * two readings of the clock around the kernel's lie closest.
 */
export function kernelTimeMap(clock: Clock, kernelNow: () => bigint): (kernel: number) => Milliseconds {
  let offset = 0;
  let closest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES && closest > 0; i += 1) {
    const before = clock.monotonic();
    const kernel = Number(kernelNow()) / 1e6;
    const after = clock.monotonic();
    if (after - before < closest) {
      closest = after - before;
      offset = (before + after) / 2 - kernel;
    }
  }
  return (kernel) => milliseconds(kernel + offset);
}
