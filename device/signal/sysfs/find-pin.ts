import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AtalayaError, systemCode } from '../../kernel/errors.ts';

/** Where the kernel shows its GPIO chips. */
export const SYSFS_GPIO = '/sys/class/gpio';

interface SysfsChip {
  /** Name of its folder, `gpiochip512`: the number is the chip's base. */
  readonly folder: string;
  readonly label: string;
  /** Number of its first line among all lines: given out at boot, another one from kernel to kernel and board to board. */
  readonly base: number;
  readonly lines: number;
}

/** The number of a line in sysfs: the chip's base, looked up by its label (or folder), and the offset. Throws `lines-unavailable`. */
export function findPin(root: string, wanted: string, offset: number | string): number {
  if (typeof offset === 'string') {
    throw refusal(
      `sysfs knows no line by its name, and ${offset} is one`,
      "Give the offset of the line: `gpioinfo`, or the board's drawing, shows it.",
    );
  }
  const chips = listChips(root);
  const labelled = chips.filter(({ label }) => label === wanted);
  const found = labelled.length > 0 ? labelled : chips.filter(({ folder }) => folder === wanted);
  const [chip] = found;
  if (chip === undefined) {
    const there = chips.map(describe).join(', ');
    throw refusal(
      `there is no GPIO chip ${wanted} in ${root}; there is ${there === '' ? 'none' : there}`,
      chips.length === 0
        ? 'Run on a kernel with CONFIG_GPIO_SYSFS, or set `signal.lines.driver` to `gpio`.'
        : 'Name one of these in `signal.lines`, or connect the chip that is missing.',
    );
  }
  if (found.length > 1) {
    throw refusal(
      `${found.length} GPIO chips are labelled ${wanted}: ${found.map(({ folder }) => folder).join(', ')}`,
      'Name the chip by its folder instead of its label in `signal.lines`.',
    );
  }
  if (offset >= chip.lines)
    throw refusal(
      `the GPIO chip ${describe(chip)} has no line ${offset}`,
      `Name an offset from 0 to ${chip.lines - 1}.`,
    );
  return chip.base + offset;
}

function listChips(root: string): SysfsChip[] {
  let folders: string[];
  try {
    folders = readdirSync(root);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw refusal(`${root} cannot be read (${systemCode(error)})`, "Let the unit's user into the group gpio.");
  }
  return folders
    .filter((folder) => /^gpiochip[0-9]+$/.test(folder))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .flatMap((folder) => {
      const text = (file: string) => readFileSync(join(root, folder, file), 'utf8').trim();
      try {
        return [{ folder, label: text('label'), base: Number(text('base')), lines: Number(text('ngpio')) }];
      } catch {
        // It went while it was looked at.
        return [];
      }
    })
    .filter(({ base, lines }) => Number.isInteger(base) && Number.isInteger(lines));
}

function describe({ folder, label, lines }: SysfsChip): string {
  return `${folder} (${label === '' ? 'no label' : label}, ${lines} lines)`;
}

export function refusal(message: string, hint: string | undefined, cause?: unknown): AtalayaError {
  return new AtalayaError('lines-unavailable', message, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}
