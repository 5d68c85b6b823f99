import type { Frame, Picture } from '../../capture/frame.ts';
import type { Box } from '../../detect/detection.ts';
import type { Clock } from '../../kernel/clock.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import { lastPoint, type TrackUpdate } from '../../track/track.ts';
import type { VehicleCrop } from '../plate-reader.ts';
import type { TrackPlate } from '../vote/track-plate.ts';
import { CropQueue, type WaitingCrop } from './crop-queue.ts';
import { expectedHeight } from './expected-height.ts';
import { Guard } from './guard.ts';
import { KeptReader, type KeptReaderParts } from './kept-reader.ts';
import { PlateCounter, type PlateCounts } from './plate-counts.ts';
import type { WatchSettings } from './settings.ts';
import type { Vehicle } from './vehicle.ts';
import { Vehicles } from './vehicles.ts';
import { type Waiter, Waiters } from './waiters.ts';

export interface WatchParts extends KeptReaderParts {
  /** Cuts a vehicle out of a picture into memory of its own; undefined where nothing of it is in the picture. */
  readonly crop: (picture: Picture, vehicle: Box, others: readonly Box[]) => VehicleCrop | undefined;
  readonly clock: Clock;
  /**
   * Told once of each road user: as soon as its plate is sure, or when its track has ended and all its crops are read. One that was told as
   * unread is told again only where a later track of the same road user has a plate.
   */
  readonly settled: (track: number, plate: TrackPlate) => void;
}

/** Capture time between two sweeps of the memory, ms. */
const SWEEP = 1000;

/**
 * Reads plates beside the frame path: chooses the crops that are worth it, has them read one after the other, and knows the plate of each
 * road user as far as it has come.
 *
 * Guarantees: nothing here rejects or throws into the frame path; memory is bounded (`WatchSettings.queue`, `.memory`); a reader that
 * fails is opened again, and the crop on which it failed is not tried twice; whoever asks for a plate has an answer by the deadline.
 */
export class PlateWatch {
  readonly #parts: WatchParts;
  readonly #settings: WatchSettings;
  readonly #reader: KeptReader;
  readonly #vehicles: Vehicles;
  readonly #queue: CropQueue;
  readonly #guard: Guard;
  readonly #counter = new PlateCounter();
  readonly #waiters: Waiters;
  /** Those that wait until what was taken is read. */
  #readWaiters: (() => void)[] = [];
  #reading: Promise<void> | undefined;
  #now = 0;
  #swept = 0;
  #finished = false;
  #closed = false;
  #end: Promise<void> | undefined;

  constructor(parts: WatchParts, settings: WatchSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#vehicles = new Vehicles(settings);
    this.#queue = new CropQueue(settings.queue, (track) => ({
      accused: this.#vehicles.get(track)?.accused ?? false,
      unread: (this.#vehicles.get(track)?.looked ?? 0) === 0,
    }));
    this.#waiters = new Waiters(parts.timer, (waiter) => this.#isDone(waiter));
    const onFault: KeptReaderParts['onFault'] = (fault, wait) => {
      parts.onFault(fault, wait);
      this.#wake();
    };
    this.#guard = new Guard((fault) => parts.onFault(fault, milliseconds(0)));
    this.#reader = new KeptReader({ ...parts, onFault }, settings.reader);
  }

  get counts(): PlateCounts {
    return this.#counter.counts;
  }

  /**
   * Takes crops of the vehicles of a frame that are worth reading. The picture is not needed any more when this returns.
   *
   * With `every`, the returned promise resolves when all crops up to this frame are read: what is looked at next then follows from the
   * frames alone, never from how fast the machine is. While the reader is failing nothing is waited for, and what finds no room is dropped
   * and counted, as it always is without `every`.
   */
  observe(frame: Frame, { live, ended }: TrackUpdate): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#now = frame.time.elapsed;
    const seen = live.flatMap((track) => {
      const { box, measured, frame: sequence } = lastPoint(track);
      const isHere = measured && sequence === frame.sequence && expectedHeight(track.class, box) !== undefined;
      return isHere ? [{ track, box }] : [];
    });
    for (const { track, box } of seen) {
      const vehicle = this.#followed(track.id);
      const worth = vehicle.follow(track.class, box, frame, this.#settings.look);
      if (worth === undefined) continue;
      const others = seen.flatMap((one) => (one.track === track ? [] : [one.box]));
      const crop = this.#guard.run(() => this.#parts.crop(frame.picture, box, others));
      if (crop === undefined) continue;
      vehicle.took(track.class, box, frame);
      this.#enqueue(vehicle, { track: track.id, frame: frame.sequence, time: frame.time, crop, expected: worth });
    }
    for (const { id } of ended) {
      const vehicle = this.#vehicles.get(id);
      if (vehicle !== undefined) this.#ended(vehicle);
    }
    this.#sweep();
    this.#wake();
    return this.#waits() ? this.#caughtUp() : undefined;
  }

  /**
   * The plate of the road user that these tracks were: when all crops of it that wait are read, or `deadline` from now on at the latest.
   * Its crops are read before others. An unread plate is waited for up to `patience` of capture time while its vehicle comes nearer.
   *
   * Never rejects. A plate that is not there by the deadline is unread: `not-in-time`, or `reader-failed`, where crops still wait. A reader that
   * fails again and again is not waited for.
   */
  async plateOf(tracks: readonly number[], deadline: Milliseconds): Promise<TrackPlate> {
    this.#vehicles.link(tracks);
    for (const vehicle of this.#vehicles.of(tracks)) vehicle.accused = true;
    const waited = await this.#waiters.wait({ tracks, until: this.#now + this.#settings.patience }, deadline);
    if (waited) this.#vehicles.link(tracks);
    return this.#plate(tracks);
  }

  /** No frames come until one of those who wait has its answer: what there is must do for them. */
  hurry(): void {
    this.#waiters.hurry(this.#now);
  }

  /**
   * No more frames come: nobody waits for better ones. Resolves when every crop that waits is read, the reader fails again and again, or `deadline` from now on;
   * whatever road user was not told of is told then.
   */
  async finish(deadline: Milliseconds): Promise<void> {
    this.#finished = true;
    this.#wake();
    const over = new AbortController();
    const late = this.#parts.timer.sleep(deadline, over.signal);
    let inTime = true;
    late.then(() => {
      inTime = over.signal.aborted;
    });
    while (this.#reading !== undefined && inTime && !this.#closed && !this.#reader.hopeless) {
      await Promise.race([late, new Promise<void>((resolve) => this.#readWaiters.push(resolve))]);
    }
    over.abort();
    for (const vehicle of this.#vehicles.all()) this.#tell(vehicle);
  }

  /** Ends the reading; whoever waits gets what is there. Crops that were not read count as dropped. May be called twice. */
  close(): Promise<void> {
    this.#end ??= this.#close();
    return this.#end;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    for (const crop of this.#queue.clear()) this.#drop(crop);
    this.#wake();
    const closing = this.#reader.close();
    await this.#reading;
    await closing;
    for (const vehicle of this.#vehicles.all()) this.#tell(vehicle);
  }

  /** The vehicle of a track: accused from the beginning where somebody waits for it already. */
  #followed(track: number): Vehicle {
    const known = this.#vehicles.get(track);
    if (known !== undefined) return known;
    const vehicle = this.#vehicles.follow(track);
    vehicle.accused = this.#waiters.tracks.has(track);
    return vehicle;
  }

  #enqueue(vehicle: Vehicle, crop: WaitingCrop): void {
    this.#counter.taken += 1;
    if (vehicle.looked + vehicle.pending + vehicle.dropped + vehicle.failed === 0) this.#counter.looked += 1;
    vehicle.pending += 1;
    if (this.#settings.every && !this.#reader.failing) this.#queue.addBeyond(crop);
    else for (const dropped of this.#queue.add(crop)) this.#drop(dropped);
    this.#read();
  }

  #drop(crop: WaitingCrop): void {
    this.#counter.dropped += 1;
    const vehicle = this.#vehicles.get(crop.track);
    if (vehicle === undefined) return;
    vehicle.pending -= 1;
    vehicle.dropped += 1;
    vehicle.keep(crop);
    this.#tellEnded(vehicle);
  }

  #read(): void {
    if (this.#reading !== undefined || this.#closed || this.#queue.length === 0) return;
    this.#reading = this.#readAll()
      .catch(() => this.#guard.broken())
      .finally(() => {
        this.#reading = undefined;
        this.#read();
        this.#wake();
      });
  }

  async #readAll(): Promise<void> {
    while (this.#queue.length > 0 && (await this.#reader.ready())) {
      const next = this.#queue.take();
      if (next === undefined) return;
      this.#wake();
      const began = this.#parts.clock.monotonic();
      const sight = await this.#reader.read(next.crop);
      // Ended in the middle: nobody failed.
      if (sight === undefined && this.#closed) return this.#drop(next);
      const vehicle = this.#vehicles.get(next.track);
      if (vehicle === undefined) continue;
      vehicle.pending -= 1;
      if (sight === undefined) {
        this.#counter.failed += 1;
        vehicle.failed += 1;
        vehicle.keep(next);
      } else {
        this.#counter.cropRead(milliseconds(this.#parts.clock.monotonic() - began));
        const { track, frame, time, crop } = next;
        vehicle.look({ track, frame, time, crop, sight }, this.#settings);
        if (vehicle.sure) this.#spare(vehicle);
      }
      this.#tellEnded(vehicle);
      this.#wake();
    }
  }

  /** Takes what is not needed any more out of the queue. */
  #spare(vehicle: Vehicle): void {
    const spared = this.#queue.withdraw(vehicle.id).length;
    vehicle.pending -= spared;
    this.#counter.spared += spared;
    this.#tell(vehicle);
  }

  #ended(vehicle: Vehicle): void {
    vehicle.ended = this.#now;
    this.#tellEnded(vehicle);
  }

  #tellEnded(vehicle: Vehicle): void {
    if (vehicle.ended !== undefined && vehicle.pending === 0) this.#tell(vehicle);
  }

  #tell(vehicle: Vehicle): void {
    const { user } = vehicle;
    if (user.told === 'read') return;
    const plate = this.#plate(user.tracks);
    if (user.told !== undefined && plate.kind === 'unread') return;
    this.#vehicles.told(user, plate.kind);
    this.#counter.told(plate);
    this.#guard.run(() => this.#parts.settled(vehicle.id, plate));
  }

  #plate(tracks: readonly number[]): TrackPlate {
    const waits = this.#vehicles.of(tracks).some(({ pending }) => pending > 0);
    return this.#vehicles.plate(tracks, waits ? (this.#reader.failing ? 'reader-failed' : 'not-in-time') : undefined);
  }

  #isDone({ tracks, until }: Waiter): boolean {
    if (this.#closed) return true;
    const vehicles = this.#vehicles.of(tracks);
    if (vehicles.some(({ sure }) => sure)) return true;
    if (vehicles.some(({ pending }) => pending > 0)) return this.#reader.hopeless;
    if (this.#finished || this.#now >= until) return true;
    if (!vehicles.some((vehicle) => vehicle.approaches(this.#now))) return true;
    return this.#plate(tracks).kind === 'read';
  }

  #waits(): boolean {
    return this.#settings.every && this.#reading !== undefined && !this.#reader.failing && !this.#closed;
  }

  async #caughtUp(): Promise<void> {
    while (this.#waits()) await new Promise<void>((resolve) => this.#readWaiters.push(resolve));
  }

  /** Something has changed: whoever waits looks whether it was that. */
  #wake(): void {
    const readWaiters = this.#readWaiters;
    this.#readWaiters = [];
    for (const wake of readWaiters) wake();
    this.#waiters.look();
  }

  #sweep(): void {
    if (this.#now - this.#swept < SWEEP) return;
    this.#swept = this.#now;
    const awaited = this.#waiters.tracks;
    const free = ({ id, pending }: Vehicle) => pending === 0 && !awaited.has(id);
    this.#vehicles.sweep(this.#now, free, (gone) => this.#tell(gone));
  }
}
