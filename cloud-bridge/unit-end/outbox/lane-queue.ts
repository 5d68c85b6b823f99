import type { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import type { LaneEvent, LaneSource } from '../../contract/lane-source.ts';
import type { Lane } from '../../contract/outbox.ts';
import type { EventKind } from '../../contract/topics.ts';
import { eventBytes, fitsMessage, type Linked, messageOf, piecesOf, Stretch } from './compose-message.ts';
import { ReadAhead, type Supply } from './read-ahead.ts';
import { SequenceRanges } from './sequence-ranges.ts';
import { Thinning } from './thinning.ts';

export interface LaneQueueOptions {
  readonly lane: Lane;
  readonly source: LaneSource;
  readonly wake: () => void;
  readonly onFault: (fault: AtalayaError) => void;
  readonly timer: Timer;
  readonly random: Random;
}

/** A message that was handed to the link and that the centre has not acknowledged. */
export interface Sent {
  /** Grows with each message of the lane. */
  readonly ticket: number;
  readonly lane: Lane;
  readonly kind: EventKind;
  readonly payload: Buffer;
  /** It is one of those that stand for the events from `first` to `last` together; this one bears so many of them whole. */
  readonly first: number;
  readonly last: number;
  readonly events: number;
  /** Of the first event: the link that the queue gave it, and the one that it was sent with. */
  readonly natural: number;
  readonly previous: number;
  /** Whether this is sent for the first time. */
  readonly fresh: boolean;
}

export interface Composing {
  /** Bytes that a message should have at most, and may have at most. */
  readonly bytes: number;
  readonly longest: number;
  /** Leave out telemetry that follows another within ten minutes. */
  readonly thin: boolean;
}

interface Tracked {
  readonly sent: Omit<Sent, 'payload'>;
  readonly bytes: number;
  /** The broker has it. */
  taken: boolean;
}

const mostWaits = 5;

/**
 * One lane on its way to the centre: what comes next, what was sent, how far the centre has it.
 *
 * Events leave in order. What is passed over, refused by the centre or thinned, is left out, and the link of the event behind it says so.
 */
export class LaneQueue {
  readonly lane: Lane;
  readonly source: LaneSource;
  readonly #ahead: ReadAhead;
  /** The centre has everything up to here. */
  #mark: number;
  #highest: number;
  #sent: Tracked[] = [];
  /** Composed and not sent: the other kinds of a stretch of events, or the other pieces of one event. */
  #composed: Sent[] = [];
  #unacknowledged = 0;
  #ticket = 0;
  /** Since when something that the broker has waits for the centre. */
  #waitingSince: number | undefined;
  /** How often in a row the centre was waited for in vain. */
  #waits = 0;
  /** A connection was made since it was waited for in vain: what kept the centre away may be over. */
  #reconnected = false;
  /** The newest event of the queue when it was last sent from the mark on. */
  #newest: number;
  /** Units that lost the same centre do not all send again at once. */
  #spread = 1;
  readonly #random: Random;
  readonly #refused = new SequenceRanges();
  readonly #thinning = new Thinning();
  /** The event whose own link is `natural` is to be linked to `previous`. */
  #link: { readonly natural: number; readonly previous: number } | undefined;
  /** Everything up to here was sent, passed over or acknowledged. What the queue no longer has behind it cannot be linked to. */
  #handed: number;
  /** The centre has said so since anything it said was news: less than it had acknowledged before. */
  #behind: number | undefined;

  constructor(options: LaneQueueOptions) {
    this.lane = options.lane;
    this.source = options.source;
    this.#mark = options.source.forgotten;
    this.#highest = this.#mark;
    this.#handed = this.#mark;
    this.#newest = this.#mark;
    this.#random = options.random;
    this.#ahead = new ReadAhead({ ...options, from: this.#mark + 1 });
  }

  get mark(): number {
    return this.#mark;
  }

  /** Bytes that were sent and that the centre has not acknowledged. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  get thinned(): number {
    return this.#thinning.leftOut;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#ahead.run(signal);
  }

  supply(bytes: number): Supply {
    if (this.#composed.length > 0) return 'ready';
    if (!this.#isProbing) return this.#ahead.supply(bytes);
    return this.#sent.length > 0 ? 'empty' : this.#ahead.supply(1);
  }

  /**
   * Everything was sent twice and nothing of it acknowledged: the broker is there, the centre is not. From here on one event is sent each
   * time, until the centre says something; a link that is paid by the byte is not to carry all of it again and again.
   */
  get #isProbing(): boolean {
    return this.#waits > 1;
  }

  /** The next message, which counts as sent from here on. Undefined where all that was at hand is passed over. Throws `link-refused`. */
  take(composing: Composing): Sent | undefined {
    const { stream } = this.source;
    const size = this.#isProbing ? { ...composing, bytes: 1 } : composing;
    const message = stream === undefined ? undefined : (this.#composed.shift() ?? this.#compose(stream, size));
    if (message === undefined) return undefined;
    const { payload, ...sent } = message;
    this.#sent.push({ sent, bytes: payload.byteLength, taken: false });
    this.#unacknowledged += payload.byteLength;
    this.#highest = Math.max(this.#highest, message.last);
    return message;
  }

  /** The broker has a message. */
  taken({ ticket }: Sent, now: number): void {
    const tracked = this.#sent.find(({ sent }) => sent.ticket === ticket);
    if (tracked === undefined) return;
    tracked.taken = true;
    this.#waitingSince ??= now;
  }

  /** A message did not get through: from there on all is sent again. */
  lost({ ticket }: Sent): void {
    const index = this.#sent.findIndex(({ sent }) => sent.ticket === ticket);
    if (index !== -1) this.#backTo(index);
  }

  /** When an acknowledgement of the centre will have been waited for too long; undefined where nothing waits for one. */
  due(resendAfter: number): number | undefined {
    if (this.#waitingSince === undefined) return undefined;
    return this.#waitingSince + resendAfter * this.#spread * (this.#isSoon ? 1 : 2 ** this.#waits);
  }

  /** One event is tried without the long wait: it costs little. */
  get #isSoon(): boolean {
    return this.#isUrgent || (this.#isProbing && this.#reconnected);
  }

  reconnected(): void {
    this.#reconnected = true;
  }

  /** Something new waits behind what is tried: an alert is not to wait a quarter of an hour for a centre that is back already. */
  get #isUrgent(): boolean {
    return this.#isProbing && this.lane !== 'telemetry' && this.source.last > this.#newest;
  }

  /**
   * What the broker took has not come to the centre, or its acknowledgement not to us: everything after the mark is sent again, or one
   * event of it where that was done already. A centre that was restored from a copy has less than it had acknowledged; where it goes on
   * saying so, it gets what is left of that.
   */
  sendAgain(): void {
    if (this.#behind !== undefined && this.#waits > 0) {
      this.#mark = this.#behind;
      this.#waits = 0;
    }
    this.#behind = undefined;
    if (this.#sent.length > 0) this.#backTo(0);
    if (!this.#isSoon) this.#waits = Math.min(mostWaits, this.#waits + 1);
    this.#reconnected = false;
    this.#newest = this.source.last;
    this.#spread = 1 + this.#random() / 4;
  }

  /** The centre has everything up to here. False where it had before. */
  acknowledged(upTo: number, now: number): boolean {
    if (upTo <= this.#mark) {
      if (upTo < this.#mark) this.#behind = upTo;
      return false;
    }
    this.#mark = upTo;
    this.#behind = undefined;
    this.#handed = Math.max(this.#handed, upTo);
    while ((this.#sent[0]?.sent.last ?? Number.POSITIVE_INFINITY) <= upTo) {
      this.#unacknowledged -= this.#sent.shift()?.bytes ?? 0;
    }
    if ((this.#composed[0]?.last ?? Number.POSITIVE_INFINITY) <= upTo) this.#composed = [];
    this.#refused.clear(upTo);
    this.#waits = 0;
    this.#waitingSince = this.#sent.some(({ taken }) => taken) ? now : undefined;
    if ((this.#link?.natural ?? 0) <= upTo) this.#link = undefined;
    this.#ahead.skipTo(upTo + 1);
    return true;
  }

  /** The centre will not take these: they are passed over. Returns those that are news. */
  refused(sequences: readonly number[]): readonly number[] {
    const fresh = sequences.filter(
      (sequence) => sequence > this.#mark && sequence <= this.source.last && this.#refused.add(sequence),
    );
    // What follows was linked to them, and is sent again with a link that passes over them.
    const first = Math.min(...fresh);
    const index = this.#sent.findIndex(({ sent }) => sent.last >= first);
    if (index !== -1) this.#backTo(index);
    if (fresh.length > 0) this.#waits = 0;
    return fresh;
  }

  #backTo(index: number): void {
    const from = this.#sent[index] as Tracked;
    const begin = this.#sent.findIndex(({ sent }) => sent.first === from.sent.first);
    for (const { bytes } of this.#sent.splice(begin)) this.#unacknowledged -= bytes;
    if (!this.#sent.some(({ taken }) => taken)) this.#waitingSince = undefined;
    this.#composed = [];
    const { first, natural, previous } = from.sent;
    // Of what was sent, the first always stands behind the mark, unless that has gone back.
    const next = begin === 0 ? this.#mark + 1 : first;
    this.#link = next <= first && first > this.#mark ? { natural, previous } : undefined;
    this.#handed = next - 1;
    this.#thinning.startAnew();
    this.#ahead.moveTo(next);
  }

  #compose(stream: string, { bytes, longest, thin }: Composing): Sent | undefined {
    const stretch = new Stretch(Math.min(bytes, longest));
    let before = 0;
    for (let event = this.#ahead.peek(); event !== undefined; event = this.#ahead.peek()) {
      const previous = Math.max(before, this.#linkOf(event));
      if (event.sequence <= this.#mark) {
        this.#link = undefined;
      } else if (this.#refused.has(event.sequence) || (thin && this.#thinning.leavesOut(event))) {
        this.#link = { natural: event.sequence, previous };
      } else {
        const linked = { event, previous };
        if (!fitsMessage(eventBytes(linked), longest)) {
          if (stretch.events.length > 0) break;
          this.#cut(stream, linked, longest);
          this.#went(event);
          this.#handed = event.sequence;
          this.#ahead.shift();
          return this.#composed.shift();
        }
        if (!stretch.add(linked)) break;
        this.#went(event);
        before = event.sequence;
      }
      this.#handed = event.sequence;
      this.#ahead.shift();
    }
    this.#split(stream, stretch);
    return this.#composed.shift();
  }

  #split(stream: string, stretch: Stretch): void {
    const [first] = stretch.events;
    const last = stretch.events.at(-1);
    if (first === undefined || last === undefined) return;
    this.#composed = stretch.byKind().map((events) =>
      this.#sentAs(first, last.event.sequence, {
        kind: (events[0] ?? first).event.kind,
        events: events.length,
        payload: messageOf(this.lane, stream, events),
      }),
    );
  }

  #cut(stream: string, linked: Linked, longest: number): void {
    const { sequence, kind } = linked.event;
    const pieces = piecesOf(this.lane, stream, linked, longest);
    this.#composed = pieces.map((payload, i) =>
      this.#sentAs(linked, sequence, { kind, payload, events: i + 1 === pieces.length ? 1 : 0 }),
    );
  }

  /** A message of several that stand for the events from `event` to `last` together. */
  #sentAs(
    { event: { sequence: first, previous: natural }, previous }: Linked,
    last: number,
    part: Pick<Sent, 'kind' | 'payload' | 'events'>,
  ): Sent {
    this.#ticket += 1;
    const fresh = last > this.#highest;
    return { ...part, ticket: this.#ticket, lane: this.lane, first, last, natural, previous, fresh };
  }

  #linkOf({ previous }: LaneEvent): number {
    return Math.min(this.#handed, this.#link?.natural === previous ? this.#link.previous : previous);
  }

  /** An event goes into a message. */
  #went(event: LaneEvent): void {
    this.#link = undefined;
    this.#thinning.sent(event);
  }
}
