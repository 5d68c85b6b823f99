import type { Clock } from '../../../device/kernel/clock.ts';
import { type AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { eventName, type Log } from '../../../device/kernel/log/log.ts';
import { type Backoff, type Random, supervise } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type {
  Archive,
  Arrived,
  ArrivedPart,
  Ingested,
  Place,
  Refusal,
  Watermark,
  WholeEvent,
} from '../archive/archive.ts';
import { messageOf } from '../archive/place.ts';
import type { Acks } from './acks.ts';
import { type Batch, joined, type Piece, type Sentence, type Waiting } from './batch.ts';
import { PieceGathering } from './piece-gathering.ts';
import type { Refusals } from './refusals.ts';
import type { SetAside } from './set-aside.ts';
import { takeInHalves } from './take-in-halves.ts';

export interface IngestOptions {
  readonly archive: Pick<Archive, 'ingest' | 'gather' | 'discard' | 'refuse'>;
  /** What is to be made of an event that came in pieces. */
  readonly judge: (event: WholeEvent) => Sentence | Promise<Sentence>;
  readonly acks: Pick<Acks, 'add'>;
  /** What is left out time after time ends there. */
  readonly setAside: Pick<SetAside, 'failed' | 'taken'>;
  readonly refusals: Refusals;
  /** What follows from events that are durable, each time that they come: must bear repetition. Before the acknowledgement. */
  readonly effects: (events: readonly Arrived[]) => Promise<void>;
  /** Events that were not there before, as far as is known. */
  readonly onConflict: (unit: string, detail: string) => Promise<void>;
  /** Bytes of messages that may wait. */
  readonly mostBytes: number;
  /** Of one unit: more than a unit sends before it has an acknowledgement. */
  readonly mostBytesOfUnit: number;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly log: Log;
}

/** Events that may wait, however short they are. */
const mostWaiting = 10_000;
/** Events of a transaction. */
const mostEvents = 500;
/** How long the first one waits for others. */
const gather = milliseconds(5);
const retry: Backoff = { first: milliseconds(100), most: milliseconds(5000) };

/**
 * Brings events into the archive: what arrives within a few milliseconds in one transaction, then its effects, then the acknowledgements.
 * Pieces go there too, and what they make comes back to be judged.
 *
 * Guarantees: nothing is acknowledged that the archive does not have, or that was refused for good with a reason; what waits here is
 * bounded, in all and of each unit; an event that the archive cannot take, while it takes others, is left out and counted, and stops nobody
 * else: left out time after time it is set aside. Where nothing is taken the archive itself is at fault: everything waits, and is tried
 * together with whatever comes meanwhile. What waits when the process ends was never acknowledged, and is sent again.
 */
export class Ingest {
  readonly #options: IngestOptions;
  readonly #pieces: PieceGathering;
  #queue: Waiting[] = [];
  #head = 0;
  #bytes = 0;
  readonly #bytesOf = new Map<string, number>();
  #wake: (() => void) | undefined;
  #room: (() => void)[] = [];
  #batch: Batch | undefined;
  #archived = 0;
  #duplicates = 0;
  #batches = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    const { archive, judge, refusals } = options;
    this.#pieces = new PieceGathering({ archive, judge, refusals, onConflict: (place) => this.#conflict(place) });
  }

  get figures(): {
    readonly archived: number;
    readonly duplicates: number;
    readonly batches: number;
    readonly waiting: number;
    readonly waitingBytes: number;
  } {
    return {
      archived: this.#archived,
      duplicates: this.#duplicates,
      batches: this.#batches,
      waiting: this.#queue.length - this.#head + (this.#batch?.waiting.length ?? 0),
      waitingBytes: this.#bytes,
    };
  }

  /**
   * Takes the events of a message of `bytes` bytes; resolves when there is room for another. What a unit sends beyond its share is dropped
   * and counted: it is sent again, and nobody else waits for it meanwhile.
   */
  async offer(unit: string, sentences: readonly Waiting['sentence'][], bytes: number): Promise<void> {
    const { mostBytes, mostBytesOfUnit, refusals } = this.#options;
    const held = this.#bytesOf.get(unit) ?? 0;
    if (held > 0 && held + bytes > mostBytesOfUnit) {
      refusals.count(unit, 'too-much', `more than ${mostBytesOfUnit} bytes of it wait to be archived`);
      return;
    }
    const share = Math.ceil(bytes / Math.max(1, sentences.length));
    for (const sentence of sentences) {
      // What becomes of a fault is decided when its turn comes.
      if (sentence instanceof Promise) sentence.catch(() => undefined);
      this.#queue.push({ unit, bytes: share, sentence });
    }
    this.#bytes += share * sentences.length;
    this.#bytesOf.set(unit, held + share * sentences.length);
    this.#wake?.();
    while (this.#isFull(mostBytes)) await new Promise<void>((resolve) => this.#room.push(resolve));
  }

  /** Until stopped. What is left then is dropped: it was not acknowledged. Rejects with what waiting does not cure. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, timer, random, log } = this.#options;
    await supervise(
      async (attempt) => {
        while (!attempt.signal.aborted) {
          attempt.beat();
          if (this.#batch === undefined && !(await this.#some(attempt.signal))) continue;
          // One that was not taken is tried again beside others: alone it would not show whose fault it is, and they would wait for it.
          this.#batch = joined(this.#batch, await this.#gathered(attempt.signal, this.#batch?.waiting.length));
          await this.#archive(this.#batch);
          this.#release(this.#batch);
          this.#batch = undefined;
        }
      },
      {
        ...{ name: 'the ingest', signal, clock, timer, random, backoff: retry },
        deadline: milliseconds(120_000),
        grace: milliseconds(60_000),
        onFault: (error, wait) =>
          log.warn({ part: 'ingest', error, waitMs: wait }, 'the archive takes nothing; units wait'),
      },
    ).finally(() => this.#drain());
  }

  /** True where there is something; false after a while, or when the signal is aborted. */
  async #some(signal: AbortSignal): Promise<boolean> {
    if (this.#head < this.#queue.length) return true;
    const over = new AbortController();
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
      this.#options.timer.sleep(milliseconds(10_000), AbortSignal.any([signal, over.signal])),
    ]);
    over.abort();
    this.#wake = undefined;
    return this.#head < this.#queue.length && !signal.aborted;
  }

  async #gathered(signal: AbortSignal, already = 0): Promise<Batch> {
    const most = mostEvents - already;
    if (this.#queue.length - this.#head < most) await this.#options.timer.sleep(gather, signal);
    const waiting = this.#queue.slice(this.#head, this.#head + most);
    this.#head += waiting.length;
    if (this.#head > 4096 || this.#head === this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    const events: Arrived[] = [];
    const parts: ArrivedPart[] = [];
    const refused: Refusal[] = [];
    for (const { unit, sentence } of waiting) {
      const said = await this.#said(unit, sentence);
      if (said.kind === 'archive') events.push(said.event);
      if (said.kind === 'piece') parts.push(said.part);
      if (said.kind === 'refuse') refused.push(said.refusal);
    }
    return { events, parts, refused, waiting };
  }

  /** One that could not be judged is left out: the unit sends it again. */
  async #said(unit: string, sentence: Waiting['sentence']): Promise<Sentence | Piece> {
    try {
      return await sentence;
    } catch (error) {
      this.#options.refusals.count(
        unit,
        'not-archivable',
        `it could not be judged: ${isAtalayaError(error) ? error.code : 'internal'}`,
      );
      return { kind: 'drop' };
    }
  }

  async #archive({ events, parts, refused }: Batch): Promise<void> {
    await this.#settle(events, refused, []);
    for (const some of this.#pieces.groups(parts)) {
      const harvest = await this.#pieces.gather(some);
      await this.#settle(harvest.events, harvest.refused, harvest.marks);
      await this.#pieces.settled(harvest);
    }
  }

  async #settle(events: readonly Arrived[], judged: readonly Refusal[], before: readonly Watermark[]): Promise<void> {
    const { acks, archive } = this.#options;
    const marks = [...before];
    let refused = judged;
    if (refused.length > 0) marks.push(...(await archive.refuse(refused)));
    if (events.length > 0) {
      const { done, left } = await takeInHalves(events, (some) => archive.ingest(some));
      const aside: Refusal[] = [];
      for (const { item, error } of left) aside.push(...(await this.#left(item, error)));
      if (aside.length > 0) {
        marks.push(...(await archive.refuse(aside)));
        refused = [...refused, ...aside];
      }
      const taken = done.flatMap(({ items }) => items);
      const ingested = done.map(({ result }) => result);
      this.#options.setAside.taken(taken);
      await this.#follow(taken, ingested);
      marks.push(...ingested.flatMap(({ watermarks }) => watermarks));
    }
    if (marks.length > 0) acks.add(marks, refused);
  }

  async #follow(taken: readonly Arrived[], ingested: readonly Ingested[]): Promise<void> {
    this.#batches += 1;
    const conflicts = ingested.flatMap((one) => one.conflicts);
    for (const conflict of conflicts) await this.#conflict(conflict);
    for (const { fresh, duplicates } of ingested) {
      this.#archived += fresh;
      this.#duplicates += duplicates;
    }
    const elsewise = new Set(conflicts.map(messageOf));
    await this.#options.effects(taken.filter((event) => !elsewise.has(messageOf(event))));
  }

  /** The refusal, where it is set aside: that is durable then. */
  async #left(event: Arrived, error: AtalayaError): Promise<readonly Refusal[]> {
    const { unit, lane, stream, sequence } = event;
    this.#options.refusals.count(unit, 'not-archivable', `the archive does not take it: ${error.code}`, {
      event: eventName(lane, stream, sequence),
    });
    const refusal = await this.#options.setAside.failed(event, error);
    return refusal === undefined ? [] : [refusal];
  }

  async #conflict({ unit, lane, stream, sequence }: Place): Promise<void> {
    const event = eventName(lane, stream, sequence);
    this.#options.refusals.count(unit, 'event-conflict', 'another event stands in its place; the first one stays', {
      event,
    });
    await this.#options.onConflict(
      unit,
      `a second, different event came in the place of ${event}; the first one stays`,
    );
  }

  #release({ waiting }: Batch): void {
    for (const { unit, bytes } of waiting) {
      const held = (this.#bytesOf.get(unit) ?? 0) - bytes;
      if (held > 0) this.#bytesOf.set(unit, held);
      else this.#bytesOf.delete(unit);
      this.#bytes -= bytes;
    }
    this.#wakeRoom();
  }

  #drain(): void {
    this.#queue = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#bytesOf.clear();
    this.#wakeRoom();
  }

  #isFull(mostBytes: number): boolean {
    return this.#bytes > mostBytes || this.#queue.length - this.#head > mostWaiting;
  }

  #wakeRoom(): void {
    if (this.#isFull(this.#options.mostBytes)) return;
    const room = this.#room;
    this.#room = [];
    for (const resolve of room) resolve();
  }
}
