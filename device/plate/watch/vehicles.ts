import { type NoPlate, neverRead, type TrackPlate, type UnreadReason } from '../vote/track-plate.ts';
import { voteOn } from '../vote/vote.ts';
import type { WatchSettings } from './settings.ts';
import { type RoadUser, Vehicle } from './vehicle.ts';

/**
 * The vehicles that are followed, and those whose accusation may still come.
 *
 * Guarantee: after `sweep`, neither their number nor the bytes of their crops pass the limits, but for those that somebody waits for.
 */
export class Vehicles {
  readonly #settings: WatchSettings;
  readonly #all = new Map<number, Vehicle>();

  constructor(settings: WatchSettings) {
    this.#settings = settings;
  }

  get(track: number): Vehicle | undefined {
    return this.#all.get(track);
  }

  all(): readonly Vehicle[] {
    return [...this.#all.values()];
  }

  of(tracks: readonly number[]): readonly Vehicle[] {
    return tracks.flatMap((track) => this.#all.get(track) ?? []);
  }

  /** The vehicle of a track, which is followed from now on. */
  follow(track: number): Vehicle {
    const vehicle = this.#all.get(track) ?? new Vehicle(track);
    this.#all.set(track, vehicle);
    return vehicle;
  }

  /** Learns that these tracks are one road user. It counts as told of when one of them was. */
  link(tracks: readonly number[]): void {
    const vehicles = this.of(tracks);
    if (vehicles.length < 2) return;
    const told = vehicles.map(({ user }) => user.told);
    const user: RoadUser = {
      tracks: [...new Set(vehicles.flatMap((vehicle) => vehicle.user.tracks))],
      told: told.includes('read') ? 'read' : told.find((one) => one !== undefined),
    };
    for (const vehicle of this.of(user.tracks)) vehicle.user = user;
  }

  /** Notes that a road user was told of. */
  told(user: RoadUser, kind: TrackPlate['kind']): void {
    const next = { ...user, told: kind };
    for (const vehicle of this.of(user.tracks)) vehicle.user = next;
  }

  /**
   * What is known now of the plate of the road user that these tracks were. `without` is the reason where there is none and crops of it
   * still wait; undefined where none does.
   */
  plate(tracks: readonly number[], without: UnreadReason | undefined): TrackPlate {
    const vehicles = this.of(tracks);
    const total = (of: (vehicle: Vehicle) => number) => vehicles.reduce((sum, vehicle) => sum + of(vehicle), 0);
    const sightings = vehicles.flatMap((vehicle) => vehicle.sightings);
    const voted = sightings.length > 0 ? voteOn(sightings, this.#settings.vote) : unlooked(vehicles);
    const plate = {
      ...voted,
      omitted: voted.omitted + total(({ omitted }) => omitted),
      looked: total(({ looked }) => looked),
      dropped: total(({ dropped }) => dropped),
    };
    return plate.kind === 'unread' && without !== undefined ? { ...plate, reason: without } : plate;
  }

  /**
   * Forgets the vehicles that cannot be accused any more, and of the others those not seen for longest where there are too many. Only those
   * may go for which `free` is true; `leave` is told of each before it goes.
   */
  sweep(now: number, free: (vehicle: Vehicle) => boolean, leave: (vehicle: Vehicle) => void): void {
    const { remember, memory } = this.#settings;
    const forget = (vehicle: Vehicle) => {
      leave(vehicle);
      this.#all.delete(vehicle.id);
    };
    for (const vehicle of this.all()) {
      if (vehicle.ended !== undefined && now - vehicle.ended > remember && free(vehicle)) forget(vehicle);
    }
    let bytes = this.all().reduce((sum, vehicle) => sum + vehicle.bytes, 0);
    if (this.#all.size <= memory.tracks && bytes <= memory.bytes) return;
    for (const vehicle of this.all().toSorted((a, b) => a.seen - b.seen || a.id - b.id)) {
      if (this.#all.size <= memory.tracks && bytes <= memory.bytes) break;
      if (!free(vehicle)) continue;
      bytes -= vehicle.bytes;
      forget(vehicle);
    }
  }
}

/** The outcome of vehicles that the reader has never answered for. */
function unlooked(vehicles: readonly Vehicle[]): NoPlate {
  const [largest] = vehicles
    .flatMap(({ spare }) => spare ?? [])
    .sort((a, b) => b.expected - a.expected || a.frame - b.frame);
  const reason = vehicles.some(({ failed }) => failed > 0)
    ? 'reader-failed'
    : vehicles.some(({ dropped }) => dropped > 0)
      ? 'not-in-time'
      : 'never-looked';
  if (largest === undefined) return neverRead(reason);
  const { frame, time, crop } = largest;
  return { ...neverRead(reason), best: { frame, time, crop } };
}
