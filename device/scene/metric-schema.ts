import { z } from 'zod';
import { objectClasses } from '../detect/detection.ts';
import { point, polygon } from './schema-parts.ts';

/** The fields that need metres: calibration and speed. */

const certificateSchema = z
  .strictObject({
    number: z.string().min(1).max(100).describe('Number of the certificate.'),
    issuer: z.string().min(1).max(200).describe('Who issued it.'),
    issued: z.iso.date().describe('First day on which it is valid.'),
    expires: z.iso.date().describe('Last day on which it is valid.'),
  })
  .refine((value) => value.expires >= value.issued, { message: '`expires` must not come before `issued`' });

export const limitSource = z.string().min(1).max(500);

const pair = z.strictObject({
  image: point.describe('[x, y] in pixels where the mark is in the picture.'),
  road: z
    .tuple([z.number(), z.number()])
    .transform(([x, y]) => ({ x, y }))
    .describe(
      '[x, y] in metres where the same mark is on the road; any origin; y stands 90 degrees anticlockwise of x as seen from above.',
    ),
});

const share = z.number().min(-2).max(2);

const lensSchema = z
  .strictObject({
    k1: share.describe(
      "First radial coefficient of the Brown-Conrady model, radii counted in halves of the picture's diagonal: a point at r of the straight picture is delivered at r (1 + k1 r^2 + k2 r^4). Below 0 for a barrel.",
    ),
    k2: share.optional().describe('Second radial coefficient. Default 0.'),
    centre: point.optional().describe('Where the optical axis meets the picture. Default its middle.'),
    deviations: z
      .array(z.tuple([z.number(), z.number()]))
      .max(2)
      .optional()
      .describe(
        'Error of k1 and k2: what one standard deviation adds to them, along each of at most two independent directions. None: taken as exact.',
      ),
  })
  .describe(
    'How the lens bends straight lines, as `atalaya-provision calibrate` finds it. Without it the lens is taken as straight.',
  );

export const calibrationSchema = z
  .strictObject({
    points: z
      .array(pair)
      .min(4, 'four points at least')
      .max(200)
      .describe(
        'Marks on the road surface whose place is known in the picture and in metres; six or more are checked against each other.',
      ),
    pixelError: z
      .number()
      .positive()
      .max(50)
      .optional()
      .describe('Standard error of a drawn picture point, pixels. Default 1.'),
    roadError: z
      .number()
      .min(0)
      .max(5)
      .optional()
      .describe('Standard error of a surveyed road point, metres. Default 0.03.'),
    scaleError: z
      .number()
      .min(0)
      .max(0.2)
      .optional()
      .describe(
        'Standard error that all road lengths share, as a share of them: of the tape, the standard or the vehicle that they were taken from. It goes into every speed. Default 0.',
      ),
    lens: lensSchema.optional(),
    allowedResidual: z
      .number()
      .positive()
      .max(100)
      .optional()
      .describe(
        'Greatest distance between a point and its place by the fit, pixels; above it the scene is refused. Default 4.',
      ),
    date: z.iso.date().optional().describe('Day of the survey, for the evidence.'),
    certificate: certificateSchema
      .optional()
      .describe(
        'Certificate of the calibration or verification, for the evidence. An expired one stops no judgement: the evidence of a speed says what it was on its day.',
      ),
  })
  .describe('From pixels to metres. Without it everything but speed works in the picture.');

const tolerance = z
  .union([
    z.literal('de').describe('3 km/h up to 100 km/h, 3 % of the measured speed above.'),
    z.strictObject({
      kmh: z.number().min(0).max(50).describe('Deducted up to 100 km/h.'),
      percent: z.number().min(0).max(50).describe('Per cent of the measured speed deducted above 100 km/h.'),
    }),
  ])
  .describe('Deducted from the measured speed before it is held against the limit. Default `de`.');

export const speedSchema = z
  .strictObject({
    limitKmh: z.number().positive().max(300).describe('Limit for everybody, km/h.'),
    limitSource: limitSource
      .optional()
      .describe(
        'What set the limit, for the evidence: the order or the sign, for example `StVO sign 274, order 12/2026`.',
      ),
    classes: z
      .partialRecord(z.enum(objectClasses), z.number().positive().max(300))
      .optional()
      .describe('Lower limits by class, km/h, for example `{ truck: 60 }`.'),
    tolerance: tolerance.optional(),
    coverage: z
      .number()
      .min(0)
      .max(10)
      .optional()
      .describe('How many standard uncertainties must lie between the charged speed and the limit. Default 2.'),
    area: polygon.optional().describe('Where speed is measured, pixels; everywhere on the road where absent.'),
  })
  .describe('Speed limit (`speeding`). Needs `calibration`.');

export const rectangleSchema = z.strictObject({
  x: z.number().min(0).describe('Left edge, pixels.'),
  y: z.number().min(0).describe('Top edge, pixels.'),
  width: z.number().positive().describe('Pixels.'),
  height: z.number().positive().describe('Pixels.'),
});
