import type { Clock } from '../../device/kernel/clock.ts';
import type { Milliseconds } from '../../device/kernel/units.ts';

/** A stream to a person or to a program. */
export interface Sink {
  write(text: string): void;
  /** Characters of a line, where that is known. */
  readonly columns: number | undefined;
}

/** One exchange of HTTP; `status` 0 to 599. Rejects where there is no answer in time, and for one that is longer than `most` bytes. */
export type Exchange = (
  url: string,
  call: { readonly method: string; readonly body?: string; readonly deadline: Milliseconds; readonly most: number },
) => Promise<{ readonly status: number; readonly text: string }>;

/** Everything that the program reaches outside of itself. */
export interface ProvisionIo {
  readonly out: Sink;
  readonly err: Sink;
  /** A line that a person types; undefined where nobody is there to be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** The same, without showing what is typed. */
  readonly askSecret: ((question: string) => Promise<string>) | undefined;
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  /** Ends what waits. */
  readonly signal: AbortSignal;
}

/** Lines for a person. */
export function say(sink: Sink, text: string): void {
  sink.write(`${text}\n`);
}
