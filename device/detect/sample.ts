import type { Picture } from '../capture/frame.ts';

/** The part of the picture that the detector looks at, in pixels of the full picture. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where the region's picture stands inside the square input: all of it, or letterboxed with its aspect kept. */
export type Fit = 'stretch' | 'letterbox';

const GREY = 128;

/**
 * Scales a region of a picture into the detector's square input, straight from the camera's own buffer and in one pass: nothing is
 * copied or converted but the pixels that the detector sees.
 *
 * Each output pixel is interpolated linearly between its four neighbours, pixel centres aligned, as the networks were trained with
 * (TensorFlow's `resize_bilinear`): averaging over more pixels where the picture shrinks finds up to a tenth fewer vehicles. Colour of
 * yuv420p is read at the centre. `sample` allocates nothing that lives on.
 */
export class Sampler {
  readonly #size: number;
  /** The rectangle of the input that carries the region; the rest stays grey. */
  readonly inset: Region;
  readonly #columns: Taps;
  readonly #rows: Taps;

  /** `size`: edge of the square input in pixels. */
  constructor(picture: Pick<Picture, 'width' | 'height'>, region: Region, size: number, fit: Fit) {
    this.#size = size;
    const longest = Math.max(region.width, region.height);
    const width = fit === 'stretch' ? size : Math.max(1, Math.round((size * region.width) / longest));
    const height = fit === 'stretch' ? size : Math.max(1, Math.round((size * region.height) / longest));
    this.inset = { x: (size - width) >> 1, y: (size - height) >> 1, width, height };
    this.#columns = taps(picture.width, region.x, region.width, width);
    this.#rows = taps(picture.height, region.y, region.height, height);
  }

  /** Writes size x size x 3 bytes, RGB interleaved, into `out`. */
  sample(picture: Picture, out: Uint8Array): void {
    const { x, y, width, height } = this.inset;
    if (width !== this.#size || height !== this.#size) out.fill(GREY);
    const start = (y * this.#size + x) * 3;
    const stride = this.#size * 3;
    if (picture.format === 'rgb24') sampleRgb(picture, this.#rows, this.#columns, out, start, stride);
    else sampleYuv(picture, this.#rows, this.#columns, out, start, stride);
  }
}

/** For each output index: two source indices, the weight of the second (0..256), and the source index at the centre. */
interface Taps {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Int32Array;
  readonly centre: Int32Array;
}

function taps(source: number, offset: number, length: number, outputs: number): Taps {
  const scale = length / outputs;
  const clamp = (index: number) => Math.min(source - 1, Math.max(0, index));
  const made: Taps = {
    first: new Int32Array(outputs),
    second: new Int32Array(outputs),
    weight: new Int32Array(outputs),
    centre: new Int32Array(outputs),
  };
  for (let i = 0; i < outputs; i += 1) {
    const centre = offset + (i + 0.5) * scale - 0.5;
    made.centre[i] = clamp(Math.round(centre));
    const below = Math.floor(centre);
    made.first[i] = clamp(below);
    made.second[i] = clamp(below + 1);
    made.weight[i] = Math.round((centre - below) * 256);
  }
  return made;
}

function sampleRgb(picture: Picture, rows: Taps, columns: Taps, out: Uint8Array, start: number, stride: number): void {
  const { data, width } = picture;
  const { first, second, weight } = columns;
  const outputs = first.length;
  for (let row = 0; row < rows.first.length; row += 1) {
    const above = (rows.first[row] as number) * width * 3;
    const below = (rows.second[row] as number) * width * 3;
    const lower = rows.weight[row] as number;
    const upper = 256 - lower;
    let to = start + row * stride;
    for (let column = 0; column < outputs; column += 1, to += 3) {
      const a = (first[column] as number) * 3;
      const b = (second[column] as number) * 3;
      const right = weight[column] as number;
      const left = 256 - right;
      for (let channel = 0; channel < 3; channel += 1) {
        const top = (data[above + a + channel] as number) * left + (data[above + b + channel] as number) * right;
        const bottom = (data[below + a + channel] as number) * left + (data[below + b + channel] as number) * right;
        out[to + channel] = (top * upper + bottom * lower + 32768) >> 16;
      }
    }
  }
}

/** BT.601 in 16.16 fixed point (the inverse of ITU-R BT.601-7, 2.5); the difference to BT.709 is below what a detector notices. */
interface Conversion {
  readonly black: number;
  readonly luma: number;
  readonly redV: number;
  readonly greenU: number;
  readonly greenV: number;
  readonly blueU: number;
}
const LIMITED: Conversion = { black: 16, luma: 76309, redV: 104597, greenU: 25675, greenV: 53279, blueU: 132201 };
const FULL: Conversion = { black: 0, luma: 65536, redV: 91881, greenU: 22554, greenV: 46802, blueU: 116130 };

function sampleYuv(
  picture: Extract<Picture, { format: 'yuv420p' }>,
  rows: Taps,
  columns: Taps,
  out: Uint8Array,
  start: number,
  stride: number,
): void {
  const { data, width, height } = picture;
  const chromaWidth = (width + 1) >> 1;
  const u = width * height;
  const v = u + chromaWidth * ((height + 1) >> 1);
  const conversion = picture.range === 'limited' ? LIMITED : FULL;
  // A clamped array saturates by itself, which spares six comparisons a pixel.
  const clamped = new Uint8ClampedArray(out.buffer, out.byteOffset, out.byteLength);
  for (let row = 0; row < rows.first.length; row += 1) {
    const colour = ((rows.centre[row] as number) >> 1) * chromaWidth;
    const from: YuvRow = {
      above: (rows.first[row] as number) * width,
      below: (rows.second[row] as number) * width,
      lower: rows.weight[row] as number,
      u: u + colour,
      v: v + colour,
    };
    sampleYuvRow(data, from, columns, conversion, clamped, start + row * stride);
  }
}

/** Where one output row reads: the rows above and below with the weight of the lower one (0..256), and the row of each colour plane. */
interface YuvRow {
  readonly above: number;
  readonly below: number;
  readonly lower: number;
  readonly u: number;
  readonly v: number;
}

/**
 * The innermost loop of the program's own code. `| 0` and `Math.imul` say that every value is a 32-bit integer, so that V8 leaves out its
 * checks for overflow: a third of the time. The largest intermediate value is 255 x 2^16.
 */
function sampleYuvRow(
  data: Uint8Array,
  { above, below, lower, u, v }: YuvRow,
  { first, second, weight, centre }: Taps,
  { black, luma, redV, greenU, greenV, blueU }: Conversion,
  out: Uint8ClampedArray,
  start: number,
): void {
  const outputs = first.length;
  const upper = (256 - lower) | 0;
  const base = (32768 - black * luma) | 0;
  let to = start | 0;
  for (let column = 0; column < outputs; column += 1) {
    const a = first[column] as number;
    const b = second[column] as number;
    const right = weight[column] as number;
    const left = (256 - right) | 0;
    const top =
      (Math.imul(data[(above + a) | 0] as number, left) + Math.imul(data[(above + b) | 0] as number, right)) | 0;
    const bottom =
      (Math.imul(data[(below + a) | 0] as number, left) + Math.imul(data[(below + b) | 0] as number, right)) | 0;
    const level = ((Math.imul(top, upper) + Math.imul(bottom, lower) + 32768) | 0) >> 16;
    const chroma = (centre[column] as number) >> 1;
    const cb = ((data[(u + chroma) | 0] as number) - 128) | 0;
    const cr = ((data[(v + chroma) | 0] as number) - 128) | 0;
    const bright = (Math.imul(level, luma) + base) | 0;
    out[to] = ((bright + Math.imul(redV, cr)) | 0) >> 16;
    out[(to + 1) | 0] = ((bright - Math.imul(greenU, cb) - Math.imul(greenV, cr)) | 0) >> 16;
    out[(to + 2) | 0] = ((bright + Math.imul(blueU, cb)) | 0) >> 16;
    to = (to + 3) | 0;
  }
}
