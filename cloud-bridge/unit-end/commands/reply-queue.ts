import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { backoff } from '../../../device/kernel/supervise.ts';
import { type Milliseconds, milliseconds } from '../../../device/kernel/units.ts';
import type { Reply } from '../../contract/acts.ts';
import type { CommandMemory, KeptReply } from './command-memory.ts';
import type { CommandAudit, CommandInboxOptions } from './command-types.ts';

/** Waits between attempts where the audit log or the disk takes nothing. */
const retries = { first: milliseconds(1000), most: milliseconds(5 * 60_000) };
/** What is to follow a reply follows it after so long even where nobody takes the reply: it may be what brings the link back. */
const patience: Milliseconds = milliseconds(60_000);

/**
 * Replies on their way: each is told to the audit log, then given to the broker, then forgotten, in the order of their commands.
 *
 * Guarantees: no reply leaves before its audit entry is durable; one that was kept is offered until the broker has it, over restarts too.
 */
export class ReplyQueue {
  readonly #memory: CommandMemory;
  readonly #options: Pick<CommandInboxOptions, 'timer' | 'random' | 'audit' | 'reply'>;
  readonly #fault: (error: unknown) => void;
  readonly #ending: AbortSignal;
  #waiting: readonly KeptReply[];
  readonly #after = new Map<string, () => void>();
  #unanswered = 0;
  #working: Promise<void> = Promise.resolve();
  #running = false;
  #again = false;

  /** `waiting`: what an earlier run left. `ending` ends the work. */
  constructor(
    memory: CommandMemory,
    waiting: readonly KeptReply[],
    options: Pick<CommandInboxOptions, 'timer' | 'random' | 'audit' | 'reply'>,
    fault: (error: unknown) => void,
    ending: AbortSignal,
  ) {
    this.#memory = memory;
    this.#waiting = waiting;
    this.#options = options;
    this.#fault = fault;
    this.#ending = ending;
  }

  /** Replies that the broker would never take. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Replies that are not delivered. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Keeps a reply and sends it. Throws `store-full`, `store-failed`: then it is sent from memory, and lost in a crash. */
  async add(reply: KeptReply, after?: () => void): Promise<void> {
    try {
      await this.#memory.keep(reply);
    } finally {
      this.#waiting = [...this.#waiting, reply];
      if (after !== undefined) this.#follow(reply.reply.id, after);
      this.send();
    }
  }

  /** Offers what waits: a link is up. */
  send(): void {
    this.#again = true;
    if (!this.#running) this.#working = this.#work();
  }

  /** Resolves when nothing is being sent. */
  idle(): Promise<void> {
    return this.#working;
  }

  async #work(): Promise<void> {
    this.#running = true;
    for (let row = 0; this.#again && !this.#ending.aborted; ) {
      this.#again = false;
      const outcome = await this.#sendAll();
      if (outcome === 'done') row = 0;
      if (outcome !== 'faulty') continue;
      await this.#options.timer.sleep(backoff(retries, row, this.#options.random), this.#ending);
      row += 1;
      this.#again = true;
    }
    this.#running = false;
  }

  async #sendAll(): Promise<'done' | 'link-down' | 'faulty'> {
    try {
      for (let next = this.#unaudited(); next !== undefined; next = this.#unaudited()) await this.#audit(next);
      const [first] = this.#waiting;
      if (first === undefined || this.#ending.aborted) return 'done';
      await this.#sendOne(first);
    } catch (error) {
      if (isAtalayaError(error, 'link-down')) return 'link-down';
      this.#fault(error);
      return 'faulty';
    }
    return this.#sendAll();
  }

  #unaudited(): KeptReply | undefined {
    return this.#ending.aborted ? undefined : this.#waiting.find(({ audited }) => !audited);
  }

  async #audit(kept: KeptReply): Promise<void> {
    await this.#options.audit(auditOf(kept));
    const audited = { ...kept, audited: true };
    this.#waiting = this.#waiting.map((other) => (other === kept ? audited : other));
    await this.#memory.keep(audited);
  }

  async #sendOne({ reply }: KeptReply): Promise<void> {
    const taken =
      (await this.#offer(reply)) || (reply.result !== undefined && (await this.#offer(withoutResult(reply))));
    if (!taken) this.#unanswered += 1;
    this.#waiting = this.#waiting.filter((other) => other.reply.id !== reply.id);
    try {
      await this.#memory.answered(reply.id);
    } finally {
      this.#runAfter(reply.id);
    }
  }

  /** False where the broker will never take it. */
  async #offer(reply: Reply): Promise<boolean> {
    try {
      await this.#untilEnding(this.#options.reply(reply));
      return true;
    } catch (error) {
      if (!refusedForGood(error)) throw error;
      this.#fault(error);
      return false;
    }
  }

  /** The end of the program waits for no broker: a reply that was on its way is offered again after the next start. */
  async #untilEnding(sent: Promise<void>): Promise<void> {
    const ended = Promise.withResolvers<never>();
    const stop = () => ended.reject(new AtalayaError('link-down', 'the unit stops'));
    this.#ending.addEventListener('abort', stop, { once: true });
    try {
      await Promise.race([sent, ended.promise]);
    } finally {
      sent.catch(() => undefined);
      this.#ending.removeEventListener('abort', stop);
    }
  }

  #follow(id: string, after: () => void): void {
    this.#after.set(id, after);
    void this.#options.timer.sleep(patience, this.#ending).then(() => {
      if (!this.#ending.aborted) this.#runAfter(id);
    });
  }

  #runAfter(id: string): void {
    const after = this.#after.get(id);
    this.#after.delete(id);
    try {
      after?.();
    } catch (error) {
      this.#fault(error);
    }
  }
}

function auditOf({ person, reply: { id, name, outcome, reason } }: Omit<KeptReply, 'audited'>): CommandAudit {
  return { id, name, person, outcome, ...(reason === undefined ? {} : { reason }) };
}

/** For a broker whose packets are shorter than the contract's: whoever asked is told, in place of waiting for nothing. */
function withoutResult({ result: _, ...reply }: Reply): Reply {
  return { ...reply, outcome: 'failed', reason: 'result-unfit: it was done, and the broker does not take its result' };
}

/** Waiting does not cure it. */
function refusedForGood(error: unknown): boolean {
  return error instanceof AtalayaError ? error.code === 'link-refused' || error.code === 'internal' : true;
}
