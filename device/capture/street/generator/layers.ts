/** Puts what was drawn of a frame on the picture of the empty street. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

interface Patch {
  readonly rectangle: readonly [number, number, number, number];
  readonly file: string;
}

interface Layers {
  readonly patches: readonly Patch[];
}

/** Levels of 255 in any channel, after averaging, from which a pixel counts as changed by a vehicle or its shadow. */
const CHANGED = 8;
/** Pixels at a rectangle's edge over which it fades out; its margin around vehicle and shadow is wider. */
const FADE = 14;

/** Mean over a square of edge 2 * radius + 1, cut at the borders. */
function boxMean(values: Float32Array, w: number, h: number, radius: number): Float32Array {
  const passes: [number, number, number, number][] = [
    [h, w, w, 1],
    [w, h, 1, w],
  ];
  let from = values;
  for (const [lines, length, lineStep, step] of passes) {
    const into = new Float32Array(w * h);
    for (let line = 0; line < lines; line++) {
      const start = line * lineStep;
      let sum = 0;
      for (let k = 0; k < Math.min(radius, length); k++) sum += from[start + k * step]!;
      for (let i = 0; i < length; i++) {
        if (i + radius < length) sum += from[start + (i + radius) * step]!;
        if (i - radius - 1 >= 0) sum -= from[start + (i - radius - 1) * step]!;
        into[start + i * step] = sum / (Math.min(length - 1, i + radius) - Math.max(0, i - radius) + 1);
      }
    }
    from = into;
  }
  return from;
}

interface Picture {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

/** Opacity 0..1 per pixel of a patch: 1 where it differs from what lies below, falling off softly over some pixels. */
function changes(patch: Buffer, below: Picture, left: number, top: number, w: number, h: number): Float32Array {
  const mask = new Float32Array(w * h);
  const difference = new Float32Array(w * h);
  // Each channel by itself: a blue body can be as bright as the road behind it. Signed, so that noise averages out.
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const b = ((top + y) * below.width + left + x) * 3;
        difference[y * w + x] = patch[(y * w + x) * 3 + c]! - below.data[b + c]!;
      }
    }
    const mean = boxMean(difference, w, h, 4);
    for (let i = 0; i < mask.length; i++) if (Math.abs(mean[i]!) >= CHANGED) mask[i] = 1;
  }
  const grown = boxMean(mask, w, h, 8).map((v) => (v > 0.04 ? 1 : 0));
  const opacity = boxMean(grown, w, h, 4);
  // A large vehicle darkens the road beyond its rectangle: fade out there, except at the picture's own edges.
  const { width, height } = below;
  const ramp = (at: number, length: number, start: number, whole: number): number => {
    const before = start === 0 ? FADE : at + 0.5;
    const behind = start + length === whole ? FADE : length - at - 0.5;
    return Math.min(1, before / FADE, behind / FADE);
  };
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      opacity[y * w + x] = opacity[y * w + x]! * ramp(x, w, left, width) * ramp(y, h, top, height);
    }
  }
  return opacity;
}

/** Pastes a rectangle on the picture: all of it, or with `base` only what it adds to the empty street. Rectangles may overlap. */
async function paste(picture: Picture, patch: Patch, folder: string, base?: Picture): Promise<void> {
  const [left, top, right, bottom] = patch.rectangle;
  const { data, info } = await sharp(join(folder, patch.file))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== right - left || info.height !== bottom - top) {
    throw new Error(`${patch.file} is ${info.width}x${info.height}, its rectangle ${right - left}x${bottom - top}`);
  }
  const opacity = base === undefined ? undefined : changes(data, base, left, top, info.width, info.height);
  for (let y = 0; y < info.height; y++) {
    for (let x = 0; x < info.width; x++) {
      const a = opacity === undefined ? 1 : opacity[y * info.width + x]!;
      if (a === 0) continue;
      for (let c = 0; c < 3; c++) {
        const index = ((top + y) * picture.width + left + x) * 3 + c;
        picture.data[index] = Math.round(picture.data[index]! * (1 - a) + data[(y * info.width + x) * 3 + c]! * a);
      }
    }
  }
}

/** The street of a folder that render.py filled: `frame(n)` is RGB, eight bits, three bytes a pixel. */
export class Layering {
  readonly #folder: string;
  readonly #width: number;
  readonly #height: number;
  readonly #street: Promise<Buffer>;
  readonly #empty = new Map<string, Picture>();

  constructor(folder: string, width: number, height: number) {
    this.#folder = folder;
    this.#width = width;
    this.#height = height;
    this.#street = sharp(join(folder, 'background.png')).removeAlpha().toColourspace('srgb').raw().toBuffer();
  }

  async frame(number: number): Promise<Buffer> {
    const name = `frame-${String(number).padStart(4, '0')}.json`;
    const layers = JSON.parse(readFileSync(join(this.#folder, name), 'utf8')) as Layers & { readonly phase: string };
    const base = await this.#streetAt(layers.phase);
    const picture = { data: Buffer.from(base.data), width: this.#width, height: this.#height };
    for (const patch of layers.patches) await paste(picture, patch, this.#folder, base);
    return picture.data;
  }

  async #streetAt(phase: string): Promise<Picture> {
    const known = this.#empty.get(phase);
    if (known !== undefined) return known;
    const base = { data: Buffer.from(await this.#street), width: this.#width, height: this.#height };
    const heads = JSON.parse(readFileSync(join(this.#folder, `phase-${phase}.json`), 'utf8')) as Layers;
    for (const patch of heads.patches) await paste(base, patch, this.#folder);
    this.#empty.set(phase, base);
    return base;
  }
}
