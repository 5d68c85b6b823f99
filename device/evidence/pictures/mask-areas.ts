import type { RgbPicture } from '../../capture/to-rgb.ts';
import { type Area, type Redaction, shared } from './redact.ts';

/** Bytes that are written before the event loop is let in: less than a millisecond's worth. */
const stride = 1 << 20;
/** Of each side of an area, pixels that its colour is the mean of. */
const samples = 24;

/**
 * The picture with what the redaction names covered, as a copy: each area with the mean colour of the picture there, and what is not
 * shown with black. Nothing of the covered pixels but the mean of some of them is left: unlike blurred or coarsened ones they cannot be
 * found again. `pause` is awaited about every megabyte.
 */
export async function maskAreas(picture: RgbPicture, plan: Redaction, pause: () => Promise<void>): Promise<RgbPicture> {
  const canvas = new Canvas(picture, pause);
  for (const area of plan.shown) await canvas.copy(picture, area);
  for (const area of plan.vehicles) {
    const colour = meanOf(picture, area);
    for (const part of outside(area, plan.accused)) await canvas.fill(part, colour);
  }
  for (const area of plan.people) await canvas.fill(area, meanOf(picture, area));
  return canvas.picture;
}

/** Black at first. */
class Canvas {
  readonly picture: RgbPicture;
  readonly #pause: () => Promise<void>;
  #written = 0;

  constructor({ width, height }: RgbPicture, pause: () => Promise<void>) {
    this.picture = { format: 'rgb24', width, height, data: new Uint8Array(3 * width * height) };
    this.#pause = pause;
  }

  async copy({ data }: RgbPicture, area: Area): Promise<void> {
    await this.#rows(area, (from, to) => this.picture.data.set(data.subarray(from, to), from));
  }

  async fill(area: Area, colour: Uint8Array): Promise<void> {
    const row = new Uint8Array(3 * (area.right - area.left));
    for (let i = 0; i < row.byteLength; i += 1) row[i] = colour[i % 3] ?? 0;
    await this.#rows(area, (from) => this.picture.data.set(row, from));
  }

  async #rows({ left, top, right, bottom }: Area, write: (from: number, to: number) => void): Promise<void> {
    for (let y = top; y < bottom; y += 1) {
      const from = 3 * (y * this.picture.width + left);
      const to = from + 3 * (right - left);
      write(from, to);
      this.#written += to - from;
      if (this.#written < stride) continue;
      this.#written = 0;
      await this.#pause();
    }
  }
}

/** The mean colour of an area, of pixels spread evenly over it. */
function meanOf({ data, width }: RgbPicture, { left, top, right, bottom }: Area): Uint8Array {
  const sums = [0, 0, 0];
  let count = 0;
  const across = Math.max(1, Math.floor((right - left) / samples));
  const down = Math.max(1, Math.floor((bottom - top) / samples));
  for (let y = top; y < bottom; y += down) {
    for (let x = left; x < right; x += across) {
      const at = 3 * (y * width + x);
      for (let i = 0; i < 3; i += 1) sums[i] = (sums[i] ?? 0) + (data[at + i] ?? 0);
      count += 1;
    }
  }
  return Uint8Array.from(sums, (sum) => Math.round(sum / count));
}

/** The parts of an area outside another one: above it, below it, left and right of it. */
function outside(area: Area, hole: Area | undefined): readonly Area[] {
  const [cut] = shared(area, hole);
  if (cut === undefined) return [area];
  return [
    { ...area, bottom: cut.top },
    { ...area, top: cut.bottom },
    { ...area, top: cut.top, bottom: cut.bottom, right: cut.left },
    { ...area, top: cut.top, bottom: cut.bottom, left: cut.right },
  ].filter(({ left, top, right, bottom }) => left < right && top < bottom);
}
