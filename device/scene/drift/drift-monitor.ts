import type { Picture } from '../../capture/frame.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { GroundPlane } from '../ground-plane.ts';
import { type DriftLimits, type DriftState, DriftWatch, defaultDriftLimits, speedChange } from './drift-watch.ts';
import { estimateDrift } from './estimate-drift.ts';
import { type PreparedPatch, preparePatch } from './match-patch.ts';
import type { References } from './references-file.ts';

export interface DriftMonitorParts {
  readonly references: References;
  /** Size of the pictures that are delivered. */
  readonly picture: { readonly width: number; readonly height: number };
  /** For what a move does to a speed; `undefined` in a scene without calibration. */
  readonly ground: GroundPlane | undefined;
  /** Milliseconds between two looks. */
  readonly every?: number;
  readonly limits?: DriftLimits;
}

/**
 * Times the shift at which the camera is taken as moved: there the lines that were drawn in the picture do not lie on those of the road any
 * more. Ten pixels of a picture of 1920, about the width of a painted line twenty metres away.
 */
const LINES_OFF = 5;

/** What is to be told of the camera's place. */
export interface DriftReport {
  readonly state: DriftState;
  /** For a person, one sentence. */
  readonly says: string;
  /** Change of a speed in the middle of the marks, as a share of it; where it is known. */
  readonly speedShare: number | undefined;
}

/**
 * Looks at a frame now and then, and says whether the camera stands where it was calibrated. Called with every frame, in order; a look takes
 * 2 ms, at most 5, and is taken every half a minute unless said otherwise. Throws `scene-mismatch` for references of pictures of another size.
 */
export class DriftMonitor {
  readonly #patches: readonly PreparedPatch[];
  readonly #ground: GroundPlane | undefined;
  readonly #every: number;
  readonly #limits: DriftLimits;
  #watch: DriftWatch | undefined;
  #next = Number.NEGATIVE_INFINITY;

  constructor({ references, picture, ground, every = 30_000, limits }: DriftMonitorParts) {
    const { width, height } = references.picture;
    if (width !== picture.width || height !== picture.height) {
      throw new AtalayaError(
        'scene-mismatch',
        `the references of scene ${references.scene} are of pictures of ${width} x ${height}, the source delivers ${picture.width} x ${picture.height}`,
        { hint: 'Make them anew with `atalaya-provision calibrate references` from a picture of this source.' },
      );
    }
    this.#patches = references.patches.map(preparePatch);
    this.#ground = ground;
    this.#every = every;
    this.#limits = limits ?? defaultDriftLimits(width);
  }

  /** `elapsed`: the frame's time since the source began, ms. Frames between two looks cost nothing. */
  look(picture: Picture, elapsed: number): void {
    this.#watch ??= new DriftWatch(this.#limits, elapsed);
    if (elapsed < this.#next) return;
    this.#next = elapsed + this.#every;
    this.#watch.observe(estimateDrift(this.#patches, picture), elapsed);
  }

  /** How it stands now; `undefined` before the first look. */
  get report(): DriftReport | undefined {
    const state = this.#watch?.state;
    if (state === undefined) return undefined;
    const share =
      state.kind === 'moved' && this.#ground !== undefined ? speedChange(this.#ground, state.moved) : undefined;
    return { state, says: wordsOf(state, share), speedShare: share };
  }

  /** Why nobody is to be accused now: lines and zones do not lie where they were drawn. `undefined` where nothing speaks against it. */
  get accusationDoubt(): string | undefined {
    const report = this.report;
    if (report?.state.kind !== 'moved') return undefined;
    return report.state.shiftPx >= LINES_OFF * this.#limits.movedPx ? report.says : undefined;
  }

  /** Why no speed is to be stated now; `undefined` where nothing speaks against it. For `SpeedView.doubt`. */
  get speedDoubt(): string | undefined {
    const report = this.report;
    return report?.state.kind === 'moved' ? report.says : undefined;
  }
}

function wordsOf(state: DriftState, share: number | undefined): string {
  switch (state.kind) {
    case 'unknown':
      return 'whether the camera was moved cannot be seen';
    case 'still':
      return 'the camera stands where it was calibrated';
    case 'suspected':
      return `the picture lies ${state.shiftPx.toFixed(1)} px from where it was calibrated, not for long yet`;
    case 'moved': {
      const speed = share === undefined ? '' : `; a speed would be wrong by ${(100 * share).toFixed(1)} %`;
      return `the camera was moved: the picture lies ${state.shiftPx.toFixed(1)} px from where it was calibrated${speed}`;
    }
  }
}
