import { systemTimer, type Timer } from '../kernel/timer.ts';
import { type Milliseconds, milliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { Camera, CameraInfo, FrameDamage } from './camera.ts';
import type { Frame } from './frame.ts';

/**
 * By so much the stated times leap from the last frame of a play to the first of the next: longer than any track lasts unseen (20 s for one
 * that stands), so that none goes on over the cut, and shorter than the frame ring reaches back (30 s and more), so that what ends there is
 * still sealed with its pictures.
 */
export const playGap = milliseconds(25_000);

/** Between two plays in real time: a recording of a single picture is not played as fast as the machine can. */
const PAUSE = milliseconds(200);

/** Plays whose beginnings are remembered: what is judged late is of the last one or two. */
const REMEMBERED = 8;

interface Play {
  /** What is added to elapsed time and date, and to the numbers of its frames. */
  readonly shift: Milliseconds;
  readonly first: number;
}

/**
 * Plays a recording again and again. Numbers and times go on rising, with a leap of `playGap` at each cut; the clock state stays the
 * recording's own, so that every record goes on saying what it is of. Ends with a play that held no frame, and with the recording's fault.
 */
export class RepeatingCamera implements Camera {
  readonly #camera: Camera;
  readonly #timer: Timer;
  #frames: number | undefined;
  #plays: readonly Play[] = [];

  constructor(camera: Camera, timer: Timer = systemTimer) {
    this.#camera = camera;
    this.#timer = timer;
  }

  async open(signal: AbortSignal): Promise<CameraInfo> {
    const info = await this.#camera.open(signal);
    this.#frames = info.frames;
    return { ...info, frames: undefined };
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    let play: Play = { shift: milliseconds(0), first: 0 };
    this.#plays = [];
    for (;;) {
      this.#plays = [...this.#plays, play].slice(-REMEMBERED);
      let last: Frame | undefined;
      for await (const frame of this.#camera.frames(signal)) {
        last = shifted(frame, play);
        yield last;
      }
      if (signal.aborted || last === undefined) return;
      await this.#timer.sleep(PAUSE, signal);
      if (signal.aborted) return;
      play = {
        shift: milliseconds(last.time.elapsed + playGap),
        first: Math.max(last.sequence + 1, play.first + (this.#frames ?? 0)),
      };
    }
  }

  /** Where in the recording a stated time lies: what the scene says over the recording's time holds for every play. */
  ownTime(elapsed: Milliseconds): Milliseconds {
    const play = this.#plays.findLast(({ shift }) => shift <= elapsed) ?? this.#plays[0];
    return milliseconds(elapsed - (play?.shift ?? 0));
  }

  /** Damage that the recording reports now, under the number that the frame would have had. */
  numbered({ sequence, reason }: FrameDamage): FrameDamage {
    return { sequence: sequence + (this.#plays.at(-1)?.first ?? 0), reason };
  }

  release(frame: Frame): void {
    this.#camera.release(frame);
  }

  close(): Promise<void> {
    return this.#camera.close();
  }
}

function shifted(frame: Frame, { shift, first }: Play): Frame {
  const { utc, elapsed, clock } = frame.time;
  return {
    ...frame,
    sequence: frame.sequence + first,
    time: { utc: utcMilliseconds(utc + shift), elapsed: milliseconds(elapsed + shift), clock },
  };
}
