import { systemTimer } from '../kernel/timer.ts';
import { milliseconds } from '../kernel/units.ts';

/** Waits for what programs and brokers do in their own time: looks again and again, and fails with `what` after `most` milliseconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, most = 60_000): Promise<void> {
  const end = performance.now() + most;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${most} ms: ${what}`);
    await systemTimer.sleep(milliseconds(20));
  }
}
