import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { type Milliseconds, seconds, toMilliseconds } from '../../../device/kernel/units.ts';
import type { BlockSink, BlockWishes, UpdateSource } from '../../../ota/contract/parts.ts';
import { isRepositoryPath } from '../../../ota/contract/repository.ts';
import type { StreamAnswer, StreamGet } from '../../contract/stream.ts';
import { Credit } from './credit.ts';
import { Pace } from './pace.ts';
import { Transfer } from './transfer.ts';
import type { Arrivals, Line, StreamClientFigures } from './transfer-parts.ts';
import { WholeDocument } from './whole-document.ts';

export interface StreamClientOptions {
  /** Publishes on streamGet. May reject: what does not get through is asked for again. */
  readonly publish: (get: StreamGet) => Promise<void>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /** How long nothing may come of a target before it counts as not to be had; two minutes where absent. */
  readonly patience?: Milliseconds;
  /** The same of metadata; 30 seconds where absent. */
  readonly metadataPatience?: Milliseconds;
  /** Bytes that are asked for and have not come, at most; 4 MiB where absent. */
  readonly mostOutstanding?: number;
}

const usualPatience = toMilliseconds(seconds(120));
const usualMetadataPatience = toMilliseconds(seconds(30));
/** Whoever gives a piece from time to time gives no metadata. */
const metadataTime = toMilliseconds(seconds(600));
const usualOutstanding = 4 * 1024 * 1024;

/**
 * The update repositories of the centre, over the link.
 *
 * Guarantees: a lost connection, another broker, a centre that was started anew cost what was on its way and no more; what was not asked
 * for is dropped; memory is bounded by `mostOutstanding` and what the sink has not taken yet. `answered`, `data`, `online` and `offline` return
 * at once and never throw.
 */
export class StreamClient implements UpdateSource {
  readonly name = 'the link';
  readonly #options: StreamClientOptions;
  readonly #line: Line;
  readonly #transfers = new Map<string, Arrivals>();
  readonly #running = new Set<Transfer>();
  #online = false;

  constructor(options: StreamClientOptions) {
    const { publish, clock, timer, random, mostOutstanding = usualOutstanding } = options;
    this.#options = options;
    this.#line = {
      credit: new Credit(mostOutstanding),
      pace: new Pace(),
      ...{ clock, timer, random },
      figures: { received: 0, receivedTwice: 0, nonsense: 0, requests: 0, probes: 0, lost: 0 },
      isOnline: () => this.#online,
      get: (get) => void publish(get).catch(() => undefined),
      draw: (transfer) => {
        const token = drawToken(random);
        this.#transfers.set(token, transfer);
        return token;
      },
      forget: (token) => this.#transfers.delete(token),
    };
  }

  /** Since it was made; `roundTripMs` undefined before the first, `window` and `outstanding` in bytes. */
  get figures(): StreamClientFigures & {
    readonly roundTripMs: number | undefined;
    readonly window: number;
    readonly outstanding: number;
  } {
    const { roundTrip, window, outstanding } = this.#line.credit;
    return { ...this.#line.figures, roundTripMs: roundTrip, window, outstanding };
  }

  async metadata(path: string, most: number, came?: (bytes: number) => void): Promise<Buffer | undefined> {
    const { metadataPatience = usualMetadataPatience } = this.#options;
    const taker = new WholeDocument(path, most, came);
    const wanted = { path, length: undefined, wants: () => true, rate: () => undefined };
    const transfer = new Transfer(this.#line, checked(wanted), taker, metadataPatience);
    const late = new AbortController();
    const done = new AbortController();
    void this.#options.timer.sleep(metadataTime, done.signal).then(() => {
      if (!done.signal.aborted) late.abort();
    });
    try {
      await this.#run(transfer, late.signal);
    } catch (error) {
      if (transfer.absent) return undefined;
      throw error;
    } finally {
      done.abort();
    }
    if (late.signal.aborted) throw new AtalayaError('link-down', `${path} comes too slowly`);
    return taker.whole();
  }

  async blocks(path: string, wanted: BlockWishes, sink: BlockSink, signal: AbortSignal): Promise<void> {
    const { patience = usualPatience } = this.#options;
    const wishes = checked({
      path,
      length: wanted.length,
      wants: (offset: number) => wanted.wants(offset),
      rate: () => wanted.rate(),
    });
    await this.#run(new Transfer(this.#line, wishes, sink, patience), signal);
  }

  /** A message on streamAnswer. */
  answered(answer: StreamAnswer): void {
    this.#transfers.get(answer.id)?.answered(answer.id, answer);
  }

  /** A message on streamData. */
  data(id: string, block: number, bytes: Uint8Array): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) this.#line.figures.nonsense += bytes.byteLength;
    else transfer.came(id, block, bytes);
  }

  /** A connection stands, with the subscriptions. */
  online(): void {
    this.#online = true;
    this.#line.credit.reconnected();
    for (const transfer of this.#running) transfer.online();
  }

  offline(): void {
    this.#online = false;
    for (const transfer of this.#running) transfer.offline();
  }

  async #run(transfer: Transfer, signal?: AbortSignal): Promise<void> {
    this.#running.add(transfer);
    try {
      await transfer.run(signal);
    } finally {
      this.#running.delete(transfer);
    }
  }
}

function checked<T extends { readonly path: string }>(wanted: T): T {
  if (isRepositoryPath(wanted.path)) return wanted;
  throw new AtalayaError('document-refused', 'this is no path of a repository');
}

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** 16 letters and digits: a process that is started anew does not meet the blocks of the one before it. */
function drawToken(random: Random): string {
  return Array.from({ length: 16 }, () => letters[Math.floor(random() * letters.length)]).join('');
}
