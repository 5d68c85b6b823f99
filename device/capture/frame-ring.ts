import type { Milliseconds } from '../kernel/units.ts';
import type { Frame } from './frame.ts';
import { type KeptFrame, keptBytes, keptFrame } from './kept-frame.ts';

/** A frame that somebody still needs; it stays unchanged until `release`, which may be called twice. */
export interface Held<T> {
  readonly frame: T;
  release(): void;
}

/** What can be said of a frame without reading its picture. */
export interface FrameMoment {
  readonly sequence: number;
  readonly elapsed: Milliseconds;
  /** Memory that holding it takes. */
  readonly bytes: number;
}

/** One place of the ring. */
interface Slot {
  readonly frame: KeptFrame;
  readonly bytes: number;
  /** Begins a use of what is kept; the returned function ends it. */
  use(): () => void;
  /** Ends the ring's own use. */
  leave(): void;
}

/** How far the ring reaches back, and how it does so with more than every frame would allow. */
export interface Thinning {
  /** Of so long, every frame is kept. */
  readonly dense: Milliseconds;
  /** Before that, frames go while those that stay are at most this far apart. */
  readonly gap: Milliseconds;
  /** Nobody asks for frames from longer ago: they go, even where the budget has room. */
  readonly reach: Milliseconds;
}

/**
 * The recent frames, kept for evidence up to a budget of bytes. A frame with an original stays as its original alone, so that the same
 * budget reaches many times as far back; any other stays as its pixels. With thinning, older frames are first thinned out, and only then
 * does the oldest go: a judgement comes seconds after its moment, and evidence needs a few frames a second from before it.
 *
 * Guarantees: the newest frame is always kept; a held frame outlives its place in the ring; every frame's picture is handed to `dispose`
 * exactly once, as soon as nobody needs its pixels: whoever pushed the frame has released it and, where the pixels are what is kept, it
 * has left the ring and no evidence holds it.
 */
export class FrameRing {
  readonly #budget: () => number;
  readonly #dispose: (frame: Frame) => void;
  readonly #thinning: Thinning | undefined;
  readonly #slots: Slot[] = [];
  #bytes = 0;

  /**
   * `budget` in bytes of what is kept: originals, and pixels of frames without. Pixels beside an original are not in it: they last only
   * while whoever pushed them works on them. One that changes is asked for at each frame.
   */
  constructor(budget: number | (() => number), dispose: (frame: Frame) => void, thinning?: Thinning) {
    this.#budget = typeof budget === 'number' ? () => budget : budget;
    this.#dispose = dispose;
    this.#thinning = thinning;
  }

  /** Takes a frame over, and holds it with its pixels for the caller. */
  push(frame: Frame): Held<Frame> {
    const kept = keptFrame(frame);
    const pixels = new SharedPixels(() => this.#dispose(frame));
    const release = pixels.use();
    const slot: Slot = {
      frame: kept,
      bytes: keptBytes(kept),
      ...(kept.kind === 'pixels' ? { use: () => pixels.use(), leave: pixels.use() } : usesNoPixels),
    };
    this.#slots.push(slot);
    this.#bytes += slot.bytes;
    while (this.#slots.length > 1 && this.#outOfReach(frame.time.elapsed)) this.#evict(0);
    while (this.#slots.length > 1 && this.#bytes > this.#budget()) this.#evict(this.#spare());
    return { frame, release };
  }

  /** Holds the frame that was captured closest to a moment; undefined only where the ring is empty. */
  holdNearest(elapsed: Milliseconds): Held<KeptFrame> | undefined {
    let nearest: Slot | undefined;
    for (const slot of this.#slots) {
      if (nearest === undefined || distance(slot, elapsed) < distance(nearest, elapsed)) nearest = slot;
    }
    return nearest === undefined ? undefined : hold(nearest);
  }

  /** Holds the newest frame; undefined only where the ring is empty. */
  holdNewest(): Held<KeptFrame> | undefined {
    const slot = this.#slots.at(-1);
    return slot === undefined ? undefined : hold(slot);
  }

  /**
   * Holds the frames captured from one moment to another, both included, in the order of capture; of these, only the frames whose
   * sequence numbers `choose` returns, where it is given. What it names besides is not there to be held.
   */
  holdBetween(
    from: Milliseconds,
    to: Milliseconds,
    choose?: (frames: readonly FrameMoment[]) => ReadonlySet<number>,
  ): readonly Held<KeptFrame>[] {
    const between = this.#slots.filter(({ frame: { time } }) => time.elapsed >= from && time.elapsed <= to);
    // A choice that throws leaves nothing held.
    const chosen = choose?.(between.map(momentOf));
    return between.filter(({ frame }) => chosen?.has(frame.sequence) ?? true).map(hold);
  }

  get length(): number {
    return this.#slots.length;
  }

  /** Lets go of every frame; held ones follow when they are released. */
  clear(): void {
    while (this.#slots.length > 0) this.#evict(0);
  }

  /** True where the oldest frame is from longer ago than anybody asks for. */
  #outOfReach(now: Milliseconds): boolean {
    const oldest = this.#slots[0]?.frame.time.elapsed ?? now;
    return this.#thinning !== undefined && now - oldest > this.#thinning.reach;
  }

  /** Index of the slot that is missed least. */
  #spare(): number {
    const newest = this.#slots.at(-1)?.frame.time.elapsed;
    if (this.#thinning === undefined || newest === undefined) return 0;
    const { dense, gap } = this.#thinning;
    for (let i = 1; i + 1 < this.#slots.length; i += 1) {
      const [before, after] = [this.#slots[i - 1] as Slot, this.#slots[i + 1] as Slot];
      if (newest - (this.#slots[i] as Slot).frame.time.elapsed <= dense) break;
      if (after.frame.time.elapsed - before.frame.time.elapsed <= gap) return i;
    }
    return 0;
  }

  #evict(index: number): void {
    const [slot] = this.#slots.splice(index, 1);
    if (slot === undefined) return;
    this.#bytes -= slot.bytes;
    slot.leave();
  }
}

/** The pixels of one frame, given back when their last user has ended its use. */
class SharedPixels {
  readonly #giveBack: () => void;
  #users = 0;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  /** Returns the function that ends this use; called again, it does nothing. */
  use(): () => void {
    this.#users += 1;
    let using = true;
    return () => {
      if (!using) return;
      using = false;
      this.#users -= 1;
      if (this.#users === 0) this.#giveBack();
    };
  }
}

/** An original is plain memory, which lives as long as somebody knows it. */
const usesNoPixels = { use: () => () => {}, leave: () => {} };

function hold({ frame, use }: Slot): Held<KeptFrame> {
  return { frame, release: use() };
}

function momentOf({ frame: { sequence, time }, bytes }: Slot): FrameMoment {
  return { sequence, elapsed: time.elapsed, bytes };
}

function distance(slot: Slot, elapsed: Milliseconds): number {
  return Math.abs(slot.frame.time.elapsed - elapsed);
}
