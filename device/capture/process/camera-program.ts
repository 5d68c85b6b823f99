import type { ErrorCode } from '../../kernel/errors.ts';
import type { PictureSize } from '../decode-jpeg.ts';
import type { Stamps } from './capture-clock.ts';

/** One run of a program that ends by itself. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** True where it is no fault when the program refuses: not every device has what it sets. */
  readonly optional?: boolean;
}

/** What a program says when it cannot do its work, and what that means. */
export interface Complaint {
  readonly says: RegExp;
  readonly code: Extract<ErrorCode, 'camera-unavailable' | 'config-invalid' | 'program-missing' | 'scene-mismatch'>;
  readonly reason: string;
  readonly hint: string;
}

/** Where the pictures come out. `extra` is file descriptor 3. */
export type PictureStream =
  | { readonly from: 'stdout' | 'extra'; readonly format: 'mjpeg' }
  | { readonly from: 'stdout' | 'extra'; readonly format: 'yuv420p'; readonly range: 'limited' | 'full' };

/**
 * Where the program says when each picture was captured, one note a picture in their order, and in which words
 * (`note-readers.ts`). `fifo`: in a named pipe whose path `args` is given.
 */
export type NoteSource =
  | { readonly from: 'nowhere' }
  | { readonly from: 'fifo'; readonly words: 'metadata' }
  | { readonly from: 'extra'; readonly words: 'framecrc' }
  | { readonly from: 'stderr'; readonly words: 'showinfo' }
  | { readonly from: 'stdout'; readonly words: 'identity' };

/** A camera that is a program: what to start, what comes out of it, and how to read its complaints. */
export interface CameraProgram {
  /** What a person calls the camera; holds no credentials. */
  readonly name: string;
  /** The program's names, of which the first that is found on PATH is taken. */
  readonly commands: readonly string[];
  /** What to install where none is found, as a sentence. */
  readonly install: string;
  /** Its arguments. `notes`: path of the named pipe, where the notes come through one. */
  readonly args: (notes: string) => readonly string[];
  /** Programs to run before it, each to its end: settings of a device that the program itself does not make. */
  readonly before: readonly Command[];
  readonly pictures: PictureStream;
  readonly notes: NoteSource;
  readonly stamps: Stamps;
  readonly size: PictureSize;
  readonly complaints: readonly Complaint[];
  /** Text that must be read in no message. */
  readonly secrets: readonly string[];
}
