/**
 * Prints texts on the blank plates of a frame. The drawing gives every plate its light; the print lays on each pixel what
 * that part of the plate reflects of it, by the share of the pixel that it covers, so that characters are as sharp as pixels allow.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { drawPlate, plateMillimetres } from './plate-glyphs.ts';

type Point = readonly [number, number];

interface SeenPlate {
  readonly vehicle: string;
  /** Pixels of the corners, clockwise from above the first character. */
  readonly corners: readonly [Point, Point, Point, Point];
  /** Rows from above: `1` where nothing stands before the plate. */
  readonly open: readonly string[];
}

interface PlateFile {
  readonly columns: number;
  readonly rows: number;
  readonly texts: Readonly<Record<string, string>>;
  readonly frames: readonly (readonly SeenPlate[])[];
}

/** What the plate reflects, as a share of what a blank one does, linear, three channels a texel. */
interface Texture {
  readonly width: number;
  readonly height: number;
  readonly reflects: Float32Array;
}

const TEXELS_PER_MILLIMETRE = 4;
/** The dark holder stands out by this much around the plate, and reflects this share of what a blank plate does. */
const HOLDER = { millimetres: 10, reflects: 0.03 } as const;
/** Samples along each edge of a pixel. */
const SAMPLES = 8;
/** Share of the plate at each end and edge whose drawn pixels mix with those of its holder. */
const RIM: Point = [0.02, 0.1];
/** Pixels over which the light on a plate is averaged. */
const LIGHT_SIGMA = 4;

const linear = Float32Array.from({ length: 256 }, (_, level) => {
  const v = level / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
});

function level(value: number): number {
  const v = Math.min(1, Math.max(0, value));
  return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
}

async function textureOf(text: string): Promise<Texture> {
  const { data, info } = await sharp(Buffer.from(drawPlate(text, TEXELS_PER_MILLIMETRE)))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, reflects: Float32Array.from(data, (byte) => linear[byte]!) };
}

/** From pixels to the plate: (0, 0) above its first character, (1, 1) below its last. The inverse of the unit square's homography. */
function toPlate([a, b, c, d]: SeenPlate['corners']): (x: number, y: number) => Point {
  const [dx1, dy1, dx2, dy2] = [b[0] - c[0], b[1] - c[1], d[0] - c[0], d[1] - c[1]];
  const [sx, sy] = [a[0] - b[0] + c[0] - d[0], a[1] - b[1] + c[1] - d[1]];
  const det = dx1 * dy2 - dx2 * dy1;
  const g = (sx * dy2 - dx2 * sy) / det;
  const h = (dx1 * sy - sx * dy1) / det;
  const [m0, m1, m2] = [b[0] - a[0] + g * b[0], d[0] - a[0] + h * d[0], a[0]];
  const [m3, m4, m5] = [b[1] - a[1] + g * b[1], d[1] - a[1] + h * d[1], a[1]];
  return (x, y) => {
    const u = (m4 - m5 * h) * x + (m2 * h - m1) * y + (m1 * m5 - m2 * m4);
    const v = (m5 * g - m3) * x + (m0 - m2 * g) * y + (m2 * m3 - m0 * m5);
    const k = (m3 * h - m4 * g) * x + (m1 * g - m0 * h) * y + (m0 * m4 - m1 * m3);
    return [u / k, v / k];
  };
}

interface Print {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Per pixel: the share that is open plate or holder. */
  readonly covered: Float32Array;
  /** Per pixel and channel: what that share reflects of the light. */
  readonly reflected: Float32Array;
  /** Per pixel: the share that is open plate well within its rim. */
  readonly inner: Float32Array;
}

/** Covers the pixels of a plate with its texture, by SAMPLES * SAMPLES points each; undefined where it lies outside of the picture. */
function cover(plate: SeenPlate, file: PlateFile, texture: Texture, width: number, height: number): Print | undefined {
  const xs = plate.corners.map(([x]) => x);
  const ys = plate.corners.map(([, y]) => y);
  const reach: Point = [HOLDER.millimetres / plateMillimetres.width, HOLDER.millimetres / plateMillimetres.height];
  const margin = Math.ceil(reach[1] * (Math.max(...ys) - Math.min(...ys)));
  const left = Math.max(0, Math.floor(Math.min(...xs)) - margin);
  const top = Math.max(0, Math.floor(Math.min(...ys)) - margin);
  const w = Math.min(width, Math.ceil(Math.max(...xs)) + margin) - left;
  const h = Math.min(height, Math.ceil(Math.max(...ys)) + margin) - top;
  if (w <= 0 || h <= 0) return undefined;
  const covered = new Float32Array(w * h);
  const reflected = new Float32Array(w * h * 3);
  const inner = new Float32Array(w * h);
  const onPlate = toPlate(plate.corners);
  const share = 1 / (SAMPLES * SAMPLES);
  const cell = (at: number, cells: number): number => Math.min(cells - 1, Math.max(0, Math.floor(at * cells)));
  for (let y = 0; y < h * SAMPLES; y++) {
    for (let x = 0; x < w * SAMPLES; x++) {
      const [u, v] = onPlate(left + (x + 0.5) / SAMPLES, top + (y + 0.5) / SAMPLES);
      if (u < -reach[0] || u >= 1 + reach[0] || v < -reach[1] || v >= 1 + reach[1]) continue;
      if (plate.open[cell(v, file.rows)]?.[cell(u, file.columns)] !== '1') continue;
      const pixel = Math.floor(y / SAMPLES) * w + Math.floor(x / SAMPLES);
      const printed = u >= 0 && u < 1 && v >= 0 && v < 1;
      const texel = (cell(v, texture.height) * texture.width + cell(u, texture.width)) * 3;
      covered[pixel] = covered[pixel]! + share;
      for (let c = 0; c < 3; c++) {
        const reflects = printed ? texture.reflects[texel + c]! : HOLDER.reflects;
        reflected[pixel * 3 + c] = reflected[pixel * 3 + c]! + reflects * share;
      }
      const within = u > RIM[0] && u < 1 - RIM[0] && v > RIM[1] && v < 1 - RIM[1];
      if (within) inner[pixel] = inner[pixel]! + share;
    }
  }
  return { left, top, width: w, height: h, covered, reflected, inner };
}

/** The light that the blank plate gives around each of its pixels, linear, three channels. */
function lightOn(print: Print, picture: Buffer, width: number): Float32Array {
  const { left, top, width: w, height: h, inner } = print;
  const light = new Float32Array(w * h * 3);
  const reach = 3 * LIGHT_SIGMA;
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      let total = 0;
      const sum: [number, number, number] = [0, 0, 0];
      for (let j = Math.max(0, y - reach); j < Math.min(h, y + reach + 1); j++) {
        for (let i = Math.max(0, x - reach); i < Math.min(w, x + reach + 1); i++) {
          // Pixels that the plate fills count almost alone; a plate too far away to fill any takes the fullest.
          const far = ((i - x) ** 2 + (j - y) ** 2) / (2 * LIGHT_SIGMA ** 2);
          const weight = (inner[j * w + i]! ** 8 + 1e-9) * Math.exp(-far);
          const at = ((top + j) * width + left + i) * 3;
          for (const c of [0, 1, 2] as const) sum[c] += weight * linear[picture[at + c]!]!;
          total += weight;
        }
      }
      for (const c of [0, 1, 2] as const) light[(y * w + x) * 3 + c] = sum[c] / total;
    }
  }
  return light;
}

/** The printer of a folder that render.py filled with `--plates`. */
export class PlatePrinter {
  readonly #file: PlateFile;
  readonly #textures = new Map<string, Texture>();
  readonly #width: number;
  readonly #height: number;

  constructor(folder: string, width: number, height: number) {
    this.#file = JSON.parse(readFileSync(join(folder, 'plates.json'), 'utf8')) as PlateFile;
    this.#width = width;
    this.#height = height;
  }

  /** Prints on the plates of a frame, in place; RGB, eight bits. */
  async print(picture: Buffer, frame: number): Promise<void> {
    const plates = this.#file.frames[frame];
    if (plates === undefined) throw new Error(`plates.json has no frame ${frame}`);
    for (const plate of plates) {
      const print = cover(plate, this.#file, await this.#texture(plate.vehicle), this.#width, this.#height);
      if (print === undefined) continue;
      const light = lightOn(print, picture, this.#width);
      for (let i = 0; i < print.reflected.length; i++) {
        const pixel = Math.floor(i / 3);
        const covered = print.covered[pixel]!;
        if (covered === 0) continue;
        const y = print.top + Math.floor(pixel / print.width);
        const at = (y * this.#width + print.left + (pixel % print.width)) * 3 + (i % 3);
        picture[at] = level(linear[picture[at]!]! * (1 - covered) + light[i]! * print.reflected[i]!);
      }
    }
  }

  async #texture(vehicle: string): Promise<Texture> {
    const text = this.#file.texts[vehicle];
    if (text === undefined) throw new Error(`plates.json has no text for ${vehicle}`);
    const known = this.#textures.get(text) ?? (await textureOf(text));
    this.#textures.set(text, known);
    return known;
  }
}
