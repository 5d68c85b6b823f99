import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { type Random, supervise } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { topicOf } from '../../contract/address.ts';
import { encodeMessage } from '../../contract/message.ts';
import type { Link } from '../../link/link.ts';
import type { Archive } from '../archive/archive.ts';
import type { PinnedKey, Witness, Witnessed } from '../witness/witness.ts';
import type { AlertKeeper } from './alert-keeper.ts';
import type { Refusals } from './refusals.ts';

export interface WitnessDeskOptions {
  readonly archive: Pick<Archive, 'watermarks'>;
  readonly witness: Witness;
  /** The key in use. */
  readonly pinned: (unit: string) => Promise<PinnedKey | undefined>;
  readonly alerts: Pick<AlertKeeper, 'raise' | 'close'>;
  readonly refusals: Refusals;
  readonly link: Pick<Link, 'publish'>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly log: Log;
}

/**
 * Where checkpoints of units wait for the witness, looked at one after the other beside everything else, and again when entries have come.
 * Of those of a unit that cover entries which have not come, the first is held until they have, and the newest: behind a steady backlog
 * every new one would wait, and none ever be cosigned. A cosigned one that is lost on its way is sent again when the unit sends its
 * checkpoint again.
 */
export class WitnessDesk {
  readonly #options: WitnessDeskOptions;
  /** To be looked at: of a unit the newest that came, and the one that was held. */
  readonly #due = { new: new Map<string, string>(), held: new Map<string, string>() };
  /** Cover entries that have not come: the first, and the newest after it. */
  readonly #waiting = new Map<string, readonly [first: string, newest?: string]>();
  #wake: (() => void) | undefined;
  #cosigned = 0;

  constructor(options: WitnessDeskOptions) {
    this.#options = options;
  }

  get figures(): { readonly cosigned: number; readonly waiting: number } {
    return { cosigned: this.#cosigned, waiting: this.#waiting.size + this.#due.new.size };
  }

  offer(unit: string, note: string): void {
    this.#due.new.set(unit, note);
    this.#wake?.();
  }

  /** Entries of its ledger were archived. */
  grown(unit: string): void {
    const first = this.#waiting.get(unit)?.[0];
    if (first === undefined) return;
    this.#due.held.set(unit, first);
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, timer, random, log } = this.#options;
    await supervise(
      async (attempt) => {
        while (!attempt.signal.aborted) {
          attempt.beat();
          const [held] = this.#due.held;
          const [next] = this.#due.new;
          if (held !== undefined) await this.#look(this.#due.held, ...held);
          if (next !== undefined) await this.#look(this.#due.new, ...next);
          if (held === undefined && next === undefined) await this.#idle(attempt.signal);
        }
      },
      {
        ...{ name: 'the witness', signal, clock, timer, random },
        backoff: { first: milliseconds(500), most: milliseconds(30_000) },
        deadline: milliseconds(600_000),
        grace: milliseconds(60_000),
        onFault: (error, wait) => log.warn({ part: 'witness', error, waitMs: wait }, 'the witness is held up'),
      },
    );
  }

  async #idle(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([
      woken,
      this.#options.timer.sleep(milliseconds(10_000), AbortSignal.any([signal, over.signal])),
    ]);
    over.abort();
    this.#wake = undefined;
  }

  async #look(due: Map<string, string>, unit: string, note: string): Promise<void> {
    const { archive, witness, pinned } = this.#options;
    const key = await pinned(unit);
    const marks = await archive.watermarks(unit);
    const stream = marks.find(({ lane }) => lane === 'infraction')?.stream;
    const found: Witnessed =
      key === undefined
        ? { kind: 'refused', reason: 'the unit has not said which key it signs with' }
        : await witness.witness(unit, note, key, stream);
    // Another one may have come meanwhile.
    if (due.get(unit) === note) due.delete(unit);
    if (found.kind === 'waiting') this.#hold(unit, note);
    else this.#letGo(unit, note);
    await this.#outcome(unit, found);
  }

  #hold(unit: string, note: string): void {
    const held = this.#waiting.get(unit);
    if (held === undefined) this.#waiting.set(unit, [note]);
    else if (held[0] !== note) this.#waiting.set(unit, [held[0], note]);
  }

  /** It was decided: where it was the one that was held, the newest after it is looked at next. */
  #letGo(unit: string, note: string): void {
    const held = this.#waiting.get(unit);
    if (held === undefined) return;
    const [first, newest] = held;
    if (note === newest) this.#waiting.set(unit, [first]);
    if (note !== first) return;
    this.#waiting.delete(unit);
    if (newest !== undefined && !this.#due.new.has(unit)) this.#due.new.set(unit, newest);
  }

  async #outcome(unit: string, found: Witnessed): Promise<void> {
    const { alerts, refusals, log } = this.#options;
    switch (found.kind) {
      case 'waiting':
        return;
      case 'older':
        log.debug({ part: 'witness', unit, size: found.size }, 'a checkpoint that was cosigned before');
        return;
      case 'refused':
        refusals.count(unit, 'checkpoint-refused', found.reason);
        return;
      case 'inconsistent':
        refusals.count(unit, 'checkpoint-refused', found.reason);
        await alerts.raise(unit, 'log-inconsistent', found.reason);
        return;
      case 'cosigned':
        this.#cosigned += 1;
        await alerts.close(unit, 'log-inconsistent');
        await this.#send(unit, found.note);
    }
  }

  async #send(unit: string, note: string): Promise<void> {
    const { payload, qos } = encodeMessage('cosigned', { note });
    await this.#options.link.publish(topicOf('cosigned', unit, {}), payload, { qos }).catch((error: unknown) => {
      if (!(error instanceof AtalayaError)) throw error;
    });
  }
}
