import type { CaptureTime } from '../../capture/frame.ts';
import type { VehicleCrop } from '../plate-reader.ts';

/** A crop that waits to be read. */
export interface WaitingCrop {
  readonly track: number;
  /** Sequence number of the frame. */
  readonly frame: number;
  readonly time: CaptureTime;
  readonly crop: VehicleCrop;
  /** Character height expected from the vehicle's box, pixels. */
  readonly expected: number;
}

/** What is known of a crop's track. */
export interface Urgency {
  /** Evidence waits for its plate. */
  readonly accused: boolean;
  /** Nothing was read of it. */
  readonly unread: boolean;
}

/**
 * Crops that wait to be read, few enough to be looked through each time.
 *
 * First is what evidence waits for; then what was never read; then the largest; then the newest. What is last gives way first.
 *
 * Guarantee: with `add`, neither the number nor the bytes nor the crops of one track pass their limits.
 */
export class CropQueue {
  readonly #limits: { readonly crops: number; readonly bytes: number; readonly perTrack: number };
  readonly #urgency: (track: number) => Urgency;
  readonly #waiting: WaitingCrop[] = [];
  #bytes = 0;

  constructor(
    limits: { readonly crops: number; readonly bytes: number; readonly perTrack: number },
    urgency: (track: number) => Urgency,
  ) {
    this.#limits = limits;
    this.#urgency = urgency;
  }

  get length(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a crop, and returns what had to give way for it: it may be that crop itself. */
  add(crop: WaitingCrop): readonly WaitingCrop[] {
    this.addBeyond(crop);
    const dropped: WaitingCrop[] = [];
    const own = this.#waiting.filter(({ track }) => track === crop.track);
    if (own.length > this.#limits.perTrack) dropped.push(this.#remove(this.#last(own)));
    while (this.#waiting.length > this.#limits.crops || this.#bytes > this.#limits.bytes) {
      dropped.push(this.#remove(this.#last(this.#waiting)));
    }
    return dropped;
  }

  /** Adds a crop whatever the limits are: for whoever waits until all are read. */
  addBeyond(crop: WaitingCrop): void {
    this.#waiting.push(crop);
    this.#bytes += crop.crop.pixels.data.byteLength;
  }

  /** Takes the first; undefined where none waits. */
  take(): WaitingCrop | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    return this.#remove(this.#waiting.reduce((best, one) => (this.#before(one, best) ? one : best), first));
  }

  /** Takes out every crop of a track. */
  withdraw(track: number): readonly WaitingCrop[] {
    return this.#waiting.filter((one) => one.track === track).map((one) => this.#remove(one));
  }

  /** Takes out every crop. */
  clear(): readonly WaitingCrop[] {
    this.#bytes = 0;
    return this.#waiting.splice(0);
  }

  #last(crops: readonly WaitingCrop[]): WaitingCrop {
    return crops.reduce((worst, one) => (this.#before(worst, one) ? one : worst));
  }

  #before(a: WaitingCrop, b: WaitingCrop): boolean {
    const [one, other] = [this.#urgency(a.track), this.#urgency(b.track)];
    if (one.accused !== other.accused) return one.accused;
    if (one.unread !== other.unread) return one.unread;
    return a.expected !== b.expected ? a.expected > b.expected : a.frame > b.frame;
  }

  #remove(crop: WaitingCrop): WaitingCrop {
    this.#waiting.splice(this.#waiting.indexOf(crop), 1);
    this.#bytes -= crop.crop.pixels.data.byteLength;
    return crop;
  }
}
