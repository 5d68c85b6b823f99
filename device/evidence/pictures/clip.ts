import { setImmediate } from 'node:timers/promises';
import type { KeptFrame } from '../../capture/kept-frame.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Milliseconds } from '../../kernel/units.ts';
import type { ClipFile } from '../record/record.ts';
import { ClipJpegs, clipQuality } from './clip-jpegs.ts';
import { encoding, sizeOf } from './frame-pixels.ts';
import type { ClearClip, SealedPart } from './package-files.ts';

/** Five pictures a second, with room for the rounding of times, milliseconds. */
const wanted = 200.001;

export interface ClipMaking {
  /** See `HeldClip`. */
  readonly thinned?: boolean;
  /** Elapsed time of the moment that is charged; a clip that begins after it says so. */
  readonly moment?: Milliseconds;
  /** Shared by the clips of one unit. */
  readonly jpegs?: ClipJpegs;
  /** Asked before each frame: once it says so, none but the charged one is added, as encoding and encrypting take time. */
  readonly inHaste?: () => boolean;
}

/**
 * A clip of frames around the one that is charged (`at`, which is among them whether it is given again or not): JPEG pictures one after
 * the other in the order of capture, which `MjpegCamera` and most players play.
 *
 * A camera's own JPEG stays byte for byte; pixels are encoded, one frame at a time, as the content is read. Frames of another size than
 * the charged one are left out, and so are those for which there was no time; `making` says how many.
 */
export function makeClip(
  at: KeptFrame,
  frames: readonly KeptFrame[],
  { thinned = false, moment = at.time.elapsed, jpegs = new ClipJpegs(), inHaste = () => false }: ClipMaking = {},
): ClearClip {
  const { width, height } = sizeOf(at);
  const all = [...new Map([...frames, at].map((frame) => [frame.sequence, frame])).values()].toSorted(
    (a, b) => a.sequence - b.sequence,
  );
  const given = all.filter((frame) => sizeOf(frame).width === width && sizeOf(frame).height === height);
  let told: Omit<ClipFile, SealedPart> | undefined;
  return {
    name: clipName,
    content: {
      async *[Symbol.asyncIterator]() {
        told = undefined;
        const shown: KeptFrame[] = [];
        const places: ClipFile['frames'] = [];
        let offset = 0;
        for (const frame of given) {
          if (frame.sequence !== at.sequence && inHaste()) continue;
          const jpeg = await jpegs.of(frame);
          shown.push(frame);
          places.push([frame.sequence, frame.time.elapsed, offset, jpeg.byteLength]);
          offset += jpeg.byteLength;
          yield jpeg;
          await setImmediate();
        }
        const left = { ofOtherSize: all.length - given.length, forWantOfTime: given.length - shown.length };
        told = {
          name: clipName,
          role: 'clip',
          mediaType: 'video/x-motion-jpeg',
          width,
          height,
          origin: shown.every(({ kind }) => kind === 'original') ? 'original' : 'encoded',
          making: making(shown, moment, thinned, left),
          frames: places,
        };
      },
    },
    told() {
      if (told === undefined) throw new AtalayaError('internal', 'the clip was not read to its end');
      return { ...told, frames: told.frames.map((place) => [...place]) };
    },
  };
}

const clipName = 'clip.mjpeg';

/** How many pictures, of what, how often; and what is not as it should be. */
function making(
  frames: readonly KeptFrame[],
  moment: Milliseconds,
  thinned: boolean,
  left: { readonly ofOtherSize: number; readonly forWantOfTime: number },
): string {
  const times = frames.map(({ time }) => time.elapsed);
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const late = (times[0] ?? 0) - moment;
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
        ? encoding(encoded, clipQuality)
        : `${own} of ${originals}, ${encoding(encoded, clipQuality)} of the others`;
  return [
    `${frames.length} pictures one after the other${rate}: ${source}`,
    ...(late > 0
      ? [`begins ${(late / 1000).toFixed(1)} s after the charged moment, whose frames were no longer held`]
      : []),
    ...(thinned ? ['thinned out evenly to bound memory'] : []),
    ...(widest > wanted ? ['fewer than 5 a second'] : []),
    ...(left.ofOtherSize > 0 ? [`${left.ofOtherSize} frames of another size left out`] : []),
    ...(left.forWantOfTime > 0 ? [`${left.forWantOfTime} frames left out for want of time`] : []),
  ].join('; ');
}
