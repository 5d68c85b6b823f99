import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { splitMjpeg } from '../../../device/capture/mjpeg-split.ts';
import type { TrueVehicle } from './compare-looks.ts';

/** Of the street with known truth: four cars and a bus stand clear, and the plates of the nearest can be read. */
const sequence = 248;
/** What the street's plates are of. */
export const plateFormats = 'es';

const truthFile = z.object({
  vehicles: z.array(
    z.object({
      id: z.string(),
      frames: z.array(
        z.object({
          frame: z.int(),
          /** Left, top, right, bottom. */
          box: z.tuple([z.number(), z.number(), z.number(), z.number()]),
          visible: z.number(),
          whole: z.boolean(),
          frontY: z.number(),
        }),
      ),
    }),
  ),
});

/** Writes the picture to a file, as the camera delivered it; gives the vehicles that stand clear in it, by the truth's own words. */
export async function writeReference(root: string, file: string): Promise<TrueVehicle[]> {
  const street = join(root, 'device/capture/street');
  let number = 0;
  for await (const piece of splitMjpeg(createReadStream(join(street, 'street.mjpeg')))) {
    if (piece.kind !== 'picture') continue;
    if (number === sequence) {
      writeFileSync(file, piece.bytes);
      break;
    }
    number += 1;
  }
  const { vehicles } = truthFile.parse(JSON.parse(readFileSync(join(street, 'truth.json'), 'utf8')));
  return vehicles.flatMap(({ id, frames }) =>
    frames
      .filter((one) => one.frame === sequence && one.whole && one.visible >= 0.9 && one.frontY <= 62)
      .map(({ box: [left, top, right, bottom] }) => ({
        id,
        box: { x: left, y: top, width: right - left, height: bottom - top },
      })),
  );
}
