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

/**
 * The recent frames, kept for evidence up to a budget of bytes.
 *
 * Guarantees: the newest frame is always kept; a held frame outlives its place in the ring; every frame's picture is handed to
 * `dispose` exactly once, when it has left the ring and nobody holds it.
 */
export class FrameRing {
  readonly #budget: number;
  readonly #dispose: (frame: Frame) => void;
  readonly #slots: Slot[] = [];
  #bytes = 0;

  /** `budget` in bytes of pictures and originals together. */
  constructor(budget: number, dispose: (frame: Frame) => void) {
    this.#budget = budget;
    this.#dispose = dispose;
  }

  /** Takes a frame over, and holds it for the caller. */
  push(frame: Frame): HeldFrame {
    const bytes = frame.picture.data.byteLength + (frame.original?.byteLength ?? 0);
    const slot = { frame, bytes, holds: 0, inRing: true };
    this.#slots.push(slot);
    this.#bytes += bytes;
    while (this.#bytes > this.#budget && this.#slots.length > 1) this.#evict();
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
    while (this.#slots.length > 0) this.#evict();
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

  #evict(): void {
    const slot = this.#slots.shift();
    if (slot === undefined) return;
    this.#bytes -= slot.bytes;
    slot.inRing = false;
    if (slot.holds === 0) this.#dispose(slot.frame);
  }
}

function distance(slot: Slot, elapsed: Milliseconds): number {
  return Math.abs(slot.frame.time.elapsed - elapsed);
}
