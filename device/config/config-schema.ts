import { z } from 'zod';
import { bridgePrefix } from '../../cloud-bridge/contract/names.ts';
import { linesSection } from '../signal/contract/line-settings.ts';
import { atUnit, live, restart } from './apply.ts';
import { camera } from './camera-section.ts';
import { cloud } from './cloud-section.ts';
import { evidence } from './evidence-section.ts';
import { lineName } from './names.ts';
import { flags, log, status } from './operation-sections.ts';
import { plates } from './plates-section.ts';
import { updates } from './updates-section.ts';

/**
 * The unit's configuration: types, bounds, defaults and documentation, once. The reference page and the JSON Schema are made from here,
 * and so is what a document of the centre may set (`apply`).
 *
 * Every section and every field has a default, so an empty file is a valid configuration.
 */

const unit = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes, at most 63')
    .refine(
      (id) => !id.startsWith(bridgePrefix),
      `begins with ${bridgePrefix}: brokers let whoever is named so read and write for every unit`,
    )
    .default('unit-0')
    .meta(
      atUnit(
        'Name of this unit, as it stands in every record and, where it speaks with a centre, as the CN of its certificate. Lower-case letters, digits and dashes; not beginning with `bridge-`, which is kept for bridges.',
      ),
    ),
  site: z.string().max(200).default('').meta(restart('Where the unit stands, in words.')),
  direction: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta(restart('Which way the traffic goes that it watches, in words; stands in every record.')),
  reboot: z
    .enum(['program', 'machine'])
    .default('program')
    .meta(
      atUnit(
        'What the command `reboot` starts again: this program, or the machine (`systemctl reboot`), which is for machines that do nothing else.',
      ),
    ),
});

const sourceFields = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .meta(
      atUnit(
        'What to watch: an .mjpeg file (read through sharp alone) or any video file (read through ffmpeg). Relative paths start at the configuration file.',
      ),
    ),
  camera: camera.optional().describe('A live camera. A recording that is named goes before it.'),
  pace: z
    .enum(['timestamps', 'flat-out'])
    .default('flat-out')
    .meta(
      restart(
        '`timestamps` plays a recording at its own pace and shows the detector the newest frame, counting those that it misses; `flat-out` shows it every frame, as fast as it can.',
      ),
    ),
  nominalRate: z
    .number()
    .min(0.1)
    .max(1000)
    .default(25)
    .meta(
      restart(
        'Frames a second to assume for an .mjpeg file that has no `.times.json` beside it. No speed is stated from assumed times.',
        'Hz',
      ),
    ),
  atEnd: z
    .enum(['end', 'stay', 'repeat'])
    .default('end')
    .meta(
      atUnit(
        'What the unit does when a recording has ended: `end` writes the report and ends; `stay` goes on without frames, reachable and saying that its camera is silent, until it is stopped or begins anew, and with that the recording too; `repeat` plays it again and again, for a desk, with `pace: timestamps` alone: times and numbers go on, 25 s leap at each cut, where every track ends, and records say that they are of a recording as before.',
      ),
    ),
  startedAt: z.iso
    .datetime({ offset: true })
    .optional()
    .meta(
      atUnit(
        'Date and time of the first frame, as `2026-03-01T12:00:00Z`, for a recording that does not state it. Without it such a recording counts from 1970 and every record says that its date is unknown.',
      ),
    ),
  ffmpeg: z.string().min(1).default('ffmpeg').meta(atUnit('The ffmpeg program: a name on PATH, or a path.')),
  ffprobe: z.string().min(1).default('ffprobe').meta(atUnit('The ffprobe program: a name on PATH, or a path.')),
});

const source = sourceFields.refine(({ atEnd, pace }) => atEnd !== 'repeat' || pace === 'timestamps', {
  path: ['atEnd'],
  message: 'is for a recording at its own pace: set source.pace to timestamps',
});

const detector = z.strictObject({
  bundle: z
    .string()
    .min(1)
    .default('ssdlite-mobilenet-v2-int8')
    .meta(restart('The model bundle: a name under `.build/models`, or the path of a folder.')),
  threads: z.int().min(1).max(64).default(2).meta(restart('Processor threads that one inference shares.')),
  leastScore: z
    .number()
    .min(0.05)
    .max(0.95)
    .default(0.2)
    .meta(
      restart(
        'Detections with a lower score are dropped. The tracker uses doubtful ones to keep a track alive, not to begin one.',
      ),
    ),
  overlap: z
    .number()
    .min(0.1)
    .max(0.95)
    .default(0.55)
    .meta(restart('Two boxes that share more than this part of their joint area are one vehicle.')),
  fit: z
    .enum(['stretch', 'letterbox'])
    .default('stretch')
    .meta(
      restart("How a region fills the network's square input: stretched, or with its aspect kept and grey beside it."),
    ),
  deadlineS: z
    .number()
    .min(1)
    .max(120)
    .default(20)
    .meta(restart('Seconds after which a detector that does not answer counts as failed.', 's')),
});

const onMs = (value: number) =>
  z
    .number()
    .min(1)
    .max(600_000)
    .default(value)
    .meta(live('How long the line is held after an infraction, in milliseconds.', 'ms'));
const output = (name: string) => lineName.default(name).meta(restart('Name of the output line.'));

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
        .meta(live('How long the lamp stays dark after each flash, in milliseconds.', 'ms')),
    })
    .prefault({})
    .describe('The flash: one an infraction.'),
  deadlineMs: z
    .number()
    .min(1)
    .max(60_000)
    .default(500)
    .meta(
      restart('An output that has not switched by then is reported as stuck; the pipeline does not wait for it.', 'ms'),
    ),
  lines: linesSection.prefault({}).describe('Which wires its lines are.'),
});

export const configSchema = z.strictObject({
  unit: unit.prefault({}).describe('Who this unit is.'),
  scene: z.string().min(1).optional().meta(atUnit('The scene file. Relative paths start at the configuration file.')),
  references: z
    .string()
    .min(1)
    .optional()
    .meta(
      atUnit(
        'What the camera saw beside the road when it was calibrated (`atalaya-provision calibrate references`). With it the unit notices when the camera is moved: an alert, and no speed is stated. Relative paths start at the configuration file.',
      ),
    ),
  source: source.prefault({}).describe('What the unit watches.'),
  detector: detector.prefault({}).describe('How it finds vehicles.'),
  plates: plates.prefault({}).describe('How it reads plates, and which it looks out for.'),
  evidence: evidence.prefault({}).describe('What it keeps.'),
  signal: signal.prefault({}).describe('How it signals.'),
  cloud: cloud
    .prefault({})
    .describe('How it speaks with the centre; without `cloud.broker` it does not, and everything else works.'),
  updates: updates.prefault({}).describe('How it takes updates.'),
  status: status.prefault({}).describe('What it tells on its own network.'),
  log: log.prefault({}).describe('What it logs.'),
  flags: flags.prefault({}).describe('What it does of what it could do. Each flag is obeyed at once.'),
});

export type Config = z.infer<typeof configSchema>;
