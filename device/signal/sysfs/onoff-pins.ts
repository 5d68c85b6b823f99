import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../kernel/errors.ts';
import { refusal, SYSFS_GPIO } from './find-pin.ts';

/** One line of sysfs. Levels are on and off: the kernel turns them where the line is active low. */
export interface Pin {
  /** Reads past whoever watches: an edge that is on its way is not swallowed. */
  read(): boolean;
  write(level: boolean): void;
  /** Calls back with the level after each edge, or with why it cannot be known. */
  watch(onEdge: (level: boolean | Error) => void): void;
  /** `keep`: the line stays exported, with the direction and level that it has. */
  close(then: 'release' | 'keep'): void;
}

export interface PinWish {
  readonly number: number;
  /** `high` and `low` are outputs at that voltage from the start, whatever `activeLow` says. */
  readonly direction: 'in' | 'high' | 'low';
  readonly activeLow: boolean;
}

export type OpenPin = (wish: PinWish) => Pin;

/**
 * Pins by the package `onoff`, which is optional: it needs a compiler at its installation. Throws `lines-unavailable` where it cannot
 * be loaded.
 *
 * `readSync` of onoff reads by the descriptor that is watched, and the kernel takes that for having seen the edge: the callback never
 * comes. The kernel keeps this for each opening of the file apart (fs/kernfs/file.c), so here a level is read by an opening of its own.
 */
export async function onoffPins(): Promise<OpenPin> {
  const { Gpio } = await import('onoff').catch((cause: unknown) => {
    throw refusal(
      'the package onoff cannot be loaded, and lines of sysfs need it',
      'Install the packages on this machine with a compiler (`npm ci`), or set `signal.lines.driver` to `gpio`.',
      cause,
    );
  });
  return ({ number, direction, activeLow }) => {
    const gpio = opened(number, () => new Gpio(number, direction, direction === 'in' ? 'both' : 'none', { activeLow }));
    const value = join(SYSFS_GPIO, `gpio${number}`, 'value');
    return {
      read: () => readFileSync(value, 'utf8').startsWith('1'),
      write: (level) => gpio.writeSync(level ? 1 : 0),
      watch: (onEdge) => gpio.watch((error, level) => onEdge(error ?? level === 1)),
      close: (then) => {
        if (then === 'release') gpio.unexport();
        else gpio.unwatchAll();
      },
    };
  };
}

function opened<T>(number: number, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const code = systemCode(cause);
    const line = `the line ${number} of sysfs`;
    if (code === 'EBUSY') {
      throw refusal(
        `${line} is taken by the kernel or another program`,
        'Stop what holds it: `gpioinfo` names it.',
        cause,
      );
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw refusal(
        `${line} may not be opened by this user`,
        "Let the unit's user into the group gpio, and let udev give it /sys/class/gpio.",
        cause,
      );
    }
    throw refusal(`${line} could not be opened: ${code ?? String(cause)}`, undefined, cause);
  }
}
