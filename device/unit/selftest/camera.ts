import type { Config } from '../../config/config-schema.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Timer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { CameraFacts, Size } from '../../selftest/facts.ts';

/** Shortest look, and how many intervals of a slow camera one lasts at least, ms. */
const LOOK = 3000;
const INTERVALS = 3;
const STEP = milliseconds(100);

/** Frames of a second that a camera was asked for; undefined for a recording, which has its own pace. */
export function nominalRate({ source: { path, camera } }: Pick<Config, 'source'>): number | undefined {
  if (path !== undefined || camera === undefined) return undefined;
  return 'rate' in camera ? camera.rate : 1 / camera.intervalS;
}

export interface CameraLook {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timer: Timer;
  readonly nominal: number | undefined;
  readonly size: Size;
  readonly scene: Size;
}

/** Counts what a camera delivers, as it comes by. */
export class CaptureCount {
  #frames = 0;
  #damaged = 0;
  #ended = false;
  #fault: string | undefined;

  captured(): void {
    this.#frames += 1;
  }

  damaged(): void {
    this.#damaged += 1;
  }

  /** The source delivers nothing more: a recording is over, or for the reason that is given. */
  ended(fault?: string): void {
    this.#ended = true;
    this.#fault = fault;
  }

  /** Looks for three seconds what comes, longer before a camera that takes a picture now and then. */
  async look({ clock, timer, nominal, size, scene }: CameraLook): Promise<CameraFacts> {
    const wanted = Math.max(LOOK, nominal === undefined ? 0 : (INTERVALS * 1000) / nominal);
    const [frames, damaged, begun] = [this.#frames, this.#damaged, clock.monotonic()];
    while (!this.#ended && clock.monotonic() - begun < wanted) await timer.sleep(STEP);
    const seen = this.#frames - frames;
    if (this.#fault !== undefined) return { kind: 'unavailable', says: this.#fault };
    if (this.#ended && seen === 0) {
      return { kind: 'ended', says: 'The source is a recording, and has come to its end.' };
    }
    return {
      kind: 'seen',
      seconds: (clock.monotonic() - begun) / 1000,
      frames: seen,
      damaged: this.#damaged - damaged,
      size,
      scene,
      ...(nominal === undefined ? {} : { nominal }),
    };
  }
}
