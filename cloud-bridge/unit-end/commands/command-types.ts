import type { z } from 'zod';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import type { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Files } from '../../../device/kernel/files.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../../device/kernel/units.ts';
import type { CommandName, commandArguments, Reply } from '../../contract/acts.ts';
import type { People, Person } from '../../contract/people.ts';

/** What became of a command that was begun. */
export type CommandOutcome =
  | {
      readonly outcome: 'done';
      readonly result?: Readonly<Record<string, JsonValue>>;
      /** Called once the broker has the reply, at the latest a minute after the command was done: a reboot. Must not throw. */
      readonly after?: () => void;
    }
  | {
      readonly outcome: 'failed';
      /** `code: words`. */
      readonly reason: string;
    };

export interface CommandContext {
  readonly id: string;
  readonly person: Person;
  /** Aborted at the deadline of the command and when the program ends. */
  readonly signal: AbortSignal;
}

/** Does a command. What it throws is told as `failed`. */
export type CommandExecutor<N extends CommandName> = (
  args: z.output<(typeof commandArguments)[N]>,
  context: CommandContext,
) => Promise<CommandOutcome>;

export type CommandExecutors = { readonly [N in CommandName]: CommandExecutor<N> };

/** What the audit log is told: of each command that somebody known has signed, and of some others. */
export interface CommandAudit {
  readonly id: string;
  readonly name: string;
  readonly person: Signatory | undefined;
  readonly outcome: Reply['outcome'];
  /** Of `failed` and `refused`: `code: words`. */
  readonly reason?: string;
}

export type Signatory = Pick<Person, 'name' | 'role' | 'key'>;

export interface CommandInboxOptions {
  /** For this inbox alone; made where it is missing. */
  readonly folder: string;
  readonly files: Files;
  /**
   * `set-aside`: a damaged memory is moved to a folder beside it, whole, and another begun; what was issued before that is refused from
   * then on, over restarts too, since it may have been done. `refuse`, and where it is absent: the opening throws.
   */
  readonly damaged?: 'refuse' | 'set-aside';
  /** Id of this unit. */
  readonly unit: string;
  /** Undefined where no trust document is in force: then nobody may command. */
  readonly people: () => People | undefined;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly executors: CommandExecutors;
  /** Resolves when the entry is durable; the reply waits for it. After a crash an entry may be told again, with the same id. */
  readonly audit: (entry: CommandAudit) => Promise<void>;
  /** Resolves when the broker has it. Rejects with `link-down` where it is to be offered again when the link is up (`resume`). */
  readonly reply: (reply: Reply) => Promise<void>;
  /** What went wrong besides: a disk that took no more, an audit log that was not to be written. */
  readonly onFault?: (fault: AtalayaError) => void;
}

export interface CommandCounts {
  /** Everything that came. */
  readonly taken: number;
  readonly done: number;
  readonly failed: number;
  readonly refused: number;
  /** Came again after it was answered or begun; ignored. */
  readonly repeated: number;
  /** Replies that the broker would never take. */
  readonly unanswered: number;
  /** Refusals of what nobody known has signed that were too many for the audit log, and got no reply. */
  readonly unaudited: number;
  /** Of people who sent more than are taken of one person; not begun, and without an answer. */
  readonly flooded: number;
}

/** Longest time from the beginning of each command to its outcome. */
export const deadlines: Readonly<Record<CommandName, Milliseconds>> = {
  'self-test': milliseconds(120_000),
  snapshot: milliseconds(30_000),
  reboot: milliseconds(15_000),
  'log-level': milliseconds(15_000),
  'evidence-pull': milliseconds(60_000),
  diagnostics: milliseconds(30_000),
};
