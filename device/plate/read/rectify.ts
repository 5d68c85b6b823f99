import type { Pixels } from '../find/scale-picture.ts';
import type { Quad } from '../plate-reader.ts';

/** Samples of the picture that one pixel of a strip averages, along each of its sides, at most. */
const MOST_SAMPLES = 4;
/** A projection that bends less than this is straight, to the last digit of a place in any picture. */
const STRAIGHT = 1e-12;

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
  sample(picture, at, { width, height, nx, ny, stride }, out);
  return out;
}

/** Pixels of a strip, and samples of each. */
interface Grid {
  readonly width: number;
  readonly height: number;
  readonly nx: number;
  readonly ny: number;
  readonly stride: number;
}

/** The colours of a sample are added up in numbers of their own, not in a list: this is the innermost loop of a crop's reading. */
function sample(picture: Pixels, at: Projection, grid: Grid, out: Uint8Array): void {
  const { width, height, nx, ny, stride } = grid;
  const { data } = picture;
  const { a, b, c, d, e, f, g, h } = at;
  const straight = Math.abs(g) + Math.abs(h) < STRAIGHT;
  const right = picture.width - 1;
  const bottom = picture.height - 1;
  const line = picture.width * 3;
  const share = 1 / (nx * ny);
  const step = 1 / (width * nx);
  for (let row = 0; row < height; row += 1) {
    let to = row * stride;
    for (let column = 0; column < width; column += 1, to += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let j = 0; j < ny; j += 1) {
        const v = (row * ny + j + 0.5) / (height * ny);
        for (let i = 0; i < nx; i += 1) {
          const u = (column * nx + i + 0.5) * step;
          // A parallelogram, which is what every text region is, spares the division.
          const scale = straight ? 1 : 1 / (g * u + h * v + 1);
          const px = (a * u + b * v + c) * scale - 0.5;
          const py = (d * u + e * v + f) * scale - 0.5;
          const x = px < 0 ? 0 : px > right ? right : px;
          const y = py < 0 ? 0 : py > bottom ? bottom : py;
          const x0 = x | 0;
          const y0 = y | 0;
          const fx = x - x0;
          const fy = y - y0;
          const p = (Math.imul(y0, line) + Math.imul(x0, 3)) | 0;
          const q = x0 < right ? (p + 3) | 0 : p;
          const below = y0 < bottom ? line : 0;
          const r = (p + below) | 0;
          const s = (q + below) | 0;
          const w11 = fx * fy;
          const w10 = fx - w11;
          const w01 = fy - w11;
          const w00 = 1 - fx - w01;
          red = red + w00 * data[p]! + w10 * data[q]! + w01 * data[r]! + w11 * data[s]!;
          green = green + w00 * data[p + 1]! + w10 * data[q + 1]! + w01 * data[r + 1]! + w11 * data[s + 1]!;
          blue = blue + w00 * data[p + 2]! + w10 * data[q + 2]! + w01 * data[r + 2]! + w11 * data[s + 2]!;
        }
      }
      out[to] = red * share + 0.5;
      out[to + 1] = green * share + 0.5;
      out[to + 2] = blue * share + 0.5;
    }
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
