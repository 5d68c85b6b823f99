import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { withDeadline } from '../../../device/kernel/timer.ts';
import { milliseconds, toIso } from '../../../device/kernel/units.ts';
import type { Command, CommandName, Reply } from '../../contract/acts.ts';
import { encodeMessage } from '../../contract/message.ts';
import type { Person } from '../../contract/people.ts';
import { jsonFault } from '../../contract/read-json.ts';
import { Allowance } from './allowance.ts';
import { type BegunCommand, CommandMemory, type KeptReply } from './command-memory.ts';
import {
  type CommandContext,
  type CommandCounts,
  type CommandInboxOptions,
  type CommandOutcome,
  deadlines,
  type Signatory,
} from './command-types.ts';
import { type JudgedCommand, judgeCommand } from './judge-command.ts';
import { ReplyQueue } from './reply-queue.ts';

export type {
  CommandAudit,
  CommandContext,
  CommandCounts,
  CommandExecutor,
  CommandExecutors,
  CommandInboxOptions,
  CommandOutcome,
} from './command-types.ts';

/** Commands that wait for the one before them. */
const mostWaiting = 16;
/** Answers to commands that nobody known has signed: so many at once, and one a minute after that; the rest is counted. */
const strangers = { most: 20, every: milliseconds(60_000) };
/** Commands of one person: each stays in the unit's memory and in its ledger for good, and a stolen key must not fill the disk. */
const persons = { most: 100, every: milliseconds(20_000) };

type Allowed = Extract<JudgedCommand, { kind: 'allowed' }>;
type Stranger = Extract<JudgedCommand, { kind: 'stranger' }>;

/**
 * Commands of people to this unit.
 *
 * Guarantees: a command is done only where `judgeCommand` allows it; an id that somebody known has signed is begun at most once for ever,
 * and gets one answer: that it was begun is durable before it is, so that one which the end of the program interrupts is answered as failed
 * and never done again. Commands are done one after the other, each by its deadline. Every answer is in the audit log before it leaves.
 * What nobody known has signed is told to the audit log and answered as well, up to a number an hour, changes nothing, and uses no id. Nor
 * does what one person has signed beyond a number an hour: it is counted, told once, and has no answer.
 */
export class CommandInbox {
  readonly #options: CommandInboxOptions;
  readonly #memory: CommandMemory;
  readonly #replies: ReplyQueue;
  readonly #ending: AbortController;
  readonly #counts = { taken: 0, done: 0, failed: 0, refused: 0, repeated: 0, unaudited: 0, flooded: 0 };
  readonly #being = new Set<string>();
  #line: Promise<void> = Promise.resolve();
  #side: Promise<void> = Promise.resolve();
  readonly #strangers: Allowance;
  /** By key; there are no more of them than people who are trusted. */
  readonly #persons = new Map<string, { readonly allowance: Allowance; told: boolean }>();

  constructor(options: CommandInboxOptions, memory: CommandMemory, replies: ReplyQueue, ending: AbortController) {
    this.#options = options;
    this.#memory = memory;
    this.#replies = replies;
    this.#ending = ending;
    this.#strangers = new Allowance(strangers, options.clock.monotonic());
  }

  /**
   * Answers what an earlier run left: replies that it could not send, and `interrupted` for what it had begun; they leave with the first
   * `resume`. Throws `store-damaged` unless that is to be set aside, `store-full`, `store-failed`.
   */
  static async open(options: CommandInboxOptions): Promise<CommandInbox> {
    const { memory, replies, interrupted } = await CommandMemory.open(options);
    const failed = interrupted.map((command) => interruptedReply(command, toIso(options.clock.utc())));
    const ending = new AbortController();
    const fault = (error: unknown) => options.onFault?.(faultOf(error));
    const queue = new ReplyQueue(memory, [...replies, ...failed], options, fault, ending.signal);
    return new CommandInbox(options, memory, queue, ending);
  }

  /** Where a damaged memory was put by this start, and what was wrong with it. */
  get setAside(): { readonly folder: string; readonly reason: string } | undefined {
    return this.#memory.setAside;
  }

  get counts(): CommandCounts {
    return { ...this.#counts, unanswered: this.#replies.unanswered };
  }

  /** Replies that the broker does not have. */
  get unsent(): number {
    return this.#replies.waiting;
  }

  /** Takes a command that came over the link. Resolves when it is refused, or durably begun: it is done after that. Never throws. */
  async take(command: Command, topic: { readonly name: string; readonly id: string }): Promise<void> {
    this.#counts.taken += 1;
    try {
      await this.#take(command, topic);
    } catch (error) {
      this.#fault(error);
    }
  }

  /** The link is up: offers the replies that wait. Does not wait for them. */
  async resume(): Promise<void> {
    this.#replies.send();
  }

  /** Resolves when everything that was taken is done and its reply offered. */
  async idle(): Promise<void> {
    await this.#line;
    await this.#side;
    await this.#replies.idle();
  }

  /** Aborts the command that is being done, and closes. What was not answered is answered after the next start. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#line;
    await this.#replies.idle();
    await this.#memory.close();
  }

  async #take(command: Command, topic: { readonly name: string; readonly id: string }): Promise<void> {
    const { unit, people, clock } = this.#options;
    if (this.#ending.signal.aborted) throw new AtalayaError('store-closed', 'commands are not taken any more');
    const now = { utc: clock.utc(), reliable: clock.state().synchronised };
    const judged = judgeCommand(command, {
      ...{ topic, unit, people: people(), now },
      forgotten: this.#memory.forgotten,
    });
    if (judged.kind === 'stranger') return this.#turnAway(topic, judged);
    const { id, name } = command;
    if (this.#memory.has(id) || this.#being.has(id)) {
      this.#counts.repeated += 1;
      return;
    }
    if (!this.#mayCommand(judged.person)) return;
    const waiting = this.#being.size;
    this.#being.add(id);
    const by = signatoryOf(judged.person);
    try {
      await this.#memory.begin({ kind: 'begun', id, name, person: by, at: toIso(now.utc) });
    } catch (error) {
      this.#being.delete(id);
      this.#counts.failed += 1;
      this.#fault(error);
      return this.#tell({ id, name, at: toIso(now.utc), outcome: 'failed', reason: reasonOf(error) }, by);
    }
    if (judged.kind === 'allowed' && waiting < mostWaiting) {
      this.#line = this.#line.then(() => this.#execute(id, judged));
      return;
    }
    const reason =
      judged.kind === 'refused' ? `${judged.code}: ${judged.words}` : `busy: ${mostWaiting} commands wait already`;
    await this.#settle(id, name, by, { outcome: 'refused', reason });
  }

  /** One in its turn; never throws. After the end of the program is asked for, none is begun: the next start answers it. */
  async #execute(id: string, { person, name, args }: Allowed): Promise<void> {
    if (this.#ending.signal.aborted) return;
    const late = new AbortController();
    const signal = AbortSignal.any([this.#ending.signal, late.signal]);
    const outcome = await this.#run(name, args, { id, person, signal }).catch((error: unknown): CommandOutcome => {
      late.abort();
      return { outcome: 'failed', reason: reasonOf(error) };
    });
    await this.#settle(id, name, signatoryOf(person), outcome);
  }

  async #run(name: CommandName, args: unknown, context: CommandContext): Promise<CommandOutcome> {
    // The arguments were read by the schema under this very name.
    const execute = this.#options.executors[name] as (
      args: unknown,
      context: CommandContext,
    ) => Promise<CommandOutcome>;
    const work = Promise.resolve().then(() => execute(args, context));
    const stopped = Promise.withResolvers<CommandOutcome>();
    const stop = () => stopped.resolve({ outcome: 'failed', reason: 'interrupted: the unit stops' });
    this.#ending.signal.addEventListener('abort', stop, { once: true });
    try {
      const done = withDeadline(work, deadlines[name], `the command ${name}`, this.#options.timer);
      return await Promise.race([done, stopped.promise]);
    } finally {
      this.#ending.signal.removeEventListener('abort', stop);
    }
  }

  /** Keeps the answer to what was begun, and sends it; never throws. */
  async #settle(
    id: string,
    name: string,
    person: Signatory,
    outcome: CommandOutcome | { readonly outcome: 'refused'; readonly reason: string },
  ): Promise<void> {
    const reply = fitting(id, name, toIso(this.#options.clock.utc()), outcome);
    this.#counts[reply.outcome] += 1;
    const after = outcome.outcome === 'done' && reply.outcome === 'done' ? outcome.after : undefined;
    try {
      await this.#replies.add({ person, audited: false, reply }, after);
    } catch (error) {
      this.#fault(error);
    }
    this.#being.delete(id);
  }

  /** Answers what nobody known has signed; nothing of it is remembered. */
  #turnAway({ id, name }: { readonly id: string; readonly name: string }, { code, words }: Stranger): void {
    this.#counts.refused += 1;
    const reason = reasonText(`${code}: ${words}`);
    this.#tell({ id, name, at: toIso(this.#options.clock.utc()), outcome: 'refused', reason }, undefined);
  }

  /**
   * Audit log, then reply, once, kept by nothing. Nobody waits for it: whoever hands a message over must be free to take the broker's
   * acknowledgement of the reply.
   */
  #tell(reply: Reply, person: Signatory | undefined): void {
    if (person === undefined && !this.#strangers.take(this.#options.clock.monotonic())) {
      this.#counts.unaudited += 1;
      return;
    }
    const { id, name, outcome, reason } = reply;
    this.#side = this.#side.then(async () => {
      try {
        await this.#options.audit({ id, name, person, outcome, ...(reason === undefined ? {} : { reason }) });
        await this.#options.reply(reply);
      } catch (error) {
        if (!isAtalayaError(error, 'link-down')) this.#fault(error);
      }
    });
  }

  /** Whether this person has sent no more than a person does. */
  #mayCommand({ key, name }: Person): boolean {
    const now = this.#options.clock.monotonic();
    const known = this.#persons.get(key) ?? { allowance: new Allowance(persons, now), told: false };
    this.#persons.set(key, known);
    if (known.allowance.take(now)) {
      known.told = false;
      return true;
    }
    this.#counts.flooded += 1;
    if (!known.told) {
      this.#fault(
        new AtalayaError('act-refused', `${name} sends more commands than are taken of one person`, {
          hint: 'Send the rest later; if it was not that person, have the key taken out of the trust document.',
        }),
      );
    }
    known.told = true;
    return false;
  }

  #fault(error: unknown): void {
    this.#options.onFault?.(faultOf(error));
  }
}

function interruptedReply({ id, name, person }: BegunCommand, at: string): KeptReply {
  const reason = 'interrupted: the unit stopped before there was an outcome; whether it was done is not known';
  return { person, audited: false, reply: { id, name, at, outcome: 'failed', reason } };
}

/** The reply; one that cannot travel is told as failed. */
function fitting(
  id: string,
  name: string,
  at: string,
  outcome: CommandOutcome | { readonly outcome: 'refused'; readonly reason: string },
): Reply {
  if (outcome.outcome !== 'done') return { id, name, at, outcome: outcome.outcome, reason: reasonText(outcome.reason) };
  const { result } = outcome;
  const reply: Reply = {
    id,
    name,
    at,
    outcome: 'done',
    ...(result === undefined ? {} : { result: { ...result } as Reply['result'] }),
  };
  try {
    encodeMessage('reply', reply);
    const fault = jsonFault({ reply });
    if (fault === undefined) return reply;
    throw new AtalayaError('internal', fault);
  } catch (error) {
    const reason = reasonText(`result-unfit: it was done, and its result cannot be sent: ${faultOf(error).message}`);
    return { id, name, at, outcome: 'failed', reason };
  }
}

function signatoryOf({ name, role, key }: Person): Signatory {
  return { name, role, key };
}

function faultOf(error: unknown): AtalayaError {
  if (error instanceof AtalayaError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AtalayaError('internal', message, { cause: error });
}

function reasonOf(error: unknown): string {
  const { code, message } = faultOf(error);
  return reasonText(`${code}: ${message}`);
}

/** As long as the contract has it, and text that JSON can carry. */
function reasonText(text: string): string {
  return text.slice(0, 1000).toWellFormed().replaceAll('\0', ' ').trim() || 'unknown';
}
