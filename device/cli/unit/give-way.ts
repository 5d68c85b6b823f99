import type { Launched } from '../../../ota/slots/launch-environment.ts';

/**
 * Replaces this program by the one that the launcher chooses next, under the same process id: nobody who watches over the process sees it
 * end, and no pause between two starts is waited for. Does not return, but where no launcher started this program: whoever manages it
 * starts it again.
 */
export function giveWay(launched: Launched | undefined, args: readonly string[], lastFrame: number | undefined): void {
  if (launched === undefined) return;
  const { launcher } = launched;
  const environment = {
    ...process.env,
    ATALAYA_LAST_FRAME: lastFrame === undefined ? '' : String(Math.round(lastFrame)),
  };
  process.execve?.(launcher, [launcher, 'run', '--', ...args], environment);
}
