import type { CaptureTime } from '../../capture/frame.ts';
import type { Box } from '../../detect/detection.ts';
import type { Infraction } from '../../judge/infraction.ts';
import type { TrackPoint } from '../../track/track.ts';

/** Where the accused is in one frame, and how that is known. */
export interface PlacedBox {
  readonly box: Box;
  /** For the record: `as charged`, `detected`, `predicted`, `interpolated between frames 145 and 149`. */
  readonly origin: string;
}

/** Between points further apart than this a vehicle may have turned or stopped, milliseconds. */
const widestGap = 300;

/**
 * The box of the accused in the frame that is shown, which need not be the frame that is charged: the infraction's own in the charged
 * frame, else the track's point of that frame, else between the two points around it where they are at most 0.3 s apart. Undefined where
 * nothing says where it was: a box of another moment would point at whoever stands there now.
 */
export function boxInFrame(
  shown: { readonly sequence: number; readonly time: CaptureTime },
  infraction: Pick<Infraction, 'frame' | 'box'>,
  track: readonly TrackPoint[],
): PlacedBox | undefined {
  if (shown.sequence === infraction.frame) return { box: infraction.box, origin: 'as charged' };
  const own = track.find(({ frame }) => frame === shown.sequence);
  if (own !== undefined) return { box: own.box, origin: own.measured ? 'detected' : 'predicted' };
  const before = track.findLast(({ frame }) => frame < shown.sequence);
  const after = track.find(({ frame }) => frame > shown.sequence);
  if (before === undefined || after === undefined) return undefined;
  const gap = after.time.elapsed - before.time.elapsed;
  if (!(gap > 0 && gap <= widestGap)) return undefined;
  const share = Math.min(1, Math.max(0, (shown.time.elapsed - before.time.elapsed) / gap));
  const origin = `interpolated between frames ${before.frame} and ${after.frame}`;
  return { box: between(before.box, after.box, share), origin };
}

function between(from: Box, to: Box, share: number): Box {
  const mix = (a: number, b: number) => a + (b - a) * share;
  return {
    x: mix(from.x, to.x),
    y: mix(from.y, to.y),
    width: mix(from.width, to.width),
    height: mix(from.height, to.height),
  };
}
