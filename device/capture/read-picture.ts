import { readFile, stat } from 'node:fs/promises';
import sharp from 'sharp';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import type { RgbPicture } from './to-rgb.ts';

/** The largest photograph that is decoded: 64 million pixels, 192 MB. */
const MOST_PIXELS = 64e6;
/** The largest file that is read; larger ones are no photographs. */
const MOST_BYTES = 128e6;

/**
 * A photograph from a file, as a person sees it: any format that sharp decodes, turned as its EXIF says, without transparency, eight bits
 * a channel. Its pixels stand on a SharedArrayBuffer. Throws `source-missing` where there is no file and `frame-damaged` where it is no
 * picture, is cut, or is larger than 64 million pixels.
 */
export async function readPicture(path: string): Promise<RgbPicture> {
  const unreadable = (cause: unknown): never => {
    const missing = systemCode(cause) === 'ENOENT';
    throw new AtalayaError('source-missing', missing ? `there is no file ${path}` : `${path} cannot be read`, {
      hint: 'Name a picture file (JPEG, PNG, WebP, TIFF).',
      cause,
    });
  };
  // Looked at before it is read: a device has no end, and a large file would fill the memory first.
  const file = await stat(path).catch(unreadable);
  if (!file.isFile()) throw notAPicture(path, file.isDirectory() ? 'it is a folder' : 'it is no ordinary file');
  if (file.size > MOST_BYTES) throw notAPicture(path, `it has more than ${MOST_BYTES / 1e6} MB`);
  const bytes = await readFile(path).catch(unreadable);
  try {
    const { data, info } = await sharp(bytes, { failOn: 'truncated', limitInputPixels: MOST_PIXELS })
      .autoOrient()
      .flatten({ background: '#000' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const shared = new Uint8Array(new SharedArrayBuffer(data.byteLength));
    shared.set(data);
    return { format: 'rgb24', width: info.width, height: info.height, data: shared };
  } catch (cause) {
    throw notAPicture(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function notAPicture(path: string, reason: string, cause?: unknown): AtalayaError {
  return new AtalayaError('frame-damaged', `${path} cannot be decoded: ${reason}`, {
    hint: 'Give a whole picture file (JPEG, PNG, WebP, TIFF).',
    ...(cause === undefined ? {} : { cause }),
  });
}
