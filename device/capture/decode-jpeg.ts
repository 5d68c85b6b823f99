import sharp from 'sharp';
import type { RgbPicture } from './to-rgb.ts';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

export type DecodedJpeg =
  | { readonly kind: 'decoded'; readonly picture: RgbPicture /** See `decodeJpeg`. */; free(): void }
  | { readonly kind: 'damaged'; readonly reason: string };

/**
 * Decodes a JPEG of a known size, off the event loop; the same bytes always give the same pixels. A picture that claims to be larger is
 * refused before it takes memory.
 *
 * `free` gives the memory of the pixels back at once, and they must not be read any more; without it that happens with some later
 * garbage collection, before which dozens of dead pictures pile up at a camera's rate.
 */
export async function decodeJpeg(jpeg: Uint8Array, size: PictureSize): Promise<DecodedJpeg> {
  const { width, height } = size;
  try {
    const { data, info } = await sharp(jpeg, { failOn: 'truncated', limitInputPixels: width * height })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.width !== width || info.height !== height || info.channels !== 3) {
      return { kind: 'damaged', reason: otherSize(info, size) };
    }
    return { kind: 'decoded', picture: { format: 'rgb24', width, height, data }, free: () => detach(data) };
  } catch (error) {
    const actual = await sharp(jpeg)
      .metadata()
      .catch(() => undefined);
    if (actual !== undefined && actual.width * actual.height > width * height) {
      return { kind: 'damaged', reason: otherSize(actual, size) };
    }
    return { kind: 'damaged', reason: error instanceof Error ? error.message : String(error) };
  }
}

function otherSize(actual: PictureSize, wanted: PictureSize): string {
  return `the picture is ${actual.width}x${actual.height}, not ${wanted.width}x${wanted.height}`;
}

/** Frees a buffer's memory; one that shares its memory with others is left to the garbage collection. */
function detach(data: Buffer<ArrayBuffer>): void {
  const { buffer } = data;
  if (!buffer.detached && data.byteLength === buffer.byteLength) buffer.transfer(0);
}
