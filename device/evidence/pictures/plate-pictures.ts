import type { CaptureTime } from '../../capture/frame.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Quad, VehicleCrop } from '../../plate/plate-reader.ts';
import type { TrackPlate } from '../../plate/vote/track-plate.ts';
import { raw } from './frame-pixels.ts';
import type { ClearPlatePicture } from './package-files.ts';

/** The frame that a plate's pictures are of. */
interface Shown {
  readonly frame: number;
  readonly time: CaptureTime;
  readonly crop: VehicleCrop;
  readonly quad?: Quad;
}

/** Around the text line on each side, of its height: the plate's rim, and a bit of what it is mounted on. */
const margin = 0.5;

/**
 * Height of the text line times this is the least width of a picture: as much as the longest text of any format takes with its margins, so
 * that how tall the text is decides alone.
 */
const widest = 9;

/**
 * Sizes that a picture of a plate can have: the smallest of these that holds it. Sizes stand in the clear record, and a close fit would
 * tell a long text from a short one.
 */
const windows = [1, 2, 4, 8, 16].map((by) => ({ width: 96 * by, height: 32 * by }));

/**
 * The pictures of a plate, lossless and unscaled, cut from the crop that the reader itself saw: the plate's own pixels, where it is known
 * where they are, and the vehicle. None where no crop was kept. Throws `frame-damaged`.
 */
export async function makePlatePictures(plate: TrackPlate): Promise<readonly ClearPlatePicture[]> {
  const shown: Shown | undefined = plate.kind === 'read' ? plate.winner : plate.best;
  if (shown === undefined) return [];
  const { crop, quad } = shown;
  const { width, height } = crop.pixels;
  const area = quad === undefined ? undefined : plateArea(quad, crop);
  try {
    return await Promise.all([
      // Not compressed: how well a plate's pixels compress would stand in the record as a size, the same for the same plate.
      ...(area === undefined ? [] : [cut('plate.png', 'plate-crop', shown, area, 0)]),
      cut('plate-vehicle.png', 'plate-vehicle', shown, { left: 0, top: 0, width, height }, 6),
    ]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AtalayaError('frame-damaged', `no picture can be made of the crop of frame ${shown.frame}: ${reason}`, {
      cause,
    });
  }
}

interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

async function cut(
  name: string,
  role: ClearPlatePicture['about']['role'],
  { frame, time, crop: { pixels, origin } }: Shown,
  area: Area,
  compressionLevel: number,
): Promise<ClearPlatePicture> {
  const { width, height } = area;
  const content = await raw(pixels).extract(area).png({ compressionLevel }).toBuffer();
  const place = `(${origin.x + area.left}, ${origin.y + area.top}), ${width} x ${height}`;
  const making = `PNG of the picture's pixels from ${place}, not scaled`;
  return {
    about: { name, role, mediaType: 'image/png', width, height, origin: 'derived', making },
    frame,
    time,
    content,
  };
}

/** Where the plate is in the crop, in a window of a size that tells nothing; undefined where it does not lie in the crop. */
export function plateArea(quad: Quad, { pixels, origin }: VehicleCrop): Area | undefined {
  const [a, b, c, d] = quad;
  const xs = quad.map(({ x }) => x - origin.x);
  const ys = quad.map(({ y }) => y - origin.y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const inside = right > 0 && bottom > 0 && left < pixels.width && top < pixels.height;
  // Also false for what is not a number.
  if (!(inside && right > left && bottom > top)) return undefined;
  const around = (bottom - top) * margin;
  const line = (Math.hypot(d.x - a.x, d.y - a.y) + Math.hypot(c.x - b.x, c.y - b.y)) / 2;
  const wanted = {
    width: Math.max(right - left + 2 * around, line * widest),
    height: bottom - top + 2 * around,
  };
  const window = windows.find(({ width, height }) => width >= wanted.width && height >= wanted.height) ?? pixels;
  const [x, width] = span((left + right) / 2, window.width, pixels.width);
  const [y, height] = span((top + bottom) / 2, window.height, pixels.height);
  return { left: x, top: y, width, height };
}

/** So many whole pixels around a middle, moved and cut to what is there. */
function span(middle: number, wanted: number, room: number): readonly [from: number, length: number] {
  const length = Math.min(wanted, room);
  return [Math.round(Math.max(0, Math.min(room - length, middle - length / 2))), length];
}
