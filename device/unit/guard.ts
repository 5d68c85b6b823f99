import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RestartKeeper } from '../health/progress-restarts.ts';
import { Watchman } from '../health/progress-watchman.ts';
import { systemClock } from '../kernel/clock.ts';
import { type AtalayaError, explain } from '../kernel/errors.ts';
import { systemFiles } from '../kernel/files.ts';
import { HardwareWatchdog } from '../kernel/linux/hardware-watchdog.ts';
import { Libc } from '../kernel/linux/libc.ts';
import { openServiceNotify, type ServiceEnvironment } from '../kernel/linux/service-notify.ts';
import { systemTimer } from '../kernel/timer.ts';
import { milliseconds, seconds } from '../kernel/units.ts';

export interface GuardRequest {
  /** The machine's watchdog. */
  readonly watchdog?: string;
}

export interface GuardEnvironment extends ServiceEnvironment {
  /** Of systemd: the folder of what the service remembers. */
  readonly STATE_DIRECTORY?: string | undefined;
}

/**
 * Longer than the service manager takes to end a stuck program and start it again, so that the machine is reset only where that does not
 * help; and what most watchdogs take.
 */
const MACHINE_PATIENCE = seconds(60);
const EVERY = milliseconds(5000);

/**
 * Whoever holds this program to its progress; undefined where it has neither a service manager that asks for signs of life nor a watchdog.
 * Restarts are asked for only of a service manager, and only where they can be remembered.
 *
 * Throws `program-missing` where there is a socket of the service manager and no C library to speak with it.
 */
export async function openGuard(
  { watchdog }: GuardRequest,
  environment: GuardEnvironment,
  say: (line: string) => void,
): Promise<Watchman | undefined> {
  const notify = openServiceNotify(environment, process.pid, () => Libc.open());
  if (!notify.told && watchdog === undefined) return undefined;
  // The program before, under this process id, may have asked for more time for this start.
  if (notify.watchdog !== undefined) notify.within(notify.watchdog);
  const clock = systemClock;
  const onFault = (fault: AtalayaError) => say(explain(fault));
  const [folder] = (environment.STATE_DIRECTORY ?? '').split(':');
  const restarts =
    notify.told && folder
      ? await RestartKeeper.open({
          path: join(folder, 'restarts.json'),
          files: systemFiles,
          clock,
          boot: await bootId(),
          onFault,
        })
      : undefined;
  return new Watchman({
    heartbeat: {
      ready: () => void notify.ready(),
      beat: () => void notify.alive(),
      within: (time) => void notify.within(time),
      status: (text) => void notify.status(text),
      stopping: () => void notify.stopping(),
    },
    every: milliseconds(Math.min(EVERY, (notify.watchdog ?? EVERY * 3) / 3)),
    ...(watchdog === undefined
      ? {}
      : { openHardware: () => HardwareWatchdog.open(watchdog, MACHINE_PATIENCE, Libc.open()) }),
    ...(restarts === undefined ? {} : { restarts }),
    tell: say,
    onFault,
    clock,
    timer: systemTimer,
    random: Math.random,
  });
}

/** Another one after each start of the machine; empty where the kernel does not tell. */
async function bootId(): Promise<string> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return text.trim();
}
