import type { Milliseconds } from '../kernel/units.ts';
import type { Frame } from './frame.ts';

/** A frame that evidence still needs; the picture stays unchanged until `release`, which may be called twice. */
export interface HeldFrame {
  readonly frame: Frame;
  release(): void;
}

interface Slot {
  readonly frame: Frame;
  readonly bytes: number;
  holds: number;
  inRing: boolean;
}

/** How the ring reaches further back than every frame would allow. */
export interface Thinning {
  /** Of so long, every frame is kept. */
  readonly dense: Milliseconds;
  /** Before that, frames go while those that stay are at most this far apart. */
  readonly gap: Milliseconds;
}

/**
 * The recent frames, kept for evidence up to a budget of bytes. With thinning, older frames are first thinned out, and only then does
 * the oldest go: a judgement comes seconds after its moment, and evidence needs a few frames a second from before it.
 *
 * Guarantees: the newest frame is always kept; a held frame outlives its place in the ring; every frame's picture is handed to
 * `dispose` exactly once, when it has left the ring and nobody holds it.
 */
export class FrameRing {
  readonly #budget: number;
  readonly #dispose: (frame: Frame) => void;
  readonly #thinning: Thinning | undefined;
  readonly #slots: Slot[] = [];
  #bytes = 0;

  /** `budget` in bytes of pictures and originals together. */
  constructor(budget: number, dispose: (frame: Frame) => void, thinning?: Thinning) {
    this.#budget = budget;
    this.#dispose = dispose;
    this.#thinning = thinning;
  }

  /** Takes a frame over, and holds it for the caller. */
  push(frame: Frame): HeldFrame {
    const bytes = frame.picture.data.byteLength + (frame.original?.byteLength ?? 0);
    const slot = { frame, bytes, holds: 0, inRing: true };
    this.#slots.push(slot);
    this.#bytes += bytes;
    while (this.#bytes > this.#budget && this.#slots.length > 1) this.#evict(this.#spare());
    return this.#hold(slot);
  }

  /** Holds the frame that was captured closest to a moment; undefined only where the ring is empty. */
  holdNearest(elapsed: Milliseconds): HeldFrame | undefined {
    let nearest: Slot | undefined;
    for (const slot of this.#slots) {
      if (nearest === undefined || distance(slot, elapsed) < distance(nearest, elapsed)) nearest = slot;
    }
    return nearest === undefined ? undefined : this.#hold(nearest);
  }

  /** Holds the newest frame; undefined only where the ring is empty. */
  holdNewest(): HeldFrame | undefined {
    const slot = this.#slots.at(-1);
    return slot === undefined ? undefined : this.#hold(slot);
  }

  get length(): number {
    return this.#slots.length;
  }

  /** Lets go of every frame; held ones follow when they are released. */
  clear(): void {
    while (this.#slots.length > 0) this.#evict(0);
  }

  #hold(slot: Slot): HeldFrame {
    slot.holds += 1;
    let held = true;
    return {
      frame: slot.frame,
      release: () => {
        if (!held) return;
        held = false;
        slot.holds -= 1;
        if (!slot.inRing && slot.holds === 0) this.#dispose(slot.frame);
      },
    };
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
    slot.inRing = false;
    if (slot.holds === 0) this.#dispose(slot.frame);
  }
}

function distance(slot: Slot, elapsed: Milliseconds): number {
  return Math.abs(slot.frame.time.elapsed - elapsed);
}
