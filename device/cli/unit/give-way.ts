/**
 * Replaces this program by the one that the launcher chooses next, under the same process id: nobody who watches over the process sees it
 * end, and no pause between two starts is waited for. Does not return, but where no launcher started this program: whoever manages it
 * starts it again.
 */
export function giveWay(environment: NodeJS.ProcessEnv, args: readonly string[]): void {
  const { ATALAYA_LAUNCHER: launcher } = environment;
  if (launcher === undefined || launcher === '') return;
  process.execve?.(launcher, [launcher, 'run', '--', ...args], environment as Record<string, string>);
}
