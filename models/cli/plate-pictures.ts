import { cropFrame, type Frame, pasteFrame } from '../frames/crop-frame.ts';
import { drawPlate, numbers, randomPlate } from '../frames/draw-plate.ts';
import { readFrames } from '../frames/read-frames.ts';
import { recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { withVariant } from './print-parity.ts';

/** Pictures on which the plate networks are calibrated and compared: what a unit shows them, without any plate of the footage being read. */

/** A vehicle as the detector cut it out. */
export interface Vehicle extends Frame {
  /** Where a drawn plate was laid over it, in pixels. */
  readonly plate?: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
}

export interface PlatePictures {
  readonly vehicles: readonly Vehicle[];
  /** Drawn plates, and strips of vehicles where a reader must see nothing. */
  readonly lines: readonly Frame[];
}

export interface PlateRequest {
  readonly sources: readonly string[];
  /** Frames taken from each source. */
  readonly framesPerSource: number;
  /** Folder of the bundles; the vehicle detector's is used. */
  readonly bundles: string;
  /** Plates drawn. */
  readonly plates: number;
  readonly seed: number;
}

const frameSize = { width: 1280, height: 720 } as const;
const whole = { left: 0, top: 0, right: 1, bottom: 1 } as const;
const readerHeight = 48;
/** Vehicles of fewer pixels show a plate of fewer than a network can see. */
const narrowest = 60;
const leastScore = 0.4;

/** Throws what reading frames and opening the detector throw. */
export async function platePictures(request: PlateRequest): Promise<PlatePictures> {
  const random = numbers(request.seed);
  const vehicles = await cutVehicles(request, random);
  const lines: Frame[] = [];
  for (let i = 0; i < request.plates; i++) {
    const width = 8 * Math.round(12 + 20 * random());
    const plate = randomPlate(random, width);
    lines.push({ width, height: readerHeight, data: await drawPlate(plate, width, readerHeight) });
  }
  for (const [i, vehicle] of vehicles.entries()) {
    if (i % 4 !== 0) continue;
    const top = 0.2 + 0.6 * random();
    const size = { width: 192, height: readerHeight };
    lines.push({ ...size, data: await cropFrame(vehicle, { left: 0.25, right: 0.75, top, bottom: top + 0.15 }, size) });
  }
  return { vehicles, lines };
}

async function cutVehicles(request: PlateRequest, random: () => number): Promise<Vehicle[]> {
  const { sources, framesPerSource, bundles } = request;
  const vehicles: Vehicle[] = [];
  await withVariant(bundles, 'int8', async (detect) => {
    for (const source of sources) {
      for (const data of await readFrames({ source, count: framesPerSource, size: frameSize })) {
        const frame = { ...frameSize, data };
        const [found = []] = await detect([await cropFrame(frame, whole, recipe.input)]);
        const near = found
          .filter(({ score, className, box }) => {
            return score >= leastScore && className !== 'person' && (box.right - box.left) * frame.width >= narrowest;
          })
          .slice(0, 3);
        for (const { box } of near) {
          const width = 32 * Math.round(8 + 12 * random());
          const ratio = ((box.bottom - box.top) * frame.height) / ((box.right - box.left) * frame.width);
          const height = 32 * Math.max(3, Math.min(20, Math.round((width * ratio) / 32)));
          const vehicle = { width, height, data: await cropFrame(frame, box, { width, height }) };
          vehicles.push(random() < 0.6 ? await addPlate(vehicle, random) : vehicle);
        }
      }
    }
  });
  return vehicles;
}

/** Lays a drawn plate over the lower half of a vehicle. */
async function addPlate(vehicle: Frame, random: () => number): Promise<Vehicle> {
  const width = Math.round(vehicle.width * (0.15 + 0.2 * random()));
  const height = Math.round(width * (0.22 + 0.15 * random()));
  const plate = { width, height, data: await drawPlate(randomPlate(random, width), width, height) };
  const left = Math.round((vehicle.width - width) * (0.3 + 0.4 * random()));
  const top = Math.max(0, Math.round((vehicle.height - height) * (0.5 + 0.4 * random())));
  return { ...vehicle, data: await pasteFrame(vehicle, plate, left, top), plate: { left, top, width, height } };
}
