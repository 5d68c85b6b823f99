import { storeFault } from '../kernel/durable-file.ts';
import type { AtalayaError } from '../kernel/errors.ts';
import type { Timer } from '../kernel/timer.ts';
import type { Milliseconds } from '../kernel/units.ts';
import type { TransparencyLog } from './log/transparency-log.ts';

/** When the newest state of the log is signed: so many entries or so long after the first one that no checkpoint covers. */
export interface CheckpointRhythm {
  readonly entries: number;
  readonly time: Milliseconds;
}

/**
 * Sees to it that the log is signed in time, beside whatever else goes on. A checkpoint that fails is tried again with the next entry, or in
 * time; `fault` tells of it meanwhile.
 */
export class CheckpointKeeper {
  readonly #log: Pick<TransparencyLog, 'size' | 'latest' | 'checkpoint'>;
  readonly #rhythm: CheckpointRhythm;
  readonly #timer: Timer;
  readonly #closed = new AbortController();
  #signing: Promise<void> | undefined;
  #waiting = false;
  #fault: AtalayaError | undefined;

  constructor(log: Pick<TransparencyLog, 'size' | 'latest' | 'checkpoint'>, rhythm: CheckpointRhythm, timer: Timer) {
    this.#log = log;
    this.#rhythm = rhythm;
    this.#timer = timer;
  }

  get fault(): AtalayaError | undefined {
    return this.#fault;
  }

  /** To be called when the log has grown. */
  see(): void {
    const { latest, size } = this.#log;
    const uncovered = size - (latest?.size ?? 0);
    if (uncovered === 0 || this.#closed.signal.aborted) return;
    // Without any, nobody can tell a store that lost its end from a young one.
    if (uncovered >= this.#rhythm.entries || latest === undefined) this.#now();
    else this.#later();
  }

  /** Ends the rhythm, and signs a last checkpoint where `last` asks for one. */
  async close(last: boolean): Promise<void> {
    this.#closed.abort();
    await this.#signing;
    if (last) await this.#sign();
  }

  #now(): void {
    this.#signing ??= this.#sign().then(() => {
      this.#signing = undefined;
      // Entries that came meanwhile are due as any others.
      if (this.#fault === undefined) this.see();
      else this.#later();
    });
  }

  #later(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#timer.sleep(this.#rhythm.time, this.#closed.signal).then(() => {
      this.#waiting = false;
      if (!this.#closed.signal.aborted) this.#now();
    });
  }

  async #sign(): Promise<void> {
    try {
      await this.#log.checkpoint();
      this.#fault = undefined;
    } catch (error) {
      this.#fault = storeFault(error, 'the log cannot be signed');
    }
  }
}
