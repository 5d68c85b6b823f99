import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AtalayaError } from '../../device/kernel/errors.ts';

/** A way to a port of this machine on which a round trip takes so long longer. */
export interface Relay {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts it as a process, so that it takes no time from whoever measures. */
export function openRelay(target: number, roundTripMs: number): Promise<Relay> {
  const path = fileURLToPath(new URL('./sync-relay.ts', import.meta.url));
  const child = fork(path, [`${target}`, `${roundTripMs}`]);
  return new Promise((resolve, reject) => {
    child.once('message', (port) => resolve({ port: port as number, stop: () => endOf(child) }));
    child.once('exit', () => reject(new AtalayaError('internal', 'the delaying way did not start')));
  });
}

/** SIGTERM, and SIGKILL where that does not help. */
export async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(late);
}
