import { join } from 'node:path';

/** A box in the reference picture, pixels. */
export interface ReferenceBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A picture of the street that this project renders itself (`device/capture/street`: frame 272 of the clip, at a third of its size), and the vehicles
 * in it that the carried bundle finds with a score of 0.68 to 0.87: one bus and three cars.
 */
export const referencePicture = {
  path: join(import.meta.dirname, 'street.jpg'),
  width: 640,
  height: 360,
  vehicles: [
    { x: 445, y: 70, width: 176, height: 182 },
    { x: 5, y: 148, width: 117, height: 78 },
    { x: 246, y: 152, width: 71, height: 51 },
    { x: 358, y: 131, width: 73, height: 63 },
  ],
} as const satisfies {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly vehicles: readonly ReferenceBox[];
};
