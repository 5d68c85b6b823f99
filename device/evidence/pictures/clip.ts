import { setImmediate } from 'node:timers/promises';
import type { KeptFrame } from '../../capture/kept-frame.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { ClipFile } from '../record/record.ts';
import { encodeFrame, encoding, pixelsOf, sizeOf } from './frame-pixels.ts';
import type { ClearClip } from './package-files.ts';

const quality = 85;
/** Five pictures a second, with room for the rounding of times, milliseconds. */
const wanted = 200.001;

/**
 * A clip of frames around the one that is charged (`at`, which is among them whether it is given again or not): JPEG pictures one after
 * the other in the order of capture, which `MjpegCamera` and most players play.
 *
 * A camera's own JPEG stays byte for byte; pixels are encoded, one frame at a time, as the content is read. Frames of another size than
 * the charged one are left out, and `making` says how many. `thinned`: see `HeldClip`.
 */
export function makeClip(at: KeptFrame, frames: readonly KeptFrame[], thinned = false): ClearClip {
  const { width, height } = sizeOf(at);
  const all = [...new Map([...frames, at].map((frame) => [frame.sequence, frame])).values()].toSorted(
    (a, b) => a.sequence - b.sequence,
  );
  const shown = all.filter((frame) => sizeOf(frame).width === width && sizeOf(frame).height === height);
  let table: ClipFile['frames'] | undefined;
  return {
    about: {
      name: 'clip.mjpeg',
      role: 'clip',
      mediaType: 'video/x-motion-jpeg',
      width,
      height,
      origin: shown.every(({ kind }) => kind === 'original') ? 'original' : 'encoded',
      making: making(shown, all.length - shown.length, thinned),
    },
    content: {
      async *[Symbol.asyncIterator]() {
        const places: ClipFile['frames'] = [];
        let offset = 0;
        for (const frame of shown) {
          const jpeg = await jpegOf(frame);
          places.push([frame.sequence, frame.time.elapsed, offset, jpeg.byteLength]);
          offset += jpeg.byteLength;
          yield jpeg;
          await setImmediate();
        }
        table = places;
      },
    },
    frames() {
      if (table === undefined) throw new AtalayaError('internal', 'the clip was not read to its end');
      return table.map((place) => [...place]);
    },
  };
}

async function jpegOf(frame: KeptFrame): Promise<Uint8Array> {
  if (frame.kind === 'original') return frame.original;
  try {
    const rgb = await pixelsOf(frame);
    const { content } = await encodeFrame(frame, rgb, quality);
    // What was converted for this alone goes at once: a clip's worth of dead pictures is more than the ring.
    if (rgb.data !== frame.picture.data && rgb.data.buffer instanceof ArrayBuffer) rgb.data.buffer.transfer(0);
    return content;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AtalayaError('frame-damaged', `frame ${frame.sequence} cannot be encoded for the clip: ${reason}`, {
      cause: error,
    });
  }
}

/** How many pictures, of what, how often; and what is not as it should be. */
function making(frames: readonly KeptFrame[], ofOtherSize: number, thinned: boolean): string {
  const times = frames.map(({ time }) => time.elapsed);
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const widest = Math.max(0, ...times.slice(1).map((time, i) => time - (times[i] ?? time)));
  const rate =
    span > 0
      ? `, ${(((times.length - 1) * 1000) / span).toFixed(1)} a second, at most ${Math.round(widest)} ms apart`
      : '';
  const encoded = frames.find((frame) => frame.kind === 'pixels');
  const originals = frames.filter(({ kind }) => kind === 'original').length;
  const own = 'the bytes that the camera delivered';
  const source =
    encoded === undefined
      ? own
      : originals === 0
        ? encoding(encoded, quality)
        : `${own} of ${originals}, ${encoding(encoded, quality)} of the others`;
  return [
    `${frames.length} pictures one after the other${rate}: ${source}`,
    ...(thinned ? ['thinned out evenly to bound memory'] : []),
    ...(widest > wanted ? ['fewer than 5 a second'] : []),
    ...(ofOtherSize > 0 ? [`${ofOtherSize} frames of another size left out`] : []),
  ].join('; ');
}
