import { dirname } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../kernel/clock.ts';
import { makeFolders, readWholeFile, storeFault, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import type { Files } from '../kernel/files.ts';
import { type Milliseconds, milliseconds, toIso, type UtcMilliseconds, utcMilliseconds } from '../kernel/units.ts';

export interface RestartLimits {
  /** Time without frames before the first restart; each that did not help doubles it. */
  readonly first: Milliseconds;
  readonly most: Milliseconds;
  /** Restarts of the program in a row that must have failed before the machine is started again. */
  readonly programFirst: number;
  /** Restarts of the machine in 24 h. */
  readonly machineADay: number;
}

export const usualRestartLimits: RestartLimits = {
  first: milliseconds(600_000),
  most: milliseconds(6 * 3_600_000),
  programFirst: 2,
  machineADay: 3,
};

/** What is known of restarts for want of frames. */
export interface RestartHistory {
  /** Without a frame that was judged in between. */
  readonly inARow: number;
  /** Dates of the machine's restarts within the last 24 h, oldest first. */
  readonly machine: readonly UtcMilliseconds[];
  /** The newest of them was asked for and has not been seen to happen. */
  readonly pending: boolean;
  /** The boot of the machine that was counted last. */
  readonly boot: string;
}

export const noRestarts: RestartHistory = { inARow: 0, machine: [], pending: false, boot: '' };

const DAY = 24 * 3_600_000;

/** Restarts of the machine that count at `now`. One of a later date was written before the clock was set back, and counts. */
export function machineRestarts(
  { machine }: Pick<RestartHistory, 'machine'>,
  now: UtcMilliseconds,
): readonly UtcMilliseconds[] {
  return machine.filter((at) => now - at < DAY).map((at) => utcMilliseconds(Math.min(at, now)));
}

/**
 * Whether starting again is tried against a lost camera: the program first (its children, its devices' descriptors), then the machine
 * (the camera's bus and driver), each time after twice as long, the machine so often a day at most. Pure.
 */
export function planRestart(
  lost: Milliseconds,
  history: RestartHistory,
  now: UtcMilliseconds,
  limits: RestartLimits = usualRestartLimits,
): 'wait' | 'program' | 'machine' {
  if (lost < Math.min(limits.most, limits.first * 2 ** Math.min(history.inARow, 40))) return 'wait';
  const mayMachine = history.inARow >= limits.programFirst && machineRestarts(history, now).length < limits.machineADay;
  return mayMachine ? 'machine' : 'program';
}

const schema = 'atalaya/restarts/1';
const memory = z.strictObject({
  schema: z.literal(schema),
  inARow: z.int().min(0),
  machine: z.array(z.iso.datetime()).max(1000),
  pending: z.boolean(),
  boot: z.string().max(100),
});

export interface RestartKeeperOptions {
  readonly path: string;
  readonly files: Files;
  readonly clock: Pick<Clock, 'utc'>;
  /** Of the machine: `/proc/sys/kernel/random/boot_id`. */
  readonly boot: string;
  readonly onFault: (fault: AtalayaError) => void;
}

/**
 * The restarts of a unit, over its restarts: one small file, on the medium before a restart is asked for. What cannot be remembered is
 * not done (`asked` is false), so that a broken disk makes no loop.
 */
export class RestartKeeper {
  readonly #options: RestartKeeperOptions;
  #history: RestartHistory;

  constructor(options: RestartKeeperOptions, history: RestartHistory) {
    this.#options = options;
    this.#history = history;
  }

  /** A file that cannot be read counts as a full day: told, and no restart of the machine is asked for until it is old. */
  static async open(options: RestartKeeperOptions): Promise<RestartKeeper> {
    const { files, path, onFault, clock } = options;
    try {
      const content = await readWholeFile(files, path);
      if (content === undefined) return new RestartKeeper(options, noRestarts);
      const { machine, inARow, pending, boot } = memory.parse(JSON.parse(content.toString('utf8')));
      const dates = machine.map((at) => utcMilliseconds(Date.parse(at)));
      return new RestartKeeper(options, { machine: dates, inARow, pending, boot });
    } catch (error) {
      onFault(isAtalayaError(error) ? error : new AtalayaError('store-damaged', `${path} does not tell of restarts`));
      const full = Array.from({ length: usualRestartLimits.machineADay }, () => clock.utc());
      return new RestartKeeper(options, { ...noRestarts, machine: full });
    }
  }

  get history(): RestartHistory {
    return this.#history;
  }

  /** Frames are judged: the next loss is the first again. */
  async cured(): Promise<void> {
    if (this.#history.inARow > 0) await this.#write({ ...this.#history, inARow: 0, pending: false });
  }

  /** The watchdog has started the machine again; counted once a boot, and not again where it was asked for. */
  async machineWasReset(): Promise<void> {
    const { clock, boot } = this.#options;
    if (this.#history.boot === boot) return;
    const machine = machineRestarts(this.#history, clock.utc());
    const counted = this.#history.pending ? machine : [...machine, clock.utc()];
    await this.#write({ ...this.#history, machine: counted, pending: false, boot });
  }

  /** Remembers a restart that is about to be made; false where it could not be. */
  asked(kind: 'program' | 'machine'): Promise<boolean> {
    const now = this.#options.clock.utc();
    const machine = machineRestarts(this.#history, now);
    const inARow = this.#history.inARow + 1;
    if (kind === 'program') return this.#write({ ...this.#history, inARow, machine });
    return this.#write({ ...this.#history, inARow, machine: [...machine, now], pending: true });
  }

  async #write(history: RestartHistory): Promise<boolean> {
    const { files, path, onFault } = this.#options;
    const content = { schema, ...history, machine: history.machine.map(toIso) };
    try {
      await makeFolders(files, dirname(path));
      await writeWholeFile(files, path, Buffer.from(`${JSON.stringify(content)}\n`));
    } catch (error) {
      onFault(isAtalayaError(error) ? error : storeFault(error, `cannot write ${path}`));
      return false;
    }
    this.#history = history;
    return true;
  }
}
