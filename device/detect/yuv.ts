import type { Picture } from '../capture/frame.ts';

/** BT.601 in 16.16 fixed point (the inverse of ITU-R BT.601-7, 2.5); the difference to BT.709 is below what a network notices. */
export interface Conversion {
  readonly black: number;
  readonly luma: number;
  readonly redV: number;
  readonly greenU: number;
  readonly greenV: number;
  readonly blueU: number;
}
const LIMITED: Conversion = { black: 16, luma: 76309, redV: 104597, greenU: 25675, greenV: 53279, blueU: 132201 };
const FULL: Conversion = { black: 0, luma: 65536, redV: 91881, greenU: 22554, greenV: 46802, blueU: 116130 };

export type YuvPicture = Extract<Picture, { format: 'yuv420p' }>;

export const conversionOf = (picture: Pick<YuvPicture, 'range'>): Conversion =>
  picture.range === 'limited' ? LIMITED : FULL;

/** Pixels of one row from column `left` on as RGB, as many as `out` takes; colour is that of the nearest sample. */
export function convertRow(picture: YuvPicture, row: number, left: number, out: Uint8Array): void {
  const { data, width, height } = picture;
  const { black, luma, redV, greenU, greenV, blueU } = conversionOf(picture);
  const chromaWidth = (width + 1) >> 1;
  const u = width * height + (row >> 1) * chromaWidth;
  const v = u + chromaWidth * ((height + 1) >> 1);
  const base = 32768 - black * luma;
  // A clamped array saturates by itself.
  const clamped = new Uint8ClampedArray(out.buffer, out.byteOffset, out.byteLength);
  for (let to = 0, column = left; to < clamped.length; to += 3, column += 1) {
    const bright = Math.imul(data[row * width + column] as number, luma) + base;
    const cb = (data[u + (column >> 1)] as number) - 128;
    const cr = (data[v + (column >> 1)] as number) - 128;
    clamped[to] = (bright + Math.imul(redV, cr)) >> 16;
    clamped[to + 1] = (bright - Math.imul(greenU, cb) - Math.imul(greenV, cr)) >> 16;
    clamped[to + 2] = (bright + Math.imul(blueU, cb)) >> 16;
  }
}
