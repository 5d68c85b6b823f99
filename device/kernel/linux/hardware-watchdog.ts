import { Buffer } from 'node:buffer';
import { AtalayaError } from '../errors.ts';
import { type Seconds, seconds } from '../units.ts';
import { ioctlBoth, ioctlRead } from './ioctl-number.ts';
import { isSystemFault, type SystemCalls } from './system-calls.ts';

/** `linux/watchdog.h`: `struct watchdog_info` is options (u32), firmware version (u32), identity (32 bytes). */
const INFO_SIZE = 40;
const LETTER = 'W'.charCodeAt(0);
export const watchdogRequests = {
  support: ioctlRead(LETTER, 0, INFO_SIZE),
  bootStatus: ioctlRead(LETTER, 2, 4),
  keepAlive: ioctlRead(LETTER, 5, 4),
  setTimeout: ioctlBoth(LETTER, 6, 4),
  getTimeout: ioctlRead(LETTER, 7, 4),
} as const;
const WDIOF_CARDRESET = 0x0020;
const WDIOF_MAGICCLOSE = 0x0100;

export interface WatchdogFacts {
  /** What the driver calls the device. */
  readonly identity: string;
  /** The machine is reset when the watchdog was not fed for so long: what the device took, which may differ from what was asked for. */
  readonly timeout: Seconds;
  /** It can be stopped by the program that started it; without, feeding may never end. */
  readonly stoppable: boolean;
  /** The last start of the machine was this watchdog's doing. */
  readonly resetByWatchdog: boolean;
}

/**
 * The machine's watchdog: once open, it resets the machine when it is not fed within its timeout. It is opened last and fed only
 * while the unit does its work.
 */
export class HardwareWatchdog {
  readonly facts: WatchdogFacts;
  readonly #calls: SystemCalls;
  #descriptor: number | undefined;

  private constructor(calls: SystemCalls, descriptor: number, facts: WatchdogFacts) {
    this.#calls = calls;
    this.#descriptor = descriptor;
    this.facts = facts;
  }

  /**
   * Undefined where the machine has none. Throws `config-invalid` for a device that is no watchdog, is another's (systemd itself
   * with `RuntimeWatchdogSec`), may not be opened, or does not take the timeout.
   */
  static open(path: string, timeout: Seconds, calls: SystemCalls): HardwareWatchdog | undefined {
    let descriptor: number;
    try {
      descriptor = calls.open(path, 'write');
    } catch (error) {
      if (isSystemFault(error, 'ENOENT', 'ENODEV', 'ENXIO')) return undefined;
      throw refusal(path, error);
    }
    try {
      const info = Buffer.alloc(INFO_SIZE);
      calls.ioctl(descriptor, watchdogRequests.support, info);
      const options = info.readUInt32LE(0);
      const taken = Buffer.alloc(4);
      taken.writeInt32LE(Math.round(timeout));
      setTimeoutWhereItCan(calls, descriptor, taken);
      const facts: WatchdogFacts = {
        identity: textOf(info.subarray(8)),
        timeout: seconds(taken.readInt32LE()),
        stoppable: (options & WDIOF_MAGICCLOSE) !== 0,
        resetByWatchdog: (bootStatus(calls, descriptor) & WDIOF_CARDRESET) !== 0,
      };
      return new HardwareWatchdog(calls, descriptor, facts);
    } catch (error) {
      // It runs since it was opened: what cannot be used is stopped rather than left to reset the machine.
      disarm(calls, descriptor);
      throw refusal(path, error);
    }
  }

  /** Begins the timeout anew; nothing after `close`. A kernel that refuses is `internal`: the reset comes, and nothing here can stop it. */
  feed(): void {
    if (this.#descriptor === undefined) return;
    try {
      this.#calls.ioctl(this.#descriptor, watchdogRequests.keepAlive, Buffer.alloc(4));
    } catch (cause) {
      throw new AtalayaError('internal', `the watchdog ${this.facts.identity} could not be fed`, { cause });
    }
  }

  /**
   * Lets the device go. `stop`: the watchdog is stopped first, for an end that a person asked for. `leave-running`: it goes on, and
   * resets the machine unless somebody takes over in time. May be called twice.
   */
  close(then: 'stop' | 'leave-running'): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor === undefined) return;
    if (then === 'stop') disarm(this.#calls, descriptor);
    else this.#calls.close(descriptor);
  }
}

/** A driver without a settable timeout answers EOPNOTSUPP or ENOTTY: then its own is read. */
function setTimeoutWhereItCan(calls: SystemCalls, descriptor: number, taken: Buffer): void {
  try {
    calls.ioctl(descriptor, watchdogRequests.setTimeout, taken);
  } catch (error) {
    if (!isSystemFault(error, 'EOPNOTSUPP', 'ENOTSUP', 'ENOTTY')) throw error;
    calls.ioctl(descriptor, watchdogRequests.getTimeout, taken);
  }
}

function bootStatus(calls: SystemCalls, descriptor: number): number {
  const status = Buffer.alloc(4);
  try {
    calls.ioctl(descriptor, watchdogRequests.bootStatus, status);
  } catch (error) {
    if (!isSystemFault(error)) throw error;
  }
  return status.readInt32LE();
}

/** The magic close of `Documentation/watchdog/watchdog-api.rst`: a `V` right before the descriptor is closed stops the watchdog. */
function disarm(calls: SystemCalls, descriptor: number): void {
  try {
    calls.write(descriptor, Buffer.from('V'));
  } catch (error) {
    if (!isSystemFault(error)) throw error;
  } finally {
    calls.close(descriptor);
  }
}

function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

const hints: Readonly<Record<string, string>> = {
  EBUSY:
    'Another program feeds it: take `RuntimeWatchdogSec` out of /etc/systemd/system.conf, or let the unit not use it.',
  EACCES: 'Let the unit into the group that owns the device (`ls -l /dev/watchdog*`), or let it not use the watchdog.',
  EPERM: 'Let the unit into the group that owns the device (`ls -l /dev/watchdog*`), or let it not use the watchdog.',
  ENOTTY: 'Name a watchdog, such as /dev/watchdog0.',
  EINVAL: 'Ask for a timeout that the device takes: `wdctl` shows it, and few take more than a minute.',
};

function refusal(path: string, cause: unknown): AtalayaError {
  const code = isSystemFault(cause) ? cause.code : undefined;
  const hint = code === undefined ? undefined : hints[code];
  return new AtalayaError(
    'config-invalid',
    `the watchdog ${path} cannot be used${code === undefined ? '' : `: ${code}`}`,
    {
      cause,
      ...(hint === undefined ? {} : { hint }),
    },
  );
}
