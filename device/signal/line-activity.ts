import type { Clock } from '../kernel/clock.ts';
import { explain, isAtalayaError } from '../kernel/errors.ts';
import { type Timer, withDeadline } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../kernel/units.ts';
import type { LineState } from './contract/line-state.ts';
import type { Lines } from './lines.ts';

/** A line that is watched, or may be switched on request. */
export interface NamedLine {
  readonly name: string;
  readonly direction: 'input' | 'output';
  /** What it serves: `red of main`, `door`, `tamper`, `loop`, `beacon`, `strobe`, `spare`. */
  readonly role: string;
  /** Of an output: its safe level, and how long a pulse may last. */
  readonly safe?: boolean;
  readonly pulse?: Milliseconds;
}

export interface ActivityParts {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timer: Timer;
  /** Longest time for one line to answer. */
  readonly deadline: Milliseconds;
}

/**
 * Counts the edges of every input since it was opened, beside whoever else watches them, so that somebody who tries each line by hand sees that
 * it came through. A line that cannot be watched is told with its fault and keeps nobody else from being counted.
 */
export class LineActivity {
  readonly #lines: Lines;
  readonly #named: readonly NamedLine[];
  readonly #parts: ActivityParts;
  readonly #begun: Milliseconds;
  readonly #changes = new Map<string, number>();
  readonly #faults = new Map<string, string>();
  readonly #unwatch: (() => void)[] = [];

  constructor(lines: Lines, named: readonly NamedLine[], parts: ActivityParts) {
    this.#lines = lines;
    this.#named = named;
    this.#parts = parts;
    this.#begun = parts.clock.monotonic();
  }

  /** Begins to watch. Whoever opened the lines closes them after this. */
  static open(lines: Lines, named: readonly NamedLine[], parts: ActivityParts): LineActivity {
    const activity = new LineActivity(lines, named, parts);
    for (const { name, direction } of named) if (direction === 'input') activity.#watch(name);
    return activity;
  }

  /** How long it has counted. */
  get watched(): Milliseconds {
    return milliseconds(this.#parts.clock.monotonic() - this.#begun);
  }

  /** Names of `pulse` that are no output here. */
  unknown(pulse: readonly string[]): readonly string[] {
    return pulse.filter((name) => !this.#named.some((one) => one.name === name && one.direction === 'output'));
  }

  /** Reads every input, and switches the outputs that are named on and off, one after the other. Never rejects. */
  async look(pulse: readonly string[] = []): Promise<readonly LineState[]> {
    const inputs = await Promise.all(this.#named.filter(isInput).map((line) => this.#read(line)));
    const states = new Map(inputs.map((state) => [state.name, state]));
    for (const line of this.#named) {
      if (isInput(line)) continue;
      const { name, direction, role } = line;
      states.set(name, { name, direction, role, ...(pulse.includes(name) ? await this.#pulse(line) : {}) });
    }
    return this.#named.map(({ name, direction, role }) => states.get(name) ?? { name, direction, role });
  }

  /** Counts no more. May be called twice. */
  close(): void {
    for (const stop of this.#unwatch.splice(0)) stop();
  }

  #watch(name: string): void {
    try {
      this.#changes.set(name, 0);
      this.#unwatch.push(
        this.#lines.watch(name, () => void this.#changes.set(name, (this.#changes.get(name) ?? 0) + 1)),
      );
    } catch (error) {
      this.#faults.set(name, wordsOf(error));
    }
  }

  async #read({ name, direction, role }: NamedLine): Promise<LineState> {
    const line = { name, direction, role };
    const fault = this.#faults.get(name);
    if (fault !== undefined) return { ...line, fault };
    const { deadline, timer } = this.#parts;
    try {
      const active = await withDeadline(this.#lines.read(name), deadline, `reading ${name}`, timer);
      return { ...line, active, changes: this.#changes.get(name) ?? 0 };
    } catch (error) {
      return { ...line, fault: wordsOf(error) };
    }
  }

  async #pulse({ name, safe = false, pulse = milliseconds(500) }: NamedLine): Promise<Pick<LineState, 'pulsed'>> {
    const { deadline, timer } = this.#parts;
    const set = (level: boolean) => withDeadline(this.#lines.set(name, level), deadline, `setting ${name}`, timer);
    try {
      await set(!safe);
      await timer.sleep(pulse);
      await set(safe);
      return { pulsed: true };
    } catch {
      // Whatever came through, it must not stay on.
      await set(safe).catch(() => undefined);
      return { pulsed: false };
    }
  }
}

const isInput = ({ direction }: NamedLine): boolean => direction === 'input';

const wordsOf = (error: unknown): string => (isAtalayaError(error) ? error.message : explain(error));
