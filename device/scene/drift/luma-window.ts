import type { Picture } from '../../capture/frame.ts';

/** Brightness of a rectangle of a picture, row-major, one byte a pixel. */
export interface LumaWindow {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * Brightness of the rectangle at (x, y), all of which lies in the picture. Luma as the decoder delivers it; of RGB by ITU-R BT.601-7, 2.5.1.
 * Limited and full range differ by a line, which correlation does not see.
 */
export function lumaWindow(picture: Picture, x: number, y: number, width: number, height: number): LumaWindow {
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (y + row) * picture.width + x;
    if (picture.format === 'yuv420p') data.set(picture.data.subarray(from, from + width), row * width);
    else rgbRow(picture.data, from * 3, data, row * width, width);
  }
  return { width, height, data };
}

function rgbRow(rgb: Uint8Array, from: number, out: Uint8Array, to: number, width: number): void {
  for (let i = 0, at = from; i < width; i++, at += 3) {
    // 77 + 150 + 29 = 256.
    out[to + i] = (77 * (rgb[at] as number) + 150 * (rgb[at + 1] as number) + 29 * (rgb[at + 2] as number)) >> 8;
  }
}

/** A rectangle of a window. */
export function part(window: LumaWindow, x: number, y: number, width: number, height: number): LumaWindow {
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const from = (y + row) * window.width + x;
    data.set(window.data.subarray(from, from + width), row * width);
  }
  return { width, height, data };
}

/** The window at half its size, each pixel the mean of four; an odd last row or column is left out. */
export function halved({ width, height, data }: LumaWindow): LumaWindow {
  const [w, h] = [width >> 1, height >> 1];
  const half = new Uint8Array(w * h);
  for (let y = 0; y < h; y++) {
    const above = 2 * y * width;
    const below = above + width;
    for (let x = 0; x < w; x++) {
      const at = 2 * x;
      const top = (data[above + at] as number) + (data[above + at + 1] as number);
      const bottom = (data[below + at] as number) + (data[below + at + 1] as number);
      half[y * w + x] = (top + bottom + 2) >> 2;
    }
  }
  return { width: w, height: h, data: half };
}
