import type { Clock } from '../../../device/kernel/clock.ts';
import type { Timer } from '../../../device/kernel/timer.ts';

/** A stream to a person or to a program. */
export interface Sink {
  write(text: string): void;
  /** A person looks at it. */
  readonly terminal: boolean;
  /** Characters of a line, where that is known. */
  readonly columns: number | undefined;
}

/** Everything that the program reaches outside of itself. */
export interface FleetIo {
  readonly out: Sink;
  readonly err: Sink;
  /** A line that a person types, undefined where the person ends the question without one; undefined where nobody is there to be asked. */
  readonly ask: ((question: string) => Promise<string | undefined>) | undefined;
  /** Opens a file in the person's editor; false where the editor failed. */
  readonly edit: (editor: string, path: string) => Promise<boolean>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly timer: Timer;
  /** A new id that was never one before: 8 to 64 letters, digits and dashes. */
  readonly newId: () => string;
  /** Ends what waits and what goes on for ever. */
  readonly signal: AbortSignal;
}
