import { z } from 'zod';

/** The file that a technician writes at the roadside: where things are in the picture, and what is known of them in metres. */

const pixel = z
  .tuple([z.number(), z.number()])
  .transform(([x, y]) => ({ x, y }))
  .describe('[x, y] in pixels, origin top left.');
const metre = z.tuple([z.number(), z.number()]).transform(([x, y]) => ({ x, y }));
const error = z.number().min(0).max(5);

const surveyed = z.strictObject({
  name: z.string().min(1).max(60).optional().describe('Name for the messages; its number otherwise.'),
  image: pixel.describe('Where it is in the picture.'),
  road: metre.describe('Where it is on the road, metres; y 90 degrees anticlockwise of x as seen from above.'),
});

const dash = z.strictObject({
  name: z.string().min(1).max(60).optional().describe('Name for the messages; its number otherwise.'),
  image: pixel.describe('Where the middle of the end of the dash is in the picture.'),
  line: z.int().min(0).max(20).describe('Which broken line, from 0 at the left as seen by the traffic that goes away.'),
  dash: z.int().min(0).max(500).describe('Which dash of the line, from 0 at the near end.'),
  end: z.enum(['near', 'far']).describe('Which end of the dash.'),
});

const markings = z.strictObject({
  standard: z.string().min(1).describe('Id of the standard, as `calibrate standards` lists them.'),
  laneWidth: z.number().min(1.5).max(10).describe('Metres between the middles of two neighbouring lines.'),
  laneWidthError: error.optional().describe('Standard error of it, metres. Default 0.05: measured with a tape.'),
  starts: z
    .array(z.number())
    .max(21)
    .optional()
    .describe('Per line, where its dash 0 begins along the road, metres. Default 0: dashes lie side by side.'),
  period: z
    .strictObject({
      metres: z.number().min(1).max(40).describe('From the near end of one dash to that of the next, measured.'),
      error: error.describe('Standard error of that, metres.'),
    })
    .optional()
    .describe('A period that was measured: it takes the place of the standard, and its error that of the tolerance.'),
  points: z.array(dash).min(1).max(200).describe('Ends of dashes.'),
});

const wheels = z
  .strictObject({
    frontLeft: pixel.optional(),
    frontRight: pixel.optional(),
    rearLeft: pixel.optional(),
    rearRight: pixel.optional(),
  })
  .describe('Where each wheel touches the road, in the picture; left and right as the driver has them.');

const vehicle = z.strictObject({
  what: z.string().min(1).max(100).optional().describe('Make and model.'),
  wheelbase: z.number().min(1).max(8).describe('Metres between the axles, measured.'),
  track: z.number().min(0.8).max(3).describe('Metres between the middles of the tyres of one axle, measured.'),
  error: error.optional().describe('Standard error of both, metres. Default 0.01.'),
  positions: z
    .array(wheels)
    .min(2, 'two positions at least')
    .max(40)
    .describe(
      'The vehicle standing at places along the lane; all four wheels at one of them, two or more at the others.',
    ),
});

const lens = z.strictObject({
  k1: z.number().describe('First radial coefficient of the data sheet or of a laboratory.'),
  k2: z.number().optional().describe('Second. Default 0.'),
  focal: z
    .number()
    .positive()
    .optional()
    .describe(
      'Focal length in pixels of this picture, where the coefficients count radii in focal lengths (OpenCV); without it they count halves of the diagonal.',
    ),
  error: z.number().min(0).max(0.5).optional().describe('Standard error of k1 as given. Default 0.'),
  source: z.string().min(1).max(200).describe('Where the figures are from, for the certificate.'),
});

export const pointsSchema = z
  .strictObject({
    picture: z
      .strictObject({ width: z.int().positive(), height: z.int().positive() })
      .optional()
      .describe(
        'Size of the picture that the points were read from. Default that of the picture that is given with them.',
      ),
    pixelError: z
      .number()
      .positive()
      .max(50)
      .optional()
      .describe('Standard error of a point in the picture, pixels. Default 1.'),
    roadError: error.optional().describe('Standard error of a surveyed point, metres. Default 0.02. For `plan`.'),
    scaleError: z
      .number()
      .min(0)
      .max(0.2)
      .optional()
      .describe(
        'Standard error that all lengths of the plan share, as a share of them: of the tape or the plan. Default 0.001.',
      ),
    date: z.iso.date().describe('Day of the survey.'),
    plan: z
      .array(surveyed)
      .min(1)
      .max(200)
      .optional()
      .describe('Points whose place on the road was surveyed, or read from a plan.'),
    markings: markings.optional().describe('Points on broken lines whose lengths a standard states.'),
    vehicle: vehicle.optional().describe('A measured vehicle.'),
    lines: z
      .array(z.array(pixel).min(2).max(60))
      .max(40)
      .optional()
      .describe(
        'Things that are straight on the road, such as lane edges and kerbs, four points or more on each: they show the lens.',
      ),
    lens: lens.optional().describe('The lens, where its figures are known otherwise.'),
  })
  .refine((file) => [file.plan, file.markings, file.vehicle].filter((one) => one !== undefined).length === 1, {
    message: 'exactly one of `plan`, `markings` and `vehicle`: their metres do not count from one origin',
  })
  .refine((file) => file.lens === undefined || file.lines === undefined, {
    message: 'either `lens` or `lines`: the lens is known, or it is found from lines',
  });

export type PointsFile = z.output<typeof pointsSchema>;
export type MarkingsFile = NonNullable<PointsFile['markings']>;
export type VehicleFile = NonNullable<PointsFile['vehicle']>;
