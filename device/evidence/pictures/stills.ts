import type { KeptFrame } from '../../capture/kept-frame.ts';
import type { RgbPicture } from '../../capture/to-rgb.ts';
import type { Infraction } from '../../judge/infraction.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { TrackPoint } from '../../track/track.ts';
import type { fileMoments } from '../record/record.ts';
import { annotate, type Mark } from './annotate.ts';
import type { Surroundings } from './bystander-memory.ts';
import { encodeFrame, letGo, pixelsOf, raw, sizeOf } from './frame-pixels.ts';
import { operatorCopy } from './operator-copy.ts';
import type { ClearPicture } from './package-files.ts';
import { boxInFrame, type PlacedBox } from './track-box.ts';

/** The frames that show an infraction: the moment itself, and one a little before and after where there is one. */
export interface InfractionFrames {
  readonly before?: KeptFrame | undefined;
  readonly at: KeptFrame;
  readonly after?: KeptFrame | undefined;
}

/** What is drawn on the pictures of an infraction, and where. */
export interface StillContext {
  /** The track's points up to the moment of sealing, in order of time, raw. */
  readonly track: readonly TrackPoint[];
  /** Lines and zones of the scene to draw on the annotated copy. */
  readonly marks: readonly Mark[];
  /** Who was seen around the frame of the moment; without it the operator's copy shows the accused alone. */
  readonly surroundings?: Surroundings | undefined;
}

/** Of the box, on each side: enough for the plate's surroundings and for a box that sits a little off. */
const closeUpMargin = 0.2;
const smallestCloseUp = 16;

/**
 * The stills of an infraction: per frame the whole picture, of the moment a close-up and, apart, the annotated copy
 * and the operator's, in which bystanders are covered (`operatorCopy`).
 *
 * They show where the accused is in the frame that is shown, which is not the charged one where that was no longer held. Where the track
 * does not say it, there is no close-up and the annotated copy bears no box.
 *
 * The whole picture is the camera's own JPEG, byte for byte, where the camera delivers one; else it is encoded once, as JPEG of
 * quality 92 with as many colour samples as the decoder gave: a 720p road scene at 45 dB in a seventh of the space of a PNG. The
 * close-up is cut from the pixels and stored without loss: a plate is read from it. Of an original, only the moment's own is decoded,
 * once, by the decoder that the detector's pixels came from. Pictures are read until the promise settles. Decoding and encoding run on
 * libvips' threads; the conversion of colours runs here in bands, with the event loop let in between. Throws `frame-damaged` where a
 * picture cannot be decoded or encoded.
 */
export async function makeStills(
  frames: InfractionFrames,
  infraction: Infraction,
  unit: string,
  { track, marks, surroundings }: StillContext,
): Promise<readonly ClearPicture[]> {
  const { before, at, after } = frames;
  const placed = boxInFrame(at, infraction, track);
  try {
    const rgb = await pixelsOf(at);
    const stills = await Promise.all([
      ...(before === undefined ? [] : [contextStill('before', before)]),
      contextStill('at', at, rgb),
      ...(placed === undefined ? [] : [closeUpStill(at, rgb, placed)]),
      annotatedStill(at, rgb, placed, infraction, unit, marks),
      operatorCopy(at, rgb, placed, infraction, track, surroundings),
      ...(after === undefined ? [] : [contextStill('after', after)]),
    ]);
    letGo(rgb, at);
    return stills.filter((still) => still !== undefined);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AtalayaError('frame-damaged', `no still can be made of frame ${at.sequence}: ${reason}`, {
      cause: error,
    });
  }
}

async function contextStill(
  moment: (typeof fileMoments)[number],
  frame: KeptFrame,
  known?: RgbPicture,
): Promise<ClearPicture> {
  const about = { name: `${moment}.jpg`, role: 'context', moment, mediaType: 'image/jpeg', ...sizeOf(frame) } as const;
  if (frame.kind === 'original') {
    const making = 'the bytes that the camera delivered';
    return { about: { ...about, origin: 'original', making }, frame, content: frame.original };
  }
  const rgb = known ?? (await pixelsOf(frame));
  const { content, making } = await encodeFrame(frame, rgb, 92);
  if (known === undefined) letGo(rgb, frame);
  return { about: { ...about, origin: 'encoded', making }, frame, content };
}

async function closeUpStill(frame: KeptFrame, rgb: RgbPicture, { box, origin }: PlacedBox): Promise<ClearPicture> {
  const area = closeUpArea(box, rgb.width, rgb.height);
  const content = await raw(rgb).extract(area).png({ compressionLevel: 6 }).toBuffer();
  const { left, top, width, height } = area;
  return {
    about: {
      name: 'close-up.png',
      role: 'close-up',
      moment: 'at',
      mediaType: 'image/png',
      width,
      height,
      origin: 'derived',
      making: `PNG of the picture's pixels from (${left}, ${top}), ${width} x ${height}, not scaled; box ${origin}`,
    },
    frame,
    content,
  };
}

async function annotatedStill(
  frame: KeptFrame,
  rgb: RgbPicture,
  placed: PlacedBox | undefined,
  infraction: Infraction,
  unit: string,
  marks: readonly Mark[],
): Promise<ClearPicture> {
  const { width, height } = rgb;
  const shown = { sequence: frame.sequence, time: frame.time, box: placed?.box };
  const { svg, stripHeight } = annotate(width, height, infraction, shown, unit, marks);
  const content = await raw(rgb)
    .extend({ bottom: stripHeight, background: '#000' })
    .composite([{ input: svg, left: 0, top: 0 }])
    .jpeg({ quality: 85, chromaSubsampling: '4:4:4' })
    .toBuffer();
  return {
    about: {
      name: 'annotated.jpg',
      role: 'annotated',
      moment: 'at',
      mediaType: 'image/jpeg',
      width,
      height: height + stripHeight,
      origin: 'derived',
      making:
        placed === undefined
          ? 'JPEG, quality 85, 4:4:4, with lines and text drawn in; no box, since the track does not say where it was'
          : `JPEG, quality 85, 4:4:4, with box (${placed.origin}), lines and text drawn in`,
    },
    frame,
    content,
  };
}

/** The box with its margin, whole pixels inside the picture; at least 16 x 16 of them wherever the box lies. */
export function closeUpArea(
  box: PlacedBox['box'],
  pictureWidth: number,
  pictureHeight: number,
): { readonly left: number; readonly top: number; readonly width: number; readonly height: number } {
  const [left, width] = span(box.x, box.width, pictureWidth);
  const [top, height] = span(box.y, box.height, pictureHeight);
  return { left, top, width, height };
}

function span(start: number, length: number, room: number): [start: number, length: number] {
  const least = Math.min(smallestCloseUp, room);
  const from = Math.max(0, Math.min(room - least, Math.floor(start - length * closeUpMargin)));
  const to = Math.min(room, Math.max(from + least, Math.ceil(start + length * (1 + closeUpMargin))));
  return [from, to - from];
}
