import { setImmediate } from 'node:timers/promises';
import sharp, { type Sharp } from 'sharp';
import { decodeJpeg, type PictureSize } from '../../capture/decode-jpeg.ts';
import type { KeptFrame } from '../../capture/kept-frame.ts';
import { type RgbPicture, toRgbInBands } from '../../capture/to-rgb.ts';

/** Of rows: their conversion takes about a millisecond. */
const bandRows = 64;

/** A frame's pixels; an original is decoded for them. Throws an `Error` with the reason where it is damaged. */
export async function pixelsOf(frame: KeptFrame): Promise<RgbPicture> {
  if (frame.kind === 'pixels') return toRgbInBands(frame.picture, bandRows, setImmediate);
  const decoded = await decodeJpeg(frame.original, frame);
  if (decoded.kind === 'damaged') throw new Error(decoded.reason);
  return decoded.picture;
}

/**
 * Gives the memory of pixels back that `pixelsOf` or a copy made, when nobody reads them any more. Their buffers lie outside the heap,
 * where the collector is slow to see them: dead pictures of a few infractions are more than the ring.
 */
export function letGo({ data }: RgbPicture, frame: KeptFrame): void {
  // A decoder's buffer is not ours to detach, and a frame's own pixels are the ring's.
  if (frame.kind === 'pixels' && data !== frame.picture.data && data.buffer instanceof ArrayBuffer)
    data.buffer.transfer(0);
}

export function sizeOf(frame: KeptFrame): PictureSize {
  const { width, height } = frame.kind === 'original' ? frame : frame.picture;
  return { width, height };
}

type PixelFrame = Extract<KeptFrame, { kind: 'pixels' }>;

/** A frame's pixels as JPEG, with as many colour samples as the decoder gave; `making` says so. */
export async function encodeFrame(
  { picture }: PixelFrame,
  rgb: RgbPicture,
  quality: number,
): Promise<{ readonly content: Uint8Array; readonly making: string }> {
  const making = encoding({ picture }, quality);
  const content = await raw(rgb)
    .jpeg({ quality, chromaSubsampling: chromaOf(picture) })
    .toBuffer();
  return { content, making };
}

/** How `encodeFrame` encodes. */
export function encoding({ picture }: Pick<PixelFrame, 'picture'>, quality: number): string {
  return `JPEG, quality ${quality}, ${chromaOf(picture)}, of ${picture.format}`;
}

/** Colour samples that were doubled come out of the encoder's own halving as they went in: 4:2:0 loses nothing more there. */
function chromaOf({ format }: PixelFrame['picture']): string {
  return format === 'yuv420p' ? '4:2:0' : '4:4:4';
}

export function raw({ data, width, height }: RgbPicture): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}
