import type { FrameMoment, FrameRing, Held } from '../../capture/frame-ring.ts';
import type { KeptFrame } from '../../capture/kept-frame.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';

export interface ClipLimits {
  /** Frames at most so far apart are enough. */
  readonly gap: Milliseconds;
  /** Frames of a clip at most. */
  readonly most: number;
  /** Memory that the frames may take, bytes. */
  readonly bytes: number;
}

/** Five frames a second or more (UK SI 2022/71, Schedule 1). */
export const clipLimits = { gap: milliseconds(200), most: 100 } as const;

/** The frames that a clip is to be made of. */
export interface ClipWindow {
  readonly from: Milliseconds;
  readonly to: Milliseconds;
  /** Sequence numbers that must be among them, where the window has them: the charged frame, and those of the stills. */
  readonly include: readonly number[];
}

export interface HeldClip {
  /** In the order of capture. */
  readonly held: readonly Held<KeptFrame>[];
  /** True where the bounds, and not the ring, left frames more than `gap` apart. */
  readonly thinned: boolean;
}

/**
 * Holds the frames of clips until they are sealed. `limits.bytes` bounds what the clips under way hold together, whether the ring still
 * has it or not; a frame that several of them show counts once.
 */
export class ClipFrames {
  readonly #limits: ClipLimits;
  /** By sequence number: memory, and how many clips hold it. */
  readonly #held = new Map<number, { readonly bytes: number; clips: number }>();

  constructor(limits: ClipLimits) {
    this.#limits = limits;
  }

  /** Holds the frames of a clip; whoever asked releases each. */
  hold(ring: Pick<FrameRing, 'holdBetween'>, { from, to, include }: ClipWindow): HeldClip {
    const sizes = new Map<number, number>();
    let thinned = false;
    const held = ring.holdBetween(from, to, (frames) => {
      for (const { sequence, bytes } of frames) sizes.set(sequence, bytes);
      const priced = frames.map((one) => (this.#held.has(one.sequence) ? { ...one, bytes: 0 } : one));
      const choice = clipFrames(priced, include, { ...this.#limits, bytes: this.#limits.bytes - this.heldBytes });
      thinned = choice.thinned;
      return choice.chosen;
    });
    return { held: held.map((one) => this.#counted(one, sizes.get(one.frame.sequence) ?? 0)), thinned };
  }

  get heldBytes(): number {
    return this.#held.values().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #counted({ frame, release }: Held<KeptFrame>, bytes: number): Held<KeptFrame> {
    const { sequence } = frame;
    const known = this.#held.get(sequence) ?? { bytes, clips: 0 };
    known.clips += 1;
    this.#held.set(sequence, known);
    let holds = true;
    return {
      frame,
      release: () => {
        if (holds) {
          known.clips -= 1;
          if (known.clips === 0) this.#held.delete(sequence);
        }
        holds = false;
        release();
      },
    };
  }
}

/**
 * As few frames as keep neighbours at most `gap` apart wherever the given ones do, in the order of time: the first, the last and those
 * in `include` always. Where that is more than the bounds allow, the gap grows by tenths until it is not; the frames that are always
 * taken are taken even beyond the bounds.
 */
export function clipFrames(
  frames: readonly FrameMoment[],
  include: readonly number[],
  { gap, most, bytes }: ClipLimits,
): { readonly chosen: ReadonlySet<number>; readonly thinned: boolean } {
  const fixed = new Set(include);
  const span = (frames.at(-1)?.elapsed ?? 0) - (frames[0]?.elapsed ?? 0);
  for (let wide: number = gap, thinned = false; ; wide = Math.max(wide * 1.1, wide + 1), thinned = true) {
    const chosen = spaced(frames, fixed, wide);
    const memory = chosen.reduce((sum, one) => sum + one.bytes, 0);
    // `span` apart, none is left but those that are always taken.
    if ((chosen.length <= most && memory <= bytes) || !(wide < span)) {
      return { chosen: new Set(chosen.map(({ sequence }) => sequence)), thinned };
    }
  }
}

/** Times that are equal but for the rounding of their difference count as equal, milliseconds. */
const rounding = 1e-6;

/** From each frame that is taken, goes as far as `gap` allows, but past none that must be taken. */
function spaced(frames: readonly FrameMoment[], fixed: ReadonlySet<number>, gap: number): readonly FrameMoment[] {
  const chosen: FrameMoment[] = [];
  for (const [i, frame] of frames.entries()) {
    const last = chosen.at(-1);
    const next = frames[i + 1];
    const reached = last === undefined || next === undefined || next.elapsed - last.elapsed > gap + rounding;
    if (reached || fixed.has(frame.sequence)) chosen.push(frame);
  }
  return chosen;
}
