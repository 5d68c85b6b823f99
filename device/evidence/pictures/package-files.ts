import type { CaptureTime } from '../../capture/frame.ts';
import type { KeptFrame } from '../../capture/kept-frame.ts';
import type { ClipFile, PictureFile, PlatePicture } from '../record/record.ts';

/** What the record says of a file only once it is sealed. */
export type SealedPart = 'bytes' | 'sha256' | 'header' | 'body';

type Without<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never;

/** What the record says of a picture besides its frame. */
export type PictureAbout = Without<PictureFile, SealedPart | 'frame' | 'time'>;

/** A picture of an evidence package, before it is sealed. */
export interface ClearPicture {
  readonly about: PictureAbout;
  readonly frame: KeptFrame;
  readonly content: Uint8Array;
}

/** A picture of the plate, before it is sealed. */
export interface ClearPlatePicture {
  readonly about: Omit<PlatePicture, SealedPart | 'frame' | 'time'>;
  /** Of the frame that it was cut from. */
  readonly frame: number;
  readonly time: CaptureTime;
  readonly content: Uint8Array;
}

/** The clip of an evidence package, before it is sealed. */
export interface ClearClip {
  readonly name: string;
  /**
   * One picture a chunk, made when it is asked for. May be read again; the frames must be held until it was read. Throws
   * `frame-damaged` where a picture cannot be encoded.
   */
  readonly content: AsyncIterable<Uint8Array>;
  /**
   * What the record says of it; of each picture in `frames`: number of its frame, elapsed milliseconds, first byte and bytes. Throws
   * `internal` before `content` was read to its end, since only then it is known what there was time for.
   */
  told(): Omit<ClipFile, SealedPart>;
}
