import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Box, type ObjectClass, objectClasses } from '../detect/detection.ts';
import { type RuleName, ruleNames } from '../judge/infraction.ts';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { parse } from '../kernel/schema.ts';

/** What is known for certain of a generated street: the subset that a run is compared with. */
export interface Truth {
  readonly frameRate: number;
  readonly vehicles: readonly TrueVehicle[];
}

export interface TrueVehicle {
  readonly id: string;
  readonly class: ObjectClass;
  readonly lane: string | undefined;
  /** What stands on its number plates, without spaces; undefined where the truth does not say it. */
  readonly plate: string | undefined;
  /** Where the vehicle never changes its speed; undefined where it does. */
  readonly constantKmh: number | undefined;
  /** Speed by frame, km/h. */
  readonly speeds: ReadonlyMap<number, number>;
  /** Box by frame, on the frames where it can be seen. */
  readonly boxes: ReadonlyMap<number, Box>;
  readonly infractions: readonly TrueInfraction[];
}

export interface TrueInfraction {
  readonly rule: RuleName;
  /** Seconds since the recording began. */
  readonly timeS: number;
}

const vehicleSchema = z
  .object({
    id: z.string().min(1),
    class: z.enum(objectClasses),
    lane: z.string().optional(),
    plate: z
      .string()
      .regex(/^[A-Z0-9]{2,10}$/, 'a plate is 2 to 10 capital letters and digits')
      .optional(),
    speed: z.object({ kind: z.string(), kmh: z.number().nonnegative() }),
    infractions: z.array(z.object({ rule: z.enum(ruleNames), time: z.number() })),
    frames: z.array(
      z.object({
        frame: z.int().nonnegative(),
        /** Left, top, right, bottom: pixels of the full picture. */
        box: z
          .tuple([z.number(), z.number(), z.number(), z.number()])
          .refine(([left, top, right, bottom]) => right > left && bottom > top, 'the box has no area'),
        kmh: z.number().nonnegative(),
      }),
    ),
  })
  .transform(
    ({ id, class: name, lane, plate, speed, infractions, frames }): TrueVehicle => ({
      id,
      class: name,
      lane,
      plate,
      constantKmh: speed.kind === 'constant' ? speed.kmh : undefined,
      speeds: new Map(frames.map(({ frame, kmh }) => [frame, kmh])),
      boxes: new Map(
        frames.map(({ frame, box: [x, y, right, bottom] }) => [frame, { x, y, width: right - x, height: bottom - y }]),
      ),
      infractions: infractions.map(({ rule, time }) => ({ rule, timeS: time })),
    }),
  );

const truthSchema = z
  .object({
    schema: z.literal('atalaya/street-truth/1'),
    frame: z.object({ rate: z.number().positive() }),
    vehicles: z.array(vehicleSchema),
  })
  .refine(({ vehicles }) => new Set(vehicles.map(({ id }) => id)).size === vehicles.length, {
    path: ['vehicles'],
    message: 'two vehicles have the same id',
  })
  .transform(({ frame, vehicles }): Truth => ({ frameRate: frame.rate, vehicles }));

/** Reads a truth file. Throws `usage-invalid` where it cannot be read, is no JSON, or does not say what a comparison needs. */
export async function loadTruth(path: string): Promise<Truth> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    const reason = missing ? 'it does not exist' : error instanceof Error ? error.message : String(error);
    throw new AtalayaError('usage-invalid', `The truth ${path} cannot be read: ${reason}`, {
      hint: 'Give --truth the truth file that belongs to the source, or leave it out.',
      cause: error,
    });
  }
  return parse(truthSchema, content, `the truth ${path}`, 'usage-invalid');
}
