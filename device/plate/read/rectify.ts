import type { Pixels } from '../find/scale-picture.ts';
import type { Quad } from '../plate-reader.ts';

/** Samples of the picture that one pixel of a strip averages, along each of its sides, at most. */
const MOST_SAMPLES = 4;

/**
 * The part of the picture inside the quad, as `width` x `height` pixels with its text upright. The quad is mapped by the projective
 * transform between its corners and the rectangle's (Heckbert 1989, Fundamentals of texture mapping and image warping, 2.2.3);
 * interpolated linearly, and averaged over what a pixel covers where the picture shrinks. Outside the picture its edge is continued.
 */
export function rectify(
  picture: Pixels,
  quad: Quad,
  width: number,
  height: number,
  out: Uint8Array = new Uint8Array(width * height * 3),
  /** Bytes from one row of the strip to the next in `out`. */
  stride: number = width * 3,
): Uint8Array {
  const at = projection(quad);
  const [p0, p1, , p3] = quad;
  const samples = (size: number) => Math.min(MOST_SAMPLES, Math.max(1, Math.round(size)));
  const nx = samples(Math.hypot(p1.x - p0.x, p1.y - p0.y) / width);
  const ny = samples(Math.hypot(p3.x - p0.x, p3.y - p0.y) / height);
  const share = 1 / (nx * ny);
  // Red, green and blue of one output pixel.
  const sums = new Float64Array(3);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      sums.fill(0);
      for (let j = 0; j < ny; j += 1) {
        const v = (row + (j + 0.5) / ny) / height;
        for (let i = 0; i < nx; i += 1) {
          const u = (column + (i + 0.5) / nx) / width;
          const w = at.g * u + at.h * v + 1;
          addPixel(picture, (at.a * u + at.b * v + at.c) / w - 0.5, (at.d * u + at.e * v + at.f) / w - 0.5, sums);
        }
      }
      const to = row * stride + column * 3;
      out[to] = sums[0]! * share + 0.5;
      out[to + 1] = sums[1]! * share + 0.5;
      out[to + 2] = sums[2]! * share + 0.5;
    }
  }
  return out;
}

/** Adds the picture's colour at a point, interpolated between its four pixels. */
function addPixel({ data, width, height }: Pixels, px: number, py: number, sums: Float64Array): void {
  const x = px < 0 ? 0 : px > width - 1 ? width - 1 : px;
  const y = py < 0 ? 0 : py > height - 1 ? height - 1 : py;
  const x0 = x | 0;
  const y0 = y | 0;
  const fx = x - x0;
  const fy = y - y0;
  const p = (y0 * width + x0) * 3;
  const q = x0 < width - 1 ? p + 3 : p;
  const below = y0 < height - 1 ? width * 3 : 0;
  const w11 = fx * fy;
  const w10 = fx - w11;
  const w01 = fy - w11;
  const w00 = 1 - fx - w01;
  for (let channel = 0; channel < 3; channel += 1) {
    sums[channel] =
      sums[channel]! +
      w00 * data[p + channel]! +
      w10 * data[q + channel]! +
      w01 * data[p + below + channel]! +
      w11 * data[q + below + channel]!;
  }
}

interface Projection {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
  readonly g: number;
  readonly h: number;
}

/** From the unit square to the quad. A quad without area, or one that is not convex, is taken for a parallelogram. */
function projection([p0, p1, p2, p3]: Quad): Projection {
  const [dx1, dx2] = [p1.x - p2.x, p3.x - p2.x];
  const [dy1, dy2] = [p1.y - p2.y, p3.y - p2.y];
  const [sx, sy] = [p0.x - p1.x + p2.x - p3.x, p0.y - p1.y + p2.y - p3.y];
  const whole = dx1 * dy2 - dx2 * dy1;
  const g = Math.abs(whole) < 1e-9 ? 0 : (sx * dy2 - dx2 * sy) / whole;
  const h = Math.abs(whole) < 1e-9 ? 0 : (dx1 * sy - sx * dy1) / whole;
  const affine = !(g > -0.9 && h > -0.9 && g + h > -0.9);
  const [pg, ph] = affine ? [0, 0] : [g, h];
  return {
    a: p1.x - p0.x + pg * p1.x,
    b: p3.x - p0.x + ph * p3.x,
    c: p0.x,
    d: p1.y - p0.y + pg * p1.y,
    e: p3.y - p0.y + ph * p3.y,
    f: p0.y,
    g: pg,
    h: ph,
  };
}
