import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { topicOf } from '../../contract/address.ts';
import type { Ack } from '../../contract/events.ts';
import { type Lane, lanes } from '../../contract/outbox.ts';
import type { LinkSession } from '../../link/link.ts';
import { longestFor } from './compose-message.ts';
import type { DrainFigures, DrainOptions } from './drain-options.ts';
import { LaneQueue, type Sent } from './lane-queue.ts';
import { Pace } from './pace.ts';

export type { DrainFigures, DrainOptions } from './drain-options.ts';

const defaultUnacknowledged = 4 * 1024 * 1024;
const defaultSpared = 2;
/** The loop looks around at least so often, and shows that it lives. */
const longestSleep = 2000;
/** A lane that the broker refuses is left alone for so long. */
const refusedFor = 30_000;

interface LaneState {
  readonly queue: LaneQueue;
  heldUntil: number;
  forgetting: boolean;
}

/**
 * Sends what the lanes hold until the centre has acknowledged it.
 *
 * Guarantees: every event of a lane is sent as often as it takes for the centre to acknowledge it; events of a lane are sent in order, with
 * the links of their numbering; at every free place of the window alerts go before infractions and these before telemetry; messages in
 * flight never exceed the window, and what is held in memory does not grow with what is queued. An acknowledgement of another numbering,
 * or of what was never there, changes nothing and is counted.
 */
export class Drain {
  readonly #options: DrainOptions;
  readonly #lanes: Readonly<Record<Lane, LaneState>>;
  readonly #pace = new Pace();
  #session: LinkSession | undefined;
  /** Which connection, and since when. */
  #epoch = 0;
  #onlineAt = 0;
  #inFlight = 0;
  #inFlightBytes = 0;
  #woken = false;
  #wakeUp: (() => void) | undefined;
  readonly #counts = { sentMessages: 0, sentBytes: 0, sentEvents: 0, resentEvents: 0, refused: 0, ignoredAcks: 0 };

  constructor(options: DrainOptions) {
    this.#options = options;
    const laneOf = (lane: Lane): LaneState => ({
      queue: new LaneQueue({
        lane,
        source: options.sources[lane],
        wake: () => this.#wake(),
        onFault: (fault) => options.onFault(lane, fault),
        timer: options.timer,
        random: options.random,
      }),
      heldUntil: Number.NEGATIVE_INFINITY,
      forgetting: false,
    });
    this.#lanes = { alert: laneOf('alert'), infraction: laneOf('infraction'), telemetry: laneOf('telemetry') };
  }

  get figures(): DrainFigures {
    const queued = (lane: Lane) => Math.max(0, this.#options.sources[lane].last - this.#lanes[lane].queue.mark);
    return {
      ...this.#counts,
      queued: { alert: queued('alert'), infraction: queued('infraction'), telemetry: queued('telemetry') },
      thinned: this.#lanes.telemetry.queue.thinned,
      inFlight: this.#inFlight,
      inFlightBytes: this.#inFlightBytes,
    };
  }

  /** A connection stands. */
  online(session: LinkSession): void {
    this.#epoch += 1;
    this.#onlineAt = this.#options.clock.monotonic();
    this.#session = session;
    for (const lane of lanes) this.#lanes[lane].queue.reconnected();
    this.#wake();
  }

  offline(): void {
    this.#session = undefined;
  }

  /** What the centre says that it has, and what it will not take. */
  acknowledged({ marks, refused = [] }: Ack): void {
    const now = this.#options.clock.monotonic();
    for (const { lane, stream, upTo } of marks) {
      const { queue } = this.#lanes[lane];
      if (stream !== queue.source.stream || upTo > queue.source.last) this.#counts.ignoredAcks += 1;
      else if (queue.acknowledged(upTo, now)) void this.#forget(lane);
    }
    for (const lane of lanes) {
      const theirs = refused.filter((one) => one.lane === lane);
      if (theirs.length > 0) this.#refuse(lane, theirs);
    }
    this.#wake();
  }

  /** Sends until it is stopped. `beat` is called whenever the loop comes round, every two seconds at least. Does not reject. */
  async run(signal: AbortSignal, beat: () => void = () => undefined): Promise<void> {
    const stop = () => this.#wake();
    signal.addEventListener('abort', stop, { once: true });
    const reading = lanes.map((lane) => this.#lanes[lane].queue.run(signal));
    while (!signal.aborted) {
      beat();
      this.#sendOverdueAgain();
      this.#fill();
      await this.#sleep(signal);
    }
    signal.removeEventListener('abort', stop);
    await Promise.all(reading);
  }

  /** Fills the window. */
  #fill(): void {
    for (let session = this.#session; session !== undefined && this.#hasRoom(session); session = this.#session) {
      const message = this.#next(session);
      if (message === undefined) return;
      this.#send(message);
    }
  }

  #hasRoom({ receiveMaximum }: LinkSession): boolean {
    const { window, spared = defaultSpared, link } = this.#options;
    const most = Math.min(window, Math.max(1, receiveMaximum - spared));
    if (this.#inFlight >= most || link.inFlight >= receiveMaximum) return false;
    return this.#inFlight === 0 || this.#inFlightBytes < this.#pace.bytes;
  }

  /** The message that goes first. A lane that is just being read is waited for by those after it. */
  #next(session: LinkSession): Sent | undefined {
    const { budget, clock, unacknowledgedBytes = defaultUnacknowledged } = this.#options;
    const longest = longestFor(session.maximumPacketSize);
    const bytes = Math.min(longest, this.#pace.messageBytes);
    for (const lane of lanes) {
      const { queue, heldUntil } = this.#lanes[lane];
      if (queue.source.stream === undefined) continue;
      const verdict = budget.judge(lane);
      if (verdict === 'hold' || heldUntil > clock.monotonic() || queue.unacknowledged >= unacknowledgedBytes) continue;
      for (let supply = queue.supply(bytes); supply !== 'empty'; supply = queue.supply(bytes)) {
        if (supply === 'filling') return undefined;
        const message = this.#take(lane, { bytes, longest, thin: verdict === 'thin' });
        if (message !== undefined) return message;
        if (this.#lanes[lane].heldUntil > clock.monotonic()) break;
      }
    }
    return undefined;
  }

  #take(lane: Lane, composing: Parameters<LaneQueue['take']>[0]): Sent | undefined {
    try {
      return this.#lanes[lane].queue.take(composing);
    } catch (error) {
      this.#hold(lane, error);
      return undefined;
    }
  }

  #send(message: Sent): void {
    const { link, unit, budget, clock } = this.#options;
    const { lane, kind, payload, events, fresh } = message;
    const topic = topicOf(kind, unit, {});
    const bytes = topic.length + payload.byteLength;
    const at = clock.monotonic();
    const epoch = this.#epoch;
    this.#inFlight += 1;
    this.#inFlightBytes += bytes;
    this.#counts.sentMessages += 1;
    this.#counts.sentBytes += bytes;
    this.#counts.sentEvents += events;
    if (!fresh) this.#counts.resentEvents += events;
    budget.spend(lane, bytes);
    const { queue } = this.#lanes[lane];
    link
      .publish(topic, payload, { qos: 1 })
      .then(
        () => {
          const now = clock.monotonic();
          this.#pace.acknowledged(bytes, at, now, this.#inFlightBytes + bytes >= this.#pace.bytes);
          queue.taken(message, now);
        },
        (error: unknown) => {
          queue.lost(message);
          if (!isAtalayaError(error, 'link-down')) this.#hold(lane, error);
          else if (epoch === this.#epoch) this.#session = undefined;
        },
      )
      .finally(() => {
        this.#inFlight -= 1;
        this.#inFlightBytes -= bytes;
        this.#wake();
      });
  }

  #refuse(lane: Lane, refused: NonNullable<Ack['refused']>): void {
    const { queue } = this.#lanes[lane];
    const ours = refused.filter(
      ({ stream, sequence }) => stream === queue.source.stream && sequence <= queue.source.last,
    );
    this.#counts.ignoredAcks += refused.length - ours.length;
    const news = new Set(queue.refused(ours.map(({ sequence }) => sequence)));
    for (const { sequence, reason } of ours) {
      if (!news.delete(sequence)) continue;
      this.#counts.refused += 1;
      this.#options.onRefused(lane, sequence, reason);
    }
  }

  #hold(lane: Lane, error: unknown): void {
    const fault = isAtalayaError(error) ? error : new AtalayaError('internal', String(error), { cause: error });
    this.#lanes[lane].heldUntil = this.#options.clock.monotonic() + refusedFor;
    this.#options.onFault(lane, fault);
  }

  /** Lets the queue forget up to the mark, one mark after the other, and those that came meanwhile as one. */
  async #forget(lane: Lane): Promise<void> {
    const state = this.#lanes[lane];
    if (state.forgetting) return;
    state.forgetting = true;
    try {
      for (let told = -1; told < state.queue.mark; ) {
        told = state.queue.mark;
        await state.queue.source.forget(told);
      }
    } catch (error) {
      const fault = isAtalayaError(error) ? error : new AtalayaError('internal', String(error), { cause: error });
      this.#options.onFault(lane, fault);
    } finally {
      state.forgetting = false;
    }
  }

  #sendOverdueAgain(): void {
    const now = this.#options.clock.monotonic();
    for (const lane of lanes) if (this.#due(lane) <= now) this.#lanes[lane].queue.sendAgain();
  }

  /** When a lane is to be sent again. A centre whose acknowledgements could not reach us has a moment for them after each connection. */
  #due(lane: Lane): number {
    const { resendAfter } = this.#options;
    const due = this.#session && this.#lanes[lane].queue.due(resendAfter);
    return due === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(due, this.#onlineAt + Math.min(5000, resendAfter / 2));
  }

  #wake(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  /** Until there is something to do, or may be. */
  async #sleep(signal: AbortSignal): Promise<void> {
    const { clock, timer } = this.#options;
    const now = clock.monotonic();
    const due = lanes.flatMap((lane) => {
      const { heldUntil } = this.#lanes[lane];
      return [this.#due(lane), heldUntil > now ? heldUntil : Number.POSITIVE_INFINITY];
    });
    const time = Math.max(1, Math.min(longestSleep, ...due.map((at) => at - now)));
    if (!this.#woken && !signal.aborted) {
      const over = new AbortController();
      await new Promise<void>((resolve) => {
        this.#wakeUp = resolve;
        void timer.sleep(milliseconds(time), over.signal).then(resolve);
      });
      over.abort();
      this.#wakeUp = undefined;
    }
    this.#woken = false;
  }
}
