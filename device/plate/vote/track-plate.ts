import type { CaptureTime } from '../../capture/frame.ts';
import type { Fraction } from '../../kernel/units.ts';
import type { CharacterRead, PlateSight, Quad, RejectReason, VehicleCrop } from '../plate-reader.ts';

/** What the reader gave of one frame's crop of a track. */
export interface Sighting {
  /** Sequence number of the frame. */
  readonly frame: number;
  readonly time: CaptureTime;
  readonly track: number;
  readonly sight: PlateSight;
  /** Absent where its pixels were let go: a vote then cannot bind the plate to this frame. */
  readonly crop: VehicleCrop | undefined;
}

/**
 * Why a road user's plate is not stated. `reader-off`: this unit reads no plates; `not-in-time`: crops were waiting when the evidence had
 * to be sealed; `never-looked`: no frame showed enough of the vehicle; `no-text-found`: no crop had a text region; `too-small`, `unclear`,
 * `no-format-fits`, `another-vehicle`: what was found could not be taken for its plate; `frames-disagree`: the frames say different
 * texts; `reader-failed`: the reader itself broke down.
 */
export const unreadReasons = [
  'reader-off',
  'not-in-time',
  'never-looked',
  'no-text-found',
  'too-small',
  'unclear',
  'no-format-fits',
  'frames-disagree',
  'another-vehicle',
  'reader-failed',
] as const;
export type UnreadReason = (typeof unreadReasons)[number];

/** One region that the reader saw on one frame, and what became of it in the vote. */
export interface TrackRead {
  readonly frame: number;
  readonly time: CaptureTime;
  /** Empty where nothing could be read. */
  readonly text: string;
  readonly confidence: Fraction;
  /** `counted`: it says the text that leads the vote; `outvoted`: it says another; the others: the reader rejected it. */
  readonly reason: RejectReason | 'counted' | 'outvoted';
  /** What it weighed in the vote, from 0 to 1; 0 for what the reader rejected. */
  readonly weight: number;
  readonly quad: Quad;
}

/** What every outcome of a vote carries. */
interface Looks {
  /** The regions that were seen, in the order of the frames: the weightiest where there were too many. */
  readonly reads: readonly TrackRead[];
  /** Regions that are not in `reads`, because there were too many. */
  readonly omitted: number;
  /** Crops that the reader has answered for. */
  readonly looked: number;
  /** Crops that were taken and never read, because there was no time. */
  readonly dropped: number;
}

/** A plate with the one frame that shows it best. */
export interface PlateOnTrack extends Looks {
  readonly kind: 'read';
  /** A-Z and 0-9 without separators. */
  readonly text: string;
  /** Id of the format that it fits: `cl-new`. */
  readonly format: string;
  /** Probability that the text is right, stated with caution: see `voteOn`. */
  readonly confidence: Fraction;
  /** As the winner's frame has them. */
  readonly characters: readonly CharacterRead[];
  /** Looks, each independent of the others, that by themselves say the text. */
  readonly agreeing: number;
  readonly winner: {
    readonly frame: number;
    readonly time: CaptureTime;
    readonly quad: Quad;
    readonly crop: VehicleCrop;
    /** `read`: this frame by itself says the text; `alternative`: no frame does, and this one supports it most. */
    readonly said: 'read' | 'alternative';
  };
}

/** No plate, and why. */
export interface NoPlate extends Looks {
  readonly kind: 'unread';
  readonly reason: UnreadReason;
  /** The frame that came closest, or else showed the vehicle largest; absent where there was no crop. */
  readonly best?: {
    readonly frame: number;
    readonly time: CaptureTime;
    readonly quad?: Quad;
    readonly crop: VehicleCrop;
  };
}

/** What is known of one road user's plate. */
export type TrackPlate = PlateOnTrack | NoPlate;

/** An answer without any look. */
export function neverRead(reason: UnreadReason): NoPlate {
  return { kind: 'unread', reason, reads: [], omitted: 0, looked: 0, dropped: 0 };
}
