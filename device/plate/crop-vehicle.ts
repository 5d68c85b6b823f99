import type { Picture } from '../capture/frame.ts';
import { convertRow } from '../capture/to-rgb.ts';
import type { Box } from '../detect/detection.ts';
import type { VehicleCrop } from './plate-reader.ts';

/**
 * What is added around a detector's box, as shares of its size: plates at a corner are cut by a box that is a little narrow, and boxes
 * that end above a low bumper cut them from below.
 */
const margin = { sides: 0.06, top: 0.03, bottom: 0.06 } as const;

/**
 * Copies the pixels around a vehicle out of a picture, into memory of their own. `vehicle` and `others` are pixels of the picture and
 * may reach beyond it; of `others` those are kept that the crop shows a part of. `undefined` where nothing of the vehicle is inside.
 */
export function cropVehicle(picture: Picture, vehicle: Box, others: readonly Box[]): VehicleCrop | undefined {
  const { x, y, width, height } = vehicle;
  if (![x, y, width, height].every(Number.isFinite)) return undefined;
  const inside = (value: number, most: number) => Math.min(most, Math.max(0, value));
  if (inside(x + width, picture.width) <= inside(x, picture.width)) return undefined;
  if (inside(y + height, picture.height) <= inside(y, picture.height)) return undefined;
  const left = Math.floor(inside(x - width * margin.sides, picture.width));
  const top = Math.floor(inside(y - height * margin.top, picture.height));
  const right = Math.ceil(inside(x + width * (1 + margin.sides), picture.width));
  const bottom = Math.ceil(inside(y + height * (1 + margin.bottom), picture.height));
  const size = { width: right - left, height: bottom - top };
  // Not shared: V8 does not reckon shared memory when it decides whether to collect, and crops would pile up.
  const data = new Uint8Array(size.width * size.height * 3);
  for (let row = 0; row < size.height; row += 1) {
    const to = data.subarray(row * size.width * 3, (row + 1) * size.width * 3);
    if (picture.format === 'rgb24') {
      const from = ((top + row) * picture.width + left) * 3;
      to.set(picture.data.subarray(from, from + to.length));
    } else convertRow(picture, top + row, left, to);
  }
  const seen = others.filter(
    (other) => other.x < right && other.y < bottom && other.x + other.width > left && other.y + other.height > top,
  );
  return { pixels: { format: 'rgb24', ...size, data }, origin: { x: left, y: top }, vehicle, others: seen };
}
