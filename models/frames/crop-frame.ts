import sharp from 'sharp';
import type { PictureSize } from './read-frames.ts';

/** A decoded picture: `[height * width * 3]` bytes, red first. */
export interface Frame extends PictureSize {
  readonly data: Uint8Array;
}

/** A rectangle in unit coordinates of a frame. */
export interface Part {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A part of a frame, squeezed to a size. */
export async function cropFrame(frame: Frame, part: Part, size: PictureSize): Promise<Uint8Array> {
  const { data, width, height } = frame;
  const left = Math.max(0, Math.min(width - 1, Math.floor(part.left * width)));
  const top = Math.max(0, Math.min(height - 1, Math.floor(part.top * height)));
  const region = {
    left,
    top,
    width: Math.max(1, Math.min(width - left, Math.round((part.right - part.left) * width))),
    height: Math.max(1, Math.min(height - top, Math.round((part.bottom - part.top) * height))),
  };
  return new Uint8Array(
    await sharp(data, { raw: { width, height, channels: 3 } })
      .extract(region)
      .resize({ ...size, fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer(),
  );
}

/** Lays a picture over a part of a frame; gives a new frame. */
export async function pasteFrame(frame: Frame, picture: Frame, left: number, top: number): Promise<Uint8Array> {
  const raw = ({ width, height }: PictureSize) => ({ raw: { width, height, channels: 3 as const } });
  return new Uint8Array(
    await sharp(frame.data, raw(frame))
      .composite([{ input: Buffer.from(picture.data), ...raw(picture), left, top }])
      .removeAlpha()
      .raw()
      .toBuffer(),
  );
}
