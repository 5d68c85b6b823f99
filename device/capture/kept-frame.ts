import type { CaptureTime, Frame, Picture } from './frame.ts';

/**
 * What is kept of a frame for evidence.
 *
 * `original`: the JPEG that the camera delivered, alone; who needs its pixels decodes it (`decodeJpeg`). `pixels`: the picture as it was
 * decoded, of a source that delivers no pictures of its own, such as video.
 */
export type KeptFrame =
  | {
      readonly kind: 'original';
      readonly sequence: number;
      readonly time: CaptureTime;
      /** Size of the picture, pixels. */
      readonly width: number;
      readonly height: number;
      /** Begins as a JPEG does. */
      readonly original: Uint8Array;
    }
  | { readonly kind: 'pixels'; readonly sequence: number; readonly time: CaptureTime; readonly picture: Picture };

/** The smaller of what can be kept of a frame: its original where that is a JPEG, else its pixels. */
export function keptFrame({ sequence, time, picture, original }: Frame): KeptFrame {
  if (original === undefined || !isJpeg(original)) return { kind: 'pixels', sequence, time, picture };
  const { width, height } = picture;
  return { kind: 'original', sequence, time, width, height, original };
}

/** Bytes of memory that a kept frame takes. */
export function keptBytes(frame: KeptFrame): number {
  return (frame.kind === 'original' ? frame.original : frame.picture.data).byteLength;
}

const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
