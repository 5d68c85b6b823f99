import { z } from 'zod';
import { evidence } from './evidence-section.ts';
import { lineName } from './names.ts';
import { plates } from './plates-section.ts';

/**
 * The unit's configuration: types, bounds, defaults and documentation, once. The reference page and the JSON Schema are made from here.
 *
 * Every section and every field has a default, so an empty file is a valid configuration.
 */

const unit = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes, at most 63')
    .default('unit-0')
    .describe('Name of this unit, as it stands in every record. Lower-case letters, digits and dashes.'),
  site: z.string().max(200).default('').describe('Where the unit stands, in words.'),
  direction: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Which way the traffic goes that it watches, in words; stands in every record.'),
});

const source = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      'What to watch: an .mjpeg file (read through sharp alone) or any video file (read through ffmpeg). Relative paths start at the configuration file.',
    ),
  pace: z
    .enum(['timestamps', 'flat-out'])
    .default('flat-out')
    .describe(
      '`timestamps` plays a recording at its own pace and shows the detector the newest frame, counting those that it misses; `flat-out` shows it every frame, as fast as it can.',
    ),
  nominalRate: z
    .number()
    .min(0.1)
    .max(1000)
    .default(25)
    .describe(
      'Frames a second to assume for an .mjpeg file that has no `.times.json` beside it. No speed is stated from assumed times.',
    ),
  startedAt: z.iso
    .datetime({ offset: true })
    .optional()
    .describe(
      'Date and time of the first frame, as `2026-03-01T12:00:00Z`, for a recording that does not state it. Without it such a recording counts from 1970 and every record says that its date is unknown.',
    ),
  ffmpeg: z.string().min(1).default('ffmpeg').describe('The ffmpeg program: a name on PATH, or a path.'),
  ffprobe: z.string().min(1).default('ffprobe').describe('The ffprobe program: a name on PATH, or a path.'),
});

const detector = z.strictObject({
  bundle: z
    .string()
    .min(1)
    .default('ssdlite-mobilenet-v2-int8')
    .describe('The model bundle: a name under `.build/models`, or the path of a folder.'),
  threads: z.int().min(1).max(64).default(2).describe('Processor threads that one inference shares.'),
  leastScore: z
    .number()
    .min(0.05)
    .max(0.95)
    .default(0.2)
    .describe(
      'Detections with a lower score are dropped. The tracker uses doubtful ones to keep a track alive, not to begin one.',
    ),
  overlap: z
    .number()
    .min(0.1)
    .max(0.95)
    .default(0.55)
    .describe('Two boxes that share more than this part of their joint area are one vehicle.'),
  fit: z
    .enum(['stretch', 'letterbox'])
    .default('stretch')
    .describe("How a region fills the network's square input: stretched, or with its aspect kept and grey beside it."),
  deadlineS: z
    .number()
    .min(1)
    .max(120)
    .default(20)
    .describe('Seconds after which a detector that does not answer counts as failed.'),
});

const onMs = (value: number) =>
  z
    .number()
    .min(1)
    .max(600_000)
    .default(value)
    .describe('How long the line is held after an infraction, in milliseconds.');
const output = (name: string) => lineName.default(name).describe('Name of the output line.');

const signal = z.strictObject({
  beacon: z
    .strictObject({ output: output('beacon'), onMs: onMs(5000) })
    .prefault({})
    .describe('The lamp that tells drivers that an infraction was recorded.'),
  strobe: z
    .strictObject({
      output: output('strobe'),
      onMs: onMs(60),
      restMs: z
        .number()
        .min(0)
        .max(600_000)
        .default(500)
        .describe('How long the lamp stays dark after each flash, in milliseconds.'),
    })
    .prefault({})
    .describe('The flash: one an infraction.'),
  deadlineMs: z
    .number()
    .min(1)
    .max(60_000)
    .default(500)
    .describe('An output that has not switched by then is reported as stuck; the pipeline does not wait for it.'),
});

export const configSchema = z.strictObject({
  unit: unit.prefault({}).describe('Who this unit is.'),
  scene: z.string().min(1).optional().describe('The scene file. Relative paths start at the configuration file.'),
  source: source.prefault({}).describe('What the unit watches.'),
  detector: detector.prefault({}).describe('How it finds vehicles.'),
  plates: plates.prefault({}).describe('How it reads plates, and which it looks out for.'),
  evidence: evidence.prefault({}).describe('What it keeps.'),
  signal: signal.prefault({}).describe('How it signals.'),
});

export type Config = z.infer<typeof configSchema>;
