import type { Frame } from '../../capture/frame.ts';
import type { Box, ObjectClass } from '../../detect/detection.ts';
import { centreDistance } from '../../track/boxes.ts';
import type { VehicleCrop } from '../plate-reader.ts';
import { weightOf } from '../vote/ballot.ts';
import type { Sighting, TrackPlate } from '../vote/track-plate.ts';
import { voteOn } from '../vote/vote.ts';
import type { WaitingCrop } from './crop-queue.ts';
import { expectedHeight, isCut } from './expected-height.ts';
import { Growth } from './growth.ts';
import type { LookSettings, WatchSettings } from './settings.ts';

/** Without a measured box for so long, nobody knows whether a vehicle comes nearer, ms of capture time. */
const OUT_OF_SIGHT = 1000;
/** A crop that the picture's edge cuts is worth half as much. */
const CUT_WORTH = 0.5;

/** The last crop that was taken, and the largest. */
interface Taken {
  readonly elapsed: number;
  readonly box: Box;
  readonly largest: number;
  readonly cut: boolean;
}

/** The tracks that are known to be one road user, and what was told of it. */
export interface RoadUser {
  readonly tracks: readonly number[];
  readonly told: TrackPlate['kind'] | undefined;
}

/** All that is kept of one track: what was seen of its plate, and the pixels of at most two crops. */
export class Vehicle {
  readonly id: number;
  user: RoadUser;
  /** Evidence waits, or has waited, for its plate. */
  accused = false;
  /** Capture time of its newest measured box, ms. */
  seen = 0;
  /** Capture time at which its track ended, ms. */
  ended: number | undefined;
  /** Crops that wait or are being read. */
  pending = 0;
  looked = 0;
  dropped = 0;
  failed = 0;
  /** Regions of sightings that were let go. */
  omitted = 0;
  /** Nothing more need be looked at. */
  sure = false;
  #sightings: readonly Sighting[] = [];
  /** The largest crop that was never read. */
  #spare: WaitingCrop | undefined;
  #taken: Taken | undefined;
  readonly #growth = new Growth();

  constructor(id: number) {
    this.id = id;
    this.user = { tracks: [id], told: undefined };
  }

  get sightings(): readonly Sighting[] {
    return this.#sightings;
  }

  get spare(): WaitingCrop | undefined {
    return this.#spare;
  }

  /** Bytes of the crops that are kept. */
  get bytes(): number {
    const kept = this.#sightings.reduce((sum, { crop }) => sum + bytesOf(crop), 0);
    return kept + bytesOf(this.#spare?.crop);
  }

  /** Follows a measured box, and says how much a crop of it is worth: its expected character height; undefined where it is worth nothing. */
  follow(objectClass: ObjectClass, box: Box, { time, picture }: Frame, look: LookSettings): number | undefined {
    const height = expectedHeight(objectClass, box);
    this.seen = time.elapsed;
    if (height === undefined) return undefined;
    this.#growth.add(time.elapsed, height);
    if (this.sure || height < look.leastHeight) return undefined;
    const cut = isCut(box, picture);
    if (!this.#isWorth(height, cut, box, time.elapsed, look)) return undefined;
    return cut ? CUT_WORTH * height : height;
  }

  /** Notes that a crop was taken of what `follow` has just found worth it. */
  took(objectClass: ObjectClass, box: Box, { time, picture }: Frame): void {
    const height = expectedHeight(objectClass, box) ?? 0;
    const cut = isCut(box, picture);
    const before = this.#taken?.cut === cut ? this.#taken.largest : 0;
    this.#taken = { elapsed: time.elapsed, box, largest: Math.max(before, height), cut };
  }

  /** True while its boxes grow: better frames are to come. */
  approaches(now: number): boolean {
    return this.#growth.nearer && this.ended === undefined && now - this.seen <= OUT_OF_SIGHT;
  }

  /** Takes what the reader gave of a crop, and lets go of what is no longer needed. */
  look(sighting: Sighting, { memory, vote, look }: WatchSettings): TrackPlate {
    this.looked += 1;
    const sightings = [...this.#sightings, sighting];
    const plate = voteOn(sightings, vote);
    this.sure = plate.kind === 'read' && plate.confidence >= look.sure && plate.agreeing >= look.sureLooks;
    const shown = plate.kind === 'read' ? plate.winner.crop : plate.best?.crop;
    const value = ({ sight: { read } }: Sighting) => (read === undefined ? 0 : weightOf(read, vote) * read.confidence);
    const ranked = sightings
      .map((one) => (one.crop === shown ? one : { ...one, crop: undefined }))
      .sort((a, b) => Number(b.crop !== undefined) - Number(a.crop !== undefined) || value(b) - value(a));
    for (const { sight } of ranked.slice(memory.sightings)) {
      this.omitted += sight.rejected.length + (sight.read === undefined ? 0 : 1);
    }
    this.#sightings = ranked.slice(0, memory.sightings);
    this.#spare = undefined;
    return plate;
  }

  /** Keeps a crop that will not be read, where it is the largest of a vehicle of which nothing was. */
  keep(crop: WaitingCrop): void {
    if (this.looked === 0 && crop.expected > (this.#spare?.expected ?? 0)) this.#spare = crop;
  }

  #isWorth(height: number, cut: boolean, box: Box, elapsed: number, look: LookSettings): boolean {
    const taken = this.#taken;
    if (taken === undefined) return true;
    if (cut !== taken.cut) return taken.cut;
    if (height >= look.growth * taken.largest) return true;
    const wasRead = this.#sightings.some(({ sight }) => sight.read !== undefined);
    if (wasRead && height < look.worth * taken.largest) return false;
    const moves = centreDistance(box, taken.box) > 2 * height;
    return elapsed - taken.elapsed >= (moves ? look.again : look.againStanding);
  }
}

const bytesOf = (crop: VehicleCrop | undefined): number => crop?.pixels.data.byteLength ?? 0;
