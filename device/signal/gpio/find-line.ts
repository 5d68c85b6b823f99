import { Buffer } from 'node:buffer';
import { AtalayaError } from '../../kernel/errors.ts';
import { isSystemFault, type SystemCalls } from '../../kernel/linux/system-calls.ts';
import {
  CHIP_INFO_SIZE,
  type ChipInfo,
  gpioRequests,
  type LineInfo,
  lineInfoRequest,
  readChipInfo,
  readLineInfo,
} from './gpio-abi.ts';

/** Where a wire is, as the configuration says it. */
export interface WirePlace {
  /** Label, else name, of the chip. */
  readonly chip: string;
  /** Offset or name of the line. */
  readonly line: number | string;
}

/** What opens chips: the system calls, and the paths of the devices there are (`/dev/gpiochip0`, ...). */
export interface GpioSystem {
  readonly calls: SystemCalls;
  readonly devices: () => readonly string[];
}

export interface FoundChip {
  readonly path: string;
  readonly info: ChipInfo;
}

/** Names that stand in a message; there are chips with hundreds of lines. */
const mostNames = 40;

/**
 * Runs `use` on the opened chip that has the label, or else the name; the descriptor is closed after it. Throws `lines-unavailable`
 * with what there is instead.
 */
export function withChip<T>(system: GpioSystem, wanted: string, use: (chip: FoundChip, descriptor: number) => T): T {
  const { path, info } = findChip(system, wanted);
  const descriptor = system.calls.open(path, 'read-write');
  try {
    return use({ path, info }, descriptor);
  } finally {
    system.calls.close(descriptor);
  }
}

function findChip(system: GpioSystem, wanted: string): FoundChip {
  const { chips, refused } = listChips(system);
  const labelled = chips.filter(({ info }) => info.label === wanted);
  const found = labelled.length > 0 ? labelled : chips.filter(({ info }) => info.name === wanted);
  const [chip] = found;
  if (chip !== undefined && found.length === 1) return chip;
  if (chip !== undefined) {
    throw unavailable(
      `${found.length} GPIO chips are labelled ${wanted}: ${found.map(({ info }) => info.name).join(', ')}`,
      'Name the chip by its name instead of its label in `signal.lines`.',
    );
  }
  const [first] = refused;
  if (first !== undefined && chips.length === 0) throw notAllowed(refused.join(' and '));
  if (chips.length === 0) {
    throw unavailable(
      `there is no GPIO chip ${wanted}, nor any other: no /dev/gpiochip* is there`,
      'Run on a kernel with the GPIO character device (CONFIG_GPIO_CDEV) and its chip enabled, or set `signal.lines.driver` to `sysfs` or `simulated`.',
    );
  }
  const there = chips.map(({ info }) => describeChip(info)).join(', ');
  const hidden = refused.length === 0 ? '' : `; ${refused.join(' and ')} may not be opened`;
  throw unavailable(
    `there is no GPIO chip ${wanted}; there is ${there}${hidden}`,
    'Name one of these in `signal.lines`, or connect the chip that is missing.',
  );
}

/** Every chip that may be opened, once each though several paths lead to it, and the paths that may not. */
export function listChips({ calls, devices }: GpioSystem): { chips: FoundChip[]; refused: string[] } {
  const chips = new Map<string, FoundChip>();
  const refused: string[] = [];
  for (const path of devices()) {
    try {
      const descriptor = calls.open(path, 'read-write');
      try {
        const bytes = Buffer.alloc(CHIP_INFO_SIZE);
        calls.ioctl(descriptor, gpioRequests.chipInfo, bytes);
        const info = readChipInfo(bytes);
        if (!chips.has(info.name)) chips.set(info.name, { path, info });
      } finally {
        calls.close(descriptor);
      }
    } catch (error) {
      // A chip that goes while it is looked at, or a link to nowhere, is not there.
      if (!isSystemFault(error)) throw error;
      if (isSystemFault(error, 'EACCES', 'EPERM')) refused.push(path);
    }
  }
  return { chips: [...chips.values()], refused };
}

/** The line at an offset, or of a name. */
export function findLine(
  { calls }: GpioSystem,
  { info }: FoundChip,
  descriptor: number,
  wanted: number | string,
): LineInfo {
  if (typeof wanted === 'number') {
    if (wanted < info.lines) return lineInfo(calls, descriptor, wanted);
    throw unavailable(
      `the GPIO chip ${describeChip(info)} has no line ${wanted}`,
      `Name an offset from 0 to ${info.lines - 1}: \`gpioinfo ${info.name}\` lists them.`,
    );
  }
  const names: string[] = [];
  for (let offset = 0; offset < info.lines; offset += 1) {
    const line = lineInfo(calls, descriptor, offset);
    if (line.name === wanted) return line;
    if (line.name !== '') names.push(line.name);
  }
  const there = names.slice(0, mostNames).join(', ') + (names.length > mostNames ? ', ...' : '');
  throw unavailable(
    `the GPIO chip ${describeChip(info)} has no line named ${wanted}; ${names.length === 0 ? 'none of its lines has a name' : `there is ${there}`}`,
    names.length === 0
      ? `Give its offset, from 0 to ${info.lines - 1}: \`gpioinfo ${info.name}\` lists them.`
      : 'Give one of these names, or the offset of the line.',
  );
}

/** What the kernel's refusal of a line means to whoever stands at the unit. */
export function lineRefusal(
  { calls }: GpioSystem,
  chip: FoundChip,
  descriptor: number,
  { offset, name }: LineInfo,
  error: unknown,
): AtalayaError {
  const line = `the line ${offset}${name === '' ? '' : ` (${name})`} of the GPIO chip ${describeChip(chip.info)}`;
  if (isSystemFault(error, 'EBUSY')) {
    const { consumer } = lineInfo(calls, descriptor, offset);
    return unavailable(
      `${line} is taken by ${consumer === '' ? 'the kernel or another program' : consumer}`,
      `Stop what holds it, or name another line: \`gpioinfo ${chip.info.name}\` shows which are free.`,
      error,
    );
  }
  if (isSystemFault(error, 'EACCES', 'EPERM')) return notAllowed(chip.path);
  if (isSystemFault(error, 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENXIO', 'EIO')) {
    return unavailable(
      `${line} cannot be driven or read as the configuration says (${error.code})`,
      'Leave out `bias`, `drive` or `debounceMs` of the line, which this chip may not have, or name another line.',
      error,
    );
  }
  return unavailable(`${line} could not be opened${isSystemFault(error) ? `: ${error.code}` : ''}`, undefined, error);
}

export function describeChip({ name, label, lines }: ChipInfo): string {
  return `${name} (${label === '' ? 'no label' : label}, ${lines} lines)`;
}

export function unavailable(message: string, hint: string | undefined, cause?: unknown): AtalayaError {
  return new AtalayaError('lines-unavailable', message, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function notAllowed(path: string): AtalayaError {
  return unavailable(
    `${path} may not be opened by this user`,
    `Let the unit's user into the group that owns it, \`usermod -aG gpio\` with the user's name, and start the unit again; \`ls -l ${path.split(' ')[0]}\` shows the group.`,
  );
}

function lineInfo(calls: SystemCalls, descriptor: number, offset: number): LineInfo {
  const bytes = lineInfoRequest(offset);
  calls.ioctl(descriptor, gpioRequests.lineInfo, bytes);
  return readLineInfo(bytes);
}
