import type { Readable } from 'node:stream';
import type { Clock } from '../../kernel/clock.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Milliseconds } from '../../kernel/units.ts';
import { cutPictures } from '../cut-pictures.ts';
import { pictureBytes } from '../frame.ts';
import { splitMjpeg } from '../mjpeg-split.ts';
import type { PicturePool } from '../picture-pool.ts';
import type { CameraProgram } from './camera-program.ts';
import type { Note, NoteReader } from './note-readers.ts';

/** What comes out of a program: a picture with its note and the monotonic time of its arrival, or damage where one should be. */
export type Cut =
  | { readonly kind: 'picture'; readonly data: Uint8Array; readonly note: Note; readonly arrival: Milliseconds }
  | { readonly kind: 'damage'; readonly reason: string };

/** A program that states more is not believed. */
const LARGEST = 32 * 1024 * 1024;

/**
 * Cuts the stream into pictures and puts each together with its note. Ends with the stream. Pixels stand in buffers of the pool, which
 * whoever takes them releases.
 *
 * Where notes state the bytes of each picture, the stream is cut by them: a broken picture then costs itself and no other one its time.
 * Where they do not, pictures and notes are counted; a break in the stream then ends it with `camera-unavailable`, since every later
 * picture could be given another one's time.
 */
export function cutStream(
  program: CameraProgram,
  stream: Readable,
  notes: NoteReader,
  clock: Clock,
  pool: PicturePool | undefined,
): AsyncGenerator<Cut> {
  if (pool !== undefined) return cutPixels(program, stream, notes, clock, pool);
  const { from, ...rest } = program.notes;
  const sized = from !== 'nowhere' && 'words' in rest && (rest.words === 'framecrc' || rest.words === 'identity');
  return sized ? cutBySize(stream, notes, clock) : cutByMarkers(program, stream, notes, clock);
}

async function* cutPixels(
  { size: { width, height } }: CameraProgram,
  stream: Readable,
  notes: NoteReader,
  clock: Clock,
  pool: PicturePool,
): AsyncGenerator<Cut> {
  for await (const data of cutPictures(stream, pictureBytes('yuv420p', width, height), pool)) {
    const arrival = clock.monotonic();
    const note = await notes.next();
    if (note === undefined) return pool.release(data);
    yield { kind: 'picture', data, note, arrival };
  }
}

async function* cutByMarkers(
  program: CameraProgram,
  stream: Readable,
  notes: NoteReader,
  clock: Clock,
): AsyncGenerator<Cut> {
  let begun = false;
  for await (const piece of splitMjpeg(stream as AsyncIterable<Uint8Array>)) {
    const arrival = clock.monotonic();
    if (piece.kind === 'damage') {
      yield { kind: 'damage', reason: piece.reason };
      if (!begun || !piece.frame || program.notes.from === 'nowhere') continue;
      throw new AtalayaError('camera-unavailable', `${program.name}: its pictures broke off (${piece.reason})`, {
        hint: 'It is started anew, so that no picture gets the time of another one.',
      });
    }
    begun = true;
    const note = await notes.next();
    if (note === undefined) return;
    yield { kind: 'picture', data: piece.bytes, note, arrival };
  }
}

async function* cutBySize(stream: Readable, notes: NoteReader, clock: Clock): AsyncGenerator<Cut> {
  const chunks = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  for (;;) {
    const note = await notes.next();
    if (note?.bytes === undefined || note.bytes > LARGEST) return;
    const parts: Buffer[] = [];
    let missing = note.bytes;
    while (missing > 0) {
      if (rest.byteLength === 0) {
        const chunk = await chunks.next();
        if (chunk.done) return;
        rest = chunk.value;
      }
      const part = rest.subarray(0, missing);
      parts.push(part);
      rest = rest.subarray(part.byteLength);
      missing -= part.byteLength;
    }
    const arrival = clock.monotonic();
    const whole = await wholeJpeg(Buffer.concat(parts));
    yield whole instanceof Uint8Array
      ? { kind: 'picture', data: whole, note, arrival }
      : { kind: 'damage', reason: whole.reason };
  }
}

/** The one JPEG in these bytes, without the filling around it; why there is none otherwise. */
export async function wholeJpeg(bytes: Uint8Array): Promise<Uint8Array | { readonly reason: string }> {
  const pieces = splitMjpeg([bytes] as unknown as AsyncIterable<Uint8Array>);
  let reason = bytes.byteLength === 0 ? 'there are no bytes' : 'there is no JPEG in it';
  for (;;) {
    const piece = await pieces.next();
    if (piece.done) {
      return { reason: piece.value.kind === 'truncated' ? 'the picture stops before its end' : reason };
    }
    if (piece.value.kind === 'picture') return piece.value.bytes;
    reason = piece.value.reason;
  }
}
