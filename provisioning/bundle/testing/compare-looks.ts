import type { Box, Detection } from '../../../device/detect/detection.ts';
import type { Look } from './look.ts';

/** A vehicle that is known to stand in a picture, pixels. */
export interface TrueVehicle {
  readonly id: string;
  readonly box: Box;
}

/**
 * How two machines see the same picture. int8 kernels of two processors round differently, and a vehicle at the edge of being one may be seen on
 * one machine only: those are `single`.
 */
export interface Agreement {
  readonly pairs: readonly { readonly here: Detection; readonly there: Detection; readonly overlap: number }[];
  readonly single: readonly { readonly on: string; readonly detection: Detection }[];
}

/** Every detection with the one of its class that it overlaps most, each once, the best pair first. */
export function pairLooks(here: Look, there: Look): Agreement {
  const all = here.detections.flatMap((a) =>
    there.detections.flatMap((b) =>
      a.class === b.class && overlapOf(a.box, b.box) > 0.5
        ? [{ here: a, there: b, overlap: overlapOf(a.box, b.box) }]
        : [],
    ),
  );
  const pairs: (typeof all)[number][] = [];
  for (const pair of all.sort((a, b) => b.overlap - a.overlap)) {
    if (!pairs.some((one) => one.here === pair.here || one.there === pair.there)) pairs.push(pair);
  }
  const single = [
    ...here.detections.map((detection) => ({ on: here.cpu, detection })),
    ...there.detections.map((detection) => ({ on: there.cpu, detection })),
  ].filter(({ detection }) => !pairs.some((one) => one.here === detection || one.there === detection));
  return { pairs, single };
}

const vehicles: readonly string[] = ['car', 'truck', 'bus'];

/** Known vehicles that no detection of a vehicle, of whatever class, overlaps by half: a large car may be called a truck. */
export function missedVehicles(truth: readonly TrueVehicle[], seen: readonly Detection[]): TrueVehicle[] {
  const found = seen.filter((one) => vehicles.includes(one.class));
  return truth.filter(({ box }) => !found.some((one) => overlapOf(one.box, box) >= 0.5));
}

/** Intersection over union, 0 to 1. */
export function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (a.width * a.height + b.width * b.height - width * height);
}
