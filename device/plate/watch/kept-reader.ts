import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { type Backoff, backoff, type Random } from '../../kernel/supervise.ts';
import { type Timer, withDeadline } from '../../kernel/timer.ts';
import type { Milliseconds } from '../../kernel/units.ts';
import type { PlateReader, PlateSight, VehicleCrop } from '../plate-reader.ts';

export interface KeptReaderParts {
  /** A reader that is open already, and is closed with the others. */
  readonly first?: PlateReader;
  /** Opens a reader; called again after each fault. */
  readonly open: () => Promise<PlateReader>;
  readonly timer: Timer;
  readonly random: Random;
  /** Told of each fault, and of the wait before the next reader is opened. Must not throw. */
  readonly onFault: (fault: AtalayaError, wait: Milliseconds) => void;
}

/** Faults in a row after which nobody should wait for an answer: with the usual waits between them, some two seconds. */
const HOPELESS = 3;

export interface KeptReaderSettings {
  readonly deadline: Milliseconds;
  readonly opening: Milliseconds;
  readonly closing: Milliseconds;
  readonly backoff: Backoff;
}

/**
 * A reader that is opened again, after a growing wait, each time it fails, for as long as the run goes on: a unit without plates still
 * judges.
 *
 * Guarantees: nothing rejects; one reader is open at a time, and one that comes up too late is closed; no fault's message is taken from
 * an unknown error, which might quote a plate.
 */
export class KeptReader {
  readonly #parts: KeptReaderParts;
  readonly #settings: KeptReaderSettings;
  readonly #closing = new AbortController();
  #reader: PlateReader | undefined;
  /** Faults since the last crop that was answered. */
  #faults = 0;
  #wait: Milliseconds | undefined;

  constructor(parts: KeptReaderParts, settings: KeptReaderSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#reader = parts.first;
  }

  /** True from a fault until a crop is answered again. */
  get failing(): boolean {
    return this.#faults > 0;
  }

  /** True where it has failed again and again: it is still tried, but nobody should wait for it. */
  get hopeless(): boolean {
    return this.#faults >= HOPELESS;
  }

  /** Waits until a reader is open: true; false where this was closed before. */
  async ready(): Promise<boolean> {
    const { signal } = this.#closing;
    while (this.#reader === undefined && !signal.aborted) {
      if (this.#wait !== undefined) await this.#parts.timer.sleep(this.#wait, signal);
      if (!signal.aborted) await this.#open();
    }
    return !signal.aborted;
  }

  /** What the crop gave; undefined where the reader failed on it, or this was closed meanwhile. */
  async read(crop: VehicleCrop): Promise<PlateSight | undefined> {
    const reader = this.#reader;
    if (reader === undefined || this.#closing.signal.aborted) return undefined;
    try {
      const sight = await this.#inTime(reader.read(crop), this.#settings.deadline, 'reading a plate');
      if (sight !== undefined) this.#faults = 0;
      return sight;
    } catch (error) {
      this.#reader = undefined;
      await this.#shut(reader);
      this.#failed(error);
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) await this.#shut(reader);
  }

  async #open(): Promise<void> {
    let opening: Promise<PlateReader> | undefined;
    try {
      opening = this.#parts.open();
      this.#reader = await this.#inTime(opening, this.#settings.opening, 'opening a plate reader');
    } catch (error) {
      this.#failed(error);
    }
    if (this.#reader !== undefined) {
      if (this.#closing.signal.aborted) await this.close();
      return;
    }
    // Too late for anybody: it is closed when it comes.
    opening?.then((late) => this.#shut(late)).catch(() => {});
  }

  #failed(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const fault = isAtalayaError(error) ? error : new AtalayaError('engine-failed', 'the plate reader broke down');
    this.#wait = backoff(this.#settings.backoff, this.#faults, this.#parts.random);
    this.#faults += 1;
    this.#parts.onFault(fault, this.#wait);
  }

  async #shut(reader: PlateReader): Promise<void> {
    const { timer } = this.#parts;
    try {
      await withDeadline(reader.close(), this.#settings.closing, 'closing a plate reader', timer);
    } catch {
      // It has failed already or is not needed any more: what matters has been told.
    }
  }

  /** What `work` gives, or undefined as soon as this is closed; throws `deadline-exceeded` after `time`. */
  async #inTime<T>(work: Promise<T>, time: Milliseconds, what: string): Promise<T | undefined> {
    // What comes too late is nobody's any more.
    work.catch(() => {});
    const over = new AbortController();
    const end = () => over.abort();
    const closing = this.#closing.signal;
    closing.addEventListener('abort', end, { once: true });
    if (closing.aborted) end();
    const late = this.#parts.timer.sleep(time, over.signal).then(() => {
      if (over.signal.aborted) return undefined;
      throw new AtalayaError('deadline-exceeded', `${what} took longer than ${time} ms`);
    });
    late.catch(() => {});
    try {
      return await Promise.race([work, late]);
    } finally {
      closing.removeEventListener('abort', end);
      end();
    }
  }
}
