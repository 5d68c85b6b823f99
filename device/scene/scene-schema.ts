import { z } from 'zod';
import { objectClasses } from '../detect/detection.ts';
import { calibrationSchema, limitSource, rectangleSchema, speedSchema } from './metric-schema.ts';
import { classesSchema, linePoints, name, point, polygon, seconds, windowSchema } from './schema-parts.ts';

const arrow = linePoints.describe(
  'Two or more points in the sense of travel: an arrow from the first to the last; more points follow a curve.',
);

const lane = z
  .strictObject({
    name,
    polygon: polygon.describe('Outline of the lane on the road surface.'),
    direction: arrow
      .optional()
      .describe(
        'The lawful way, drawn as two or more points in the sense of travel (more points follow a curve). Without it wrong-way driving is not judged here.',
      ),
    limitKmh: z
      .number()
      .positive()
      .max(300)
      .optional()
      .describe("This lane's own speed limit, before `speed.limitKmh`."),
    limitSource: limitSource.optional().describe("What set this lane's own limit, for the evidence."),
    only: classesSchema
      .optional()
      .describe('Classes that may use the lane; every other vehicle in it is accused (`restricted-lane`).'),
    onlyWhen: z.array(windowSchema).min(1).optional().describe('When `only` holds; always where absent.'),
    graceS: seconds
      .optional()
      .describe('Seconds that a barred vehicle may be in the lane, to turn or to give way. Default 2.'),
  })
  .refine((value) => value.only !== undefined || (value.onlyWhen === undefined && value.graceS === undefined), {
    message: '`onlyWhen` and `graceS` have no meaning without `only`',
  })
  .refine((value) => value.limitKmh !== undefined || value.limitSource === undefined, {
    message: '`limitSource` has no meaning without `limitKmh`',
  });

const stopLine = z.strictObject({
  name,
  points: linePoints.describe('The painted line, two or more points, only across the lanes that obey `signal`.'),
  direction: arrow.describe('The sense of travel over the line: an arrow from before the line to behind it.'),
  signal: z.string().min(1).describe('Name of the signal head that the line obeys, from `signals`.'),
  lanes: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Lanes that the line guards; a vehicle that comes from another lane is not judged. All where absent.'),
  graceS: seconds.optional().describe('Seconds of red that are forgiven. Default 0.'),
  standS: seconds
    .optional()
    .describe('Seconds that a vehicle stands behind the line at red before it is accused (`stop-line`). Default 2.'),
});

const countingLine = z.strictObject({
  name,
  points: linePoints.describe(
    'The line, two or more points. Who passes it with the bottom centre of the box is counted.',
  ),
  directions: z
    .strictObject({
      left: z.string().min(1).optional().describe('Name of the way from the right of the line to its left.'),
      right: z.string().min(1).optional().describe('Name of the way from the left of the line to its right.'),
    })
    .optional()
    .describe(
      'Names of the two ways over the line, left and right as seen by somebody who walks from its first point to its last. Default `left` and `right`.',
    ),
  classes: classesSchema
    .optional()
    .describe('Classes that are counted. Default all but `person`: bicycle, car, motorcycle, bus, truck.'),
});

const zone = {
  name,
  polygon: polygon.describe('Outline on the road surface; a vehicle is inside when its wheels are.'),
  allowedS: seconds.describe('Seconds that a vehicle may stand inside.'),
  when: z.array(windowSchema).min(1).optional().describe('When the rule holds; always where absent.'),
  classes: classesSchema.optional().describe('Classes that are judged. Default car, motorcycle, bus, truck.'),
};

const phase = z.enum(['red', 'amber', 'green', 'off']);

const span = z
  .strictObject({
    from: seconds.describe('First second of the span, since the source began.'),
    to: seconds.describe('End of the span, not included.'),
    phase: phase.describe('What the head shows.'),
  })
  .refine((value) => value.to > value.from, { message: '`to` must come after `from`' });

const step = z.strictObject({
  seconds: z.number().positive().describe('How long the step lasts.'),
  phase: phase.describe('What the head shows.'),
});

const signal = z.strictObject({
  name,
  lamp: point.optional().describe('Where the head is in the picture, for the pictures of the evidence.'),
  phases: z
    .union([
      z.strictObject({
        schedule: z
          .array(span)
          .min(1)
          .describe('The phases of a recording over its own time in seconds; outside the spans the phase is unknown.'),
      }),
      z.strictObject({
        cycle: z
          .strictObject({
            offsetS: z.number().optional().describe('Second of the source at which the first step begins. Default 0.'),
            steps: z.array(step).min(1).describe('Steps that repeat without end.'),
          })
          .describe('Phases that repeat over the time of the source.'),
      }),
      z.strictObject({
        input: z
          .strictObject({
            red: z
              .string()
              .min(1)
              .optional()
              .describe('Input line that is active at red; must be given, since only red accuses anybody.'),
            amber: z.string().min(1).optional().describe('Input line that is active at amber.'),
            green: z.string().min(1).optional().describe('Input line that is active at green.'),
          })
          .describe("Names of the unit's input lines that are wired to the signal controller."),
      }),
    ])
    .describe('Exactly one of `schedule`, `cycle` and `input`. A phase that is not known never accuses anybody.'),
});

const plates = z.strictObject({
  formats: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes'))
    .min(1)
    .max(100)
    .describe(
      'Plate formats that occur here, the commonest first: a country (`cl`: all of its formats) or one format (`br-mercosur`). What fits none of them is `unread`.',
    ),
});

/** The scene file; `.describe()` carries the reference documentation. */
export const sceneSchema = z.strictObject({
  name,
  picture: z
    .strictObject({
      width: z.number().int().positive().describe('Pixels.'),
      height: z.number().int().positive().describe('Pixels.'),
    })
    .describe('Size of the picture on which every point of the file was drawn.'),
  timeZone: z
    .string()
    .min(1)
    .optional()
    .describe('IANA zone of the clock times in `when` and `onlyWhen`, for example Europe/Berlin. Default UTC.'),
  calibration: calibrationSchema.optional(),
  speed: speedSchema.optional(),
  lanes: z
    .array(lane)
    .optional()
    .describe('Lanes: wrong way, restricted classes, own limits; named in every infraction.'),
  signals: z.array(signal).optional().describe('Signal heads and where their phase is known from.'),
  stopLines: z.array(stopLine).optional().describe('Stop lines: red light and standing behind the line.'),
  countingLines: z.array(countingLine).optional().describe('Lines that count who passes.'),
  noStopping: z.array(z.strictObject(zone)).optional().describe('Zones where stopping is forbidden (`stopping`).'),
  boxJunctions: z.array(z.strictObject(zone)).optional().describe('Boxes that must be kept clear (`blocked-box`).'),
  regions: z
    .union([z.literal('auto'), z.array(rectangleSchema).min(1)])
    .optional()
    .describe(
      'Where the detector looks: `auto` (default: the full picture and, where it is much wider than high, two overlapping near-square halves) or a list of rectangles.',
    ),
  plates: plates.optional().describe('Plates of the vehicles that pass here. Without it no plate is read.'),
  ignore: z
    .array(polygon)
    .optional()
    .describe(
      'Outlines in which nobody is of interest: parking lots, pavements, burnt-in titles. Judged by the wheels.',
    ),
});

export type SceneDocument = z.output<typeof sceneSchema>;

/** Classes that the rules judge unless the scene says otherwise: motor vehicles. */
export const motorVehicles = objectClasses.filter((one) => one !== 'person' && one !== 'bicycle');
/** Classes that a counting line counts unless the scene says otherwise: all vehicles. */
export const vehicles = objectClasses.filter((one) => one !== 'person');
