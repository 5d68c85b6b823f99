import { type Picture, pictureBytes } from './frame.ts';

export type RgbPicture = Extract<Picture, { format: 'rgb24' }>;
type YuvPicture = Extract<Picture, { format: 'yuv420p' }>;

/**
 * A picture as interleaved 8-bit RGB. One that is RGB already is returned as it is; else `target` is filled, 3 x width x height bytes,
 * which may lie on any kind of buffer.
 *
 * YCbCr to R'G'B' by ITU-R BT.601-7, 2.5.1 (Kr 0.299, Kb 0.114), with Y 16..235 and C 16..240 for the limited range, and all 256
 * levels for the full one as JFIF (ITU-T T.871, 7) has it. Each colour sample serves its 2 x 2 pixels as it is: nothing is smoothed
 * that a person might take for what was seen. Results are rounded and clamped to 0..255.
 */
export function toRgb(picture: Picture, target?: Uint8Array<ArrayBufferLike>): RgbPicture {
  if (picture.format === 'rgb24') return picture;
  const rgb = rgbTarget(picture, target);
  convertRows(picture, rgb, 0, picture.height);
  return rgb;
}

/** `toRgb` in bands of rows, with `pause` awaited between them: a large picture then never holds up the event loop for long. */
export async function toRgbInBands(picture: Picture, rows: number, pause: () => Promise<void>): Promise<RgbPicture> {
  if (picture.format === 'rgb24') return picture;
  const rgb = rgbTarget(picture, undefined);
  for (let row = 0; row < picture.height; row += rows) {
    if (row > 0) await pause();
    convertRows(picture, rgb, row, Math.min(picture.height, row + rows));
  }
  return rgb;
}

function rgbTarget({ width, height }: YuvPicture, target: Uint8Array | undefined): RgbPicture {
  const bytes = pictureBytes('rgb24', width, height);
  const data = target ?? new Uint8Array(bytes);
  if (data.byteLength !== bytes) throw new RangeError(`an RGB picture of ${width} x ${height} takes ${bytes} bytes`);
  return { format: 'rgb24', width, height, data };
}

/** Fixed point with 16 bits of fraction: the largest error against real numbers is below one level before rounding. */
const fixed = (value: number): number => Math.round(value * 65536);

const coefficients = {
  full: { black: 0, y: fixed(1), rv: fixed(1.402), gu: fixed(0.344136), gv: fixed(0.714136), bu: fixed(1.772) },
  limited: {
    black: 16,
    y: fixed(255 / 219),
    rv: fixed((1.402 * 255) / 224),
    gu: fixed((0.344136 * 255) / 224),
    gv: fixed((0.714136 * 255) / 224),
    bu: fixed((1.772 * 255) / 224),
  },
} as const;

function convertRows(picture: YuvPicture, rgb: RgbPicture, from: number, to: number): void {
  const bytes = picture.width * 3;
  for (let row = from; row < to; row += 1)
    convertRow(picture, row, 0, rgb.data.subarray(row * bytes, (row + 1) * bytes));
}

/** A part of one row as interleaved RGB, as `toRgb` has it: from column `left` on, as many pixels as `out` takes. */
export function convertRow(picture: YuvPicture, row: number, left: number, out: Uint8Array): void {
  const { width, height, data } = picture;
  const { black, y: ky, rv, gu, gv, bu } = coefficients[picture.range];
  const chromaWidth = (width + 1) >> 1;
  const u = width * height + (row >> 1) * chromaWidth;
  const v = u + chromaWidth * ((height + 1) >> 1);
  // A clamped array saturates by itself.
  const clamped = new Uint8ClampedArray(out.buffer, out.byteOffset, out.byteLength);
  for (let to = 0, column = left; to < clamped.length; to += 3, column += 1) {
    const luma = ((data[row * width + column] as number) - black) * ky + 32768;
    const cb = (data[u + (column >> 1)] as number) - 128;
    const cr = (data[v + (column >> 1)] as number) - 128;
    clamped[to] = (luma + rv * cr) >> 16;
    clamped[to + 1] = (luma - gu * cb - gv * cr) >> 16;
    clamped[to + 2] = (luma + bu * cb) >> 16;
  }
}
