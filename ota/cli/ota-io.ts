import type { Exit } from '../../device/cli/exit-codes.ts';
import type { Clock } from '../../device/kernel/clock.ts';
import type { Random } from '../../device/kernel/supervise.ts';
import type { Timer } from '../../device/kernel/timer.ts';

/** Everything that `atalaya-ota` reaches outside of itself, besides the files that it is told to read and write. */
export interface OtaIo {
  /** One line of the answer; for people and for programs. */
  readonly write: (line: string) => void;
  /** One line beside the answer: progress, and what a person should know. */
  readonly note: (line: string) => void;
  /** Characters of a line. */
  readonly width: () => number;
  /** A person looks at the answer. */
  readonly terminal: boolean;
  /** A line that a person types; undefined where nobody is there to be asked. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** The same, without showing what is typed: PINs and passphrases. */
  readonly askSecret: ((question: string) => Promise<string>) | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /** From the system's generator, for keys and nonces. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Ends what waits and what goes on for ever. */
  readonly signal: AbortSignal;
  /** Sets the exit code of a command that ran to its end; `exit.done` where nobody calls it. */
  readonly leave: (code: Exit) => void;
}
