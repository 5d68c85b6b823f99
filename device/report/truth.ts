import type { Box } from '../detect/detection.ts';
import type { TrackPlate } from '../plate/vote/track-plate.ts';
import type { RunRecord, TrackSummary } from './run-record.ts';
import type { TrueInfraction, TrueVehicle, Truth } from './truth-schema.ts';

/** How a run stands against the truth of its street. */
export interface TruthComparison {
  readonly truth: Truth;
  /** Tracks that are a true vehicle's, by track id. A vehicle that was lost and found again has several. */
  readonly matches: ReadonlyMap<number, TrackMatch>;
  /** Vehicles of the truth that no track follows. */
  readonly unseen: readonly TrueVehicle[];
  /** Tracks that follow no vehicle of the truth. */
  readonly stray: readonly TrackSummary[];
  /** Found and missed ones in order of their true time, then the invented ones. */
  readonly infractions: readonly InfractionOutcome[];
  readonly speed: SpeedComparison;
  /** Of the found infractions of vehicles whose plate the truth states. */
  readonly plates: PlateComparison;
}

/** Counts alone: a plate stands in clear in no summary. */
export interface PlateComparison {
  readonly right: number;
  /** Another text than the vehicle's is stated. */
  readonly wrong: number;
  readonly unread: number;
}

export interface TrackMatch {
  readonly vehicle: TrueVehicle;
  /** Mean intersection over union on the frames that the track's sampled boxes and the truth share. */
  readonly overlap: number;
  readonly commonFrames: number;
}

/** `index` is the infraction's place in the run's list. */
export type InfractionOutcome =
  | {
      readonly outcome: 'found';
      readonly index: number;
      readonly vehicle: TrueVehicle;
      readonly truth: TrueInfraction;
      /** Charged moment less the true one, seconds. */
      readonly lateS: number;
    }
  | { readonly outcome: 'missed'; readonly vehicle: TrueVehicle; readonly truth: TrueInfraction }
  | {
      readonly outcome: 'invented';
      readonly index: number;
      readonly vehicle: TrueVehicle | undefined;
      readonly reason: 'no-vehicle' | 'not-committed' | 'said-twice';
    };

export interface SpeedComparison {
  readonly errors: readonly SpeedError[];
  /** Of the absolute errors, km/h; undefined where nothing could be compared. */
  readonly medianKmh: number | undefined;
  readonly largestKmh: number | undefined;
  /** Share of the errors within twice the stated standard uncertainty: about 0.95 where the uncertainty is honest. */
  readonly withinTwoSigma: number | undefined;
}

export interface SpeedError {
  readonly track: number;
  readonly vehicle: TrueVehicle;
  readonly statedKmh: number;
  readonly trueKmh: number;
  /** Stated less true. */
  readonly errorKmh: number;
}

/** Mean overlap from which a track is a vehicle's, and the fewest frames that may say so. */
const leastOverlap = 0.3;
const fewestFrames = 3;

/**
 * Holds a run, and the plates of those it accused by their tracks, against its truth. A track belongs to the vehicle whose boxes it overlaps best over the frames that both have; a found
 * infraction is a true one where vehicle and rule agree, each true one at most once, nearest in time first.
 */
export function compareWithTruth(
  record: RunRecord,
  truth: Truth,
  plates: ReadonlyMap<number, TrackPlate> = new Map(),
): TruthComparison {
  const matches = new Map<number, TrackMatch>();
  for (const track of record.tracks) {
    const match = matchTrack(track, truth);
    if (match !== undefined) matches.set(track.id, match);
  }
  const followed = new Set([...matches.values()].map((match) => match.vehicle));
  const infractions = compareInfractions(record, truth, matches);
  return {
    truth,
    matches,
    unseen: truth.vehicles.filter((vehicle) => !followed.has(vehicle)),
    stray: record.tracks.filter((track) => !matches.has(track.id)),
    infractions,
    speed: compareSpeeds(record.tracks, matches),
    plates: comparePlates(record, infractions, plates),
  };
}

/** Intersection over union of two boxes: 0 where they do not touch or have no area. */
export function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / (a.width * a.height + b.width * b.height - common);
}

/** The true speed over a stretch of frames: the mean of the truth's own figures there, else the vehicle's constant speed. */
export function trueSpeed(vehicle: TrueVehicle, fromFrame: number, toFrame: number): number | undefined {
  let sum = 0;
  let count = 0;
  for (const [frame, speed] of vehicle.speeds) {
    if (frame < fromFrame || frame > toFrame) continue;
    sum += speed;
    count += 1;
  }
  return count > 0 ? sum / count : vehicle.constantKmh;
}

function matchTrack(track: TrackSummary, truth: Truth): TrackMatch | undefined {
  let best: TrackMatch | undefined;
  for (const vehicle of truth.vehicles) {
    let sum = 0;
    let commonFrames = 0;
    for (const [frame, x, y, width, height] of track.points) {
      const box = vehicle.boxes.get(frame);
      if (box === undefined) continue;
      commonFrames += 1;
      sum += overlapOf(box, { x, y, width, height });
    }
    if (commonFrames < Math.min(fewestFrames, track.points.length) || commonFrames === 0) continue;
    const overlap = sum / commonFrames;
    if (overlap < leastOverlap) continue;
    if (best === undefined || sum > best.overlap * best.commonFrames) best = { vehicle, overlap, commonFrames };
  }
  return best;
}

function compareInfractions(
  record: RunRecord,
  truth: Truth,
  matches: ReadonlyMap<number, TrackMatch>,
): readonly InfractionOutcome[] {
  const said = record.infractions.map(({ infraction }, index) => ({
    index,
    rule: infraction.rule,
    timeS: infraction.time.elapsed / 1000,
    vehicle: matches.get(infraction.track)?.vehicle ?? vehicleAt(truth, infraction.frame, infraction.box),
  }));
  const taken = new Set<number>();
  const known: Exclude<InfractionOutcome, { outcome: 'invented' }>[] = [];
  for (const { vehicle, truth: one } of trueInfractions(truth)) {
    const nearest = said
      .filter((claim) => claim.vehicle === vehicle && claim.rule === one.rule && !taken.has(claim.index))
      .toSorted((a, b) => Math.abs(a.timeS - one.timeS) - Math.abs(b.timeS - one.timeS))[0];
    if (nearest === undefined) {
      known.push({ outcome: 'missed', vehicle, truth: one });
    } else {
      taken.add(nearest.index);
      const lateS = nearest.timeS - one.timeS;
      known.push({ outcome: 'found', index: nearest.index, vehicle, truth: one, lateS });
    }
  }
  const invented = said
    .filter((claim) => !taken.has(claim.index))
    .map(({ index, rule, vehicle }): InfractionOutcome => {
      const committed = vehicle?.infractions.some((one) => one.rule === rule) ?? false;
      const reason = vehicle === undefined ? 'no-vehicle' : committed ? 'said-twice' : 'not-committed';
      return { outcome: 'invented', index, vehicle, reason };
    });
  return [...known, ...invented];
}

function comparePlates(
  record: RunRecord,
  infractions: readonly InfractionOutcome[],
  plates: ReadonlyMap<number, TrackPlate>,
): PlateComparison {
  const counts = { right: 0, wrong: 0, unread: 0 };
  for (const one of infractions) {
    if (one.outcome !== 'found' || one.vehicle.plate === undefined) continue;
    const track = record.infractions[one.index]?.infraction.track;
    const plate = track === undefined ? undefined : plates.get(track);
    if (plate === undefined || plate.kind === 'unread') counts.unread += 1;
    else if (plate.text === one.vehicle.plate) counts.right += 1;
    else counts.wrong += 1;
  }
  return counts;
}

function trueInfractions(truth: Truth): { vehicle: TrueVehicle; truth: TrueInfraction }[] {
  return truth.vehicles
    .flatMap((vehicle) => vehicle.infractions.map((one) => ({ vehicle, truth: one })))
    .toSorted((a, b) => a.truth.timeS - b.truth.timeS);
}

/** The vehicle under a box at one frame, for an infraction whose track left no boxes to match. */
function vehicleAt(truth: Truth, frame: number, box: Box): TrueVehicle | undefined {
  let best: { vehicle: TrueVehicle; overlap: number } | undefined;
  for (const vehicle of truth.vehicles) {
    const there = vehicle.boxes.get(frame);
    const overlap = there === undefined ? 0 : overlapOf(there, box);
    if (overlap >= leastOverlap && overlap > (best?.overlap ?? 0)) best = { vehicle, overlap };
  }
  return best?.vehicle;
}

function compareSpeeds(tracks: readonly TrackSummary[], matches: ReadonlyMap<number, TrackMatch>): SpeedComparison {
  const errors: SpeedError[] = [];
  let within = 0;
  for (const { id, speed } of tracks) {
    const vehicle = matches.get(id)?.vehicle;
    if (!speed.stated || vehicle === undefined) continue;
    const trueKmh = trueSpeed(vehicle, speed.fromFrame, speed.toFrame);
    if (trueKmh === undefined) continue;
    const errorKmh = speed.speed - trueKmh;
    errors.push({ track: id, vehicle, statedKmh: speed.speed, trueKmh, errorKmh });
    if (Math.abs(errorKmh) <= 2 * speed.uncertainty) within += 1;
  }
  if (errors.length === 0) {
    return { errors, medianKmh: undefined, largestKmh: undefined, withinTwoSigma: undefined };
  }
  const sizes = errors.map(({ errorKmh }) => Math.abs(errorKmh)).toSorted((a, b) => a - b);
  const middle = sizes.length / 2;
  const median = ((sizes[Math.ceil(middle) - 1] ?? 0) + (sizes[Math.floor(middle)] ?? 0)) / 2;
  return {
    errors,
    medianKmh: median,
    largestKmh: sizes.at(-1),
    withinTwoSigma: within / errors.length,
  };
}
