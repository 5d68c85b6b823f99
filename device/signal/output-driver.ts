import { type AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import { type Timer, withDeadline } from '../kernel/timer.ts';
import type { Milliseconds } from '../kernel/units.ts';
import type { Lines } from './lines.ts';

/**
 * Brings one output to the level that is wanted, however slow the line is.
 *
 * Guarantees: there is one `set` under way at most, so a line that hangs gathers no queue; when it answers, the level that is wanted
 * by then is set; a `set` that fails is tried again; after `stop` nothing is set any more, and a late answer makes the lines safe
 * once more, since it may have undone that.
 */
export class OutputDriver {
  readonly #lines: Lines;
  readonly #output: string;
  readonly #deadline: Milliseconds;
  readonly #timer: Timer;
  readonly #onFault: (fault: AtalayaError) => void;
  readonly #stopping = new AbortController();
  #wanted = false;
  /** Undefined while it is not known. */
  #stands: boolean | undefined;
  #work: Promise<void> | undefined;

  constructor(
    lines: Lines,
    output: string,
    deadline: Milliseconds,
    timer: Timer,
    onFault: (fault: AtalayaError) => void,
  ) {
    this.#lines = lines;
    this.#output = output;
    this.#deadline = deadline;
    this.#timer = timer;
    this.#onFault = onFault;
  }

  /** True when the level stands, false when it does not within the deadline, which is then told as a fault. Never rejects. */
  async reach(level: boolean): Promise<boolean> {
    this.#wanted = level;
    if (this.#stands === level && this.#work === undefined) return true;
    if (this.#stopping.signal.aborted) return false;
    this.#work ??= this.#drive();
    try {
      await withDeadline(this.#work, this.#deadline, `setting the line ${this.#output}`, this.#timer);
    } catch (error) {
      if (isAtalayaError(error)) this.#onFault(error);
    }
    return this.#stands === level;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #drive(): Promise<void> {
    while (this.#stands !== this.#wanted && !this.#stopping.signal.aborted) {
      const level = this.#wanted;
      this.#stands = undefined;
      try {
        await this.#lines.set(this.#output, level);
        this.#stands = level;
      } catch (error) {
        if (isAtalayaError(error) && !this.#stopping.signal.aborted) this.#onFault(error);
        await this.#timer.sleep(this.#deadline, this.#stopping.signal);
      }
    }
    this.#work = undefined;
    if (this.#stopping.signal.aborted) await this.#lines.safe();
  }
}
