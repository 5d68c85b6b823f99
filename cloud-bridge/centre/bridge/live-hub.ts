import type { JobUpdate } from '../../../ota/contract/job.ts';
import type { LiveKind } from '../../contract/api-routes.ts';
import type { Arrived } from '../archive/archive.ts';

/** Events that a reader may be behind. */
const mostWaiting = 2000;

export interface LiveFilter {
  readonly unit?: string | undefined;
  readonly kinds: readonly LiveKind[];
}

export type LiveLine =
  | { readonly kind: 'event'; readonly event: Arrived }
  | { readonly kind: 'update'; readonly unit: string; readonly update: JobUpdate }
  | { readonly kind: 'missed'; readonly count: number }
  /** Nothing has happened. */
  | { readonly kind: 'pulse' };

/** Shows events to whoever looks on as they are archived. Nobody waits for a reader: one that is too slow misses some, and is told. */
export class LiveHub {
  readonly #readers = new Set<Reader>();

  get readers(): number {
    return this.#readers.size;
  }

  publish(events: readonly Arrived[]): void {
    for (const reader of this.#readers) reader.offer(events);
  }

  /** A unit has said how its update goes on. */
  updated(unit: string, update: JobUpdate): void {
    for (const reader of this.#readers) reader.updated(unit, update);
  }

  /** Lets every reader know that we are still there. */
  pulse(): void {
    for (const reader of this.#readers) reader.pulse();
  }

  /** Until the signal is aborted. */
  async *follow(filter: LiveFilter, signal: AbortSignal): AsyncGenerator<LiveLine> {
    const reader = new Reader(filter);
    this.#readers.add(reader);
    const wake = () => reader.wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (!signal.aborted) {
        const lines = reader.take();
        yield* lines;
        if (lines.length === 0) await reader.grown(signal);
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#readers.delete(reader);
    }
  }
}

class Reader {
  readonly #filter: LiveFilter;
  #waiting: Exclude<LiveLine, { kind: 'missed' | 'pulse' }>[] = [];
  #missed = 0;
  #pulsed = false;
  #wake: (() => void) | undefined;

  constructor(filter: LiveFilter) {
    this.#filter = filter;
  }

  offer(events: readonly Arrived[]): void {
    const { unit, kinds } = this.#filter;
    for (const event of events) {
      if ((unit !== undefined && event.unit !== unit) || !kinds.includes(event.kind)) continue;
      this.#add({ kind: 'event', event });
    }
    if (this.#waiting.length > 0) this.wake();
  }

  updated(unit: string, update: JobUpdate): void {
    const asked = this.#filter;
    if ((asked.unit !== undefined && unit !== asked.unit) || !asked.kinds.includes('update')) return;
    this.#add({ kind: 'update', unit, update });
    this.wake();
  }

  #add(line: Exclude<LiveLine, { kind: 'missed' | 'pulse' }>): void {
    if (this.#waiting.length < mostWaiting) this.#waiting.push(line);
    else this.#missed += 1;
  }

  pulse(): void {
    this.#pulsed = true;
    this.wake();
  }

  take(): readonly LiveLine[] {
    const lines: LiveLine[] = [...this.#waiting];
    if (this.#missed > 0) lines.push({ kind: 'missed', count: this.#missed });
    if (this.#pulsed && lines.length === 0) lines.push({ kind: 'pulse' });
    this.#waiting = [];
    this.#missed = 0;
    this.#pulsed = false;
    return lines;
  }

  grown(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || this.#pulsed || this.#waiting.length > 0) return resolve();
      this.#wake = resolve;
    });
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
