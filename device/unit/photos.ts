import type { CaptureTime, Frame } from '../capture/frame.ts';
import { undated } from '../capture/frame-times.ts';
import type { RgbPicture } from '../capture/to-rgb.ts';
import type { Box, ObjectClass } from '../detect/detection.ts';
import type { Detector } from '../detect/detector.ts';
import { fraction, milliseconds } from '../kernel/units.ts';
import { cropVehicle } from '../plate/crop-vehicle.ts';
import type { PlateReader, PlateSight, VehicleCrop } from '../plate/plate-reader.ts';
import type { VoteSettings } from '../plate/vote/settings.ts';
import type { Sighting, TrackPlate } from '../plate/vote/track-plate.ts';
import { voteOn } from '../plate/vote/vote.ts';

/** What carries a plate; `picture`: no vehicle was found, and the whole picture is taken for one. */
export type Carrier = ObjectClass | 'picture';

/** One vehicle of a photograph, with what its crop gave, judged by itself. */
export interface PhotoVehicle {
  readonly class: Carrier;
  /** Pixels of the photograph. */
  readonly box: Box;
  readonly crop: VehicleCrop;
  readonly sight: PlateSight;
  /** The vote over this one look. */
  readonly plate: TrackPlate;
}

export interface PhotoParts {
  readonly detector: Detector;
  readonly reader: PlateReader;
  readonly vote: VoteSettings;
}

const CARRIERS: readonly ObjectClass[] = ['car', 'truck', 'bus', 'motorcycle'];
/** The detector's doubtful boxes are taken as well: what matters is that the plate is in one. */
const LEAST_SCORE = fraction(0.3);
/** Of the largest vehicle's area: smaller ones stand in the background. */
const FOREGROUND = 0.5;

/** A photograph has no clock. */
const noTime: CaptureTime = {
  utc: undated.utc,
  elapsed: milliseconds(0),
  clock: { source: 'nominal', synchronised: false, dated: false, intervalError: milliseconds(0) },
};

/**
 * Finds the vehicles of a photograph and reads the plate of each, the largest first: as the unit does with a frame. Where no vehicle is
 * found, or `whole` says so, the whole picture is taken for one.
 */
export async function readPhoto(
  { detector, reader, vote }: PhotoParts,
  picture: RgbPicture,
  sequence: number,
  whole: boolean,
): Promise<readonly PhotoVehicle[]> {
  const frame: Frame = { sequence, time: noTime, picture, original: undefined };
  const found = whole ? [] : await vehiclesOf(detector, frame);
  const carriers: readonly { readonly class: Carrier; readonly box: Box }[] =
    found.length > 0
      ? found
      : [{ class: 'picture', box: { x: 0, y: 0, width: picture.width, height: picture.height } }];
  const seen: PhotoVehicle[] = [];
  for (const carrier of carriers) {
    const others = carriers.flatMap(({ box }) => (box === carrier.box ? [] : [box]));
    const crop = cropVehicle(picture, carrier.box, others);
    if (crop === undefined) continue;
    const sight = await reader.read(crop);
    seen.push({ ...carrier, crop, sight, plate: voteOn([sightingOf(frame, crop, sight)], vote) });
  }
  return seen;
}

/** The plate that a photograph is of: the tallest that is read on a vehicle of the foreground; undefined where none is. */
export function foremost(seen: readonly PhotoVehicle[]): PhotoVehicle | undefined {
  const largest = Math.max(0, ...seen.map(({ box }) => area(box)));
  const height = ({ sight }: PhotoVehicle) => sight.read?.characterHeight ?? 0;
  return seen
    .filter(({ box, plate }) => plate.kind === 'read' && area(box) >= FOREGROUND * largest)
    .reduce<PhotoVehicle | undefined>(
      (best, one) => (best === undefined || height(one) > height(best) ? one : best),
      undefined,
    );
}

/** The vote over several photographs of one vehicle: of each, the vehicle that is `foremost`, or else the largest. */
export function voteOnPhotos(photos: readonly (readonly PhotoVehicle[])[], settings: VoteSettings): TrackPlate {
  const sightings = photos.flatMap((seen, sequence) => {
    const one = foremost(seen) ?? seen[0];
    return one === undefined ? [] : [sightingOf({ sequence, time: noTime }, one.crop, one.sight)];
  });
  return voteOn(sightings, settings);
}

async function vehiclesOf(detector: Detector, frame: Frame) {
  const detections = await detector.detect(frame);
  return detections
    .filter((one) => CARRIERS.includes(one.class) && one.score >= LEAST_SCORE)
    .sort((a, b) => area(b.box) - area(a.box));
}

const area = ({ width, height }: Box): number => width * height;

function sightingOf(
  { sequence, time }: Pick<Frame, 'sequence' | 'time'>,
  crop: VehicleCrop,
  sight: PlateSight,
): Sighting {
  return { frame: sequence, time, track: 1, sight, crop };
}
