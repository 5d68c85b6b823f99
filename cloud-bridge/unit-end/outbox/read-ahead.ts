import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { backoff, type Random } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { LaneEvent, LaneSource } from '../../contract/lane-source.ts';

export interface ReadAheadOptions {
  readonly source: LaneSource;
  /** Read from here on. */
  readonly from: number;
  /** There is something new to look at. */
  readonly wake: () => void;
  readonly onFault: (fault: AtalayaError) => void;
  readonly timer: Timer;
  readonly random: Random;
}

/** `filling`: there is less than was asked for, and more is being read right now. */
export type Supply = 'empty' | 'filling' | 'ready';

/** Bytes of events that are held in memory: enough for two messages of the longest. */
const mostBytes = 256 * 1024;
const retry = { first: milliseconds(1000), most: milliseconds(60_000) };
/** A queue that has more, by its own account, and gives nothing is asked again after this. */
const idle = milliseconds(100);

/**
 * The next events of a lane, read from the disk before they are wanted: one pass over the file as long as there is more, whatever the size
 * of the messages.
 *
 * A queue that cannot be read is told and tried again, for ever.
 */
export class ReadAhead {
  readonly #options: ReadAheadOptions;
  #events: LaneEvent[] = [];
  #head = 0;
  #bytes = 0;
  /** What is read next. */
  #next: number;
  /** Reading begins anew where this has changed. */
  #round = new AbortController();
  #filling = false;
  /** It could not be read when it was last tried: nobody waits for it. */
  #broken = false;
  #hungry: (() => void) | undefined;

  constructor(options: ReadAheadOptions) {
    this.#options = options;
    this.#next = options.from;
  }

  /** Whether there is a message of so many bytes, or all that there is. */
  supply(bytes: number): Supply {
    const { source } = this.#options;
    if (this.#bytes >= Math.min(bytes, mostBytes)) return 'ready';
    const more = this.#filling || (this.#events.length === 0 && source.last >= this.#next);
    if (more && !this.#broken) return 'filling';
    return this.#head < this.#events.length ? 'ready' : 'empty';
  }

  /** The event that comes next, as far as it is at hand. */
  peek(): LaneEvent | undefined {
    return this.#events[this.#head];
  }

  /** Takes that event. */
  shift(): void {
    const event = this.#events[this.#head];
    if (event === undefined) return;
    this.#head += 1;
    this.#bytes -= event.bytes;
    if (this.#head === this.#events.length || this.#head >= 4096) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    if (this.#bytes < mostBytes / 2) this.#feed();
  }

  /** Begins anew at a sequence number. */
  moveTo(sequence: number): void {
    this.#events = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#next = sequence;
    this.#round.abort();
    this.#feed();
  }

  /** Passes over everything below a sequence number. */
  skipTo(sequence: number): void {
    for (let event = this.peek(); event !== undefined && event.sequence < sequence; event = this.peek()) this.shift();
    if (this.peek() === undefined && this.#next < sequence) this.moveTo(sequence);
  }

  /** Reads until it is stopped; resolves then. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = () => {
      this.#round.abort();
      this.#feed();
    };
    signal.addEventListener('abort', stop, { once: true });
    let row = 0;
    while (!signal.aborted) {
      this.#round = new AbortController();
      const round = this.#round.signal;
      try {
        await this.#pass(round);
        row = 0;
      } catch (error) {
        this.#broken = true;
        const fault = isAtalayaError(error) ? error : new AtalayaError('internal', String(error), { cause: error });
        this.#settle();
        this.#options.onFault(fault);
        await this.#options.timer.sleep(backoff(retry, row, this.#options.random), signal);
        row += 1;
      }
    }
    signal.removeEventListener('abort', stop);
    this.#settle();
  }

  /** Reads what there is, then waits for more. */
  async #pass(round: AbortSignal): Promise<void> {
    const { source, timer } = this.#options;
    const from = this.#next;
    if (source.last < from) {
      this.#settle();
      await source.grown(from - 1, round);
      // A queue that was closed has no more, and does not let anybody wait for it.
      if (source.last < from) await timer.sleep(idle, round);
      return;
    }
    this.#filling = true;
    for await (const event of source.read(from)) {
      if (round.aborted) return;
      this.#broken = false;
      this.#events.push(event);
      this.#bytes += event.bytes;
      this.#next = event.sequence + 1;
      if (this.#bytes < mostBytes) continue;
      this.#options.wake();
      await new Promise<void>((resolve) => {
        this.#hungry = resolve;
      });
      if (round.aborted) return;
    }
    if (this.#next > source.last) this.#settle();
    else if (this.#next === from) await timer.sleep(idle, round);
  }

  #settle(): void {
    this.#filling = false;
    this.#options.wake();
  }

  #feed(): void {
    this.#hungry?.();
    this.#hungry = undefined;
  }
}
