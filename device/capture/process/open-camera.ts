import { readFile } from 'node:fs/promises';
import type { Clock } from '../../kernel/clock.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Backoff, Random } from '../../kernel/supervise.ts';
import type { Timer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import type { FrameDamage } from '../camera.ts';
import { argus } from './argus-program.ts';
import type { CameraProgram } from './camera-program.ts';
import type { CameraSettings, RaspistillSettings, RpicamStillSettings, RtspSettings } from './camera-settings.ts';
import { rtsp, v4l2 } from './ffmpeg-program.ts';
import type { LiveCamera } from './live-camera.ts';
import { ProcessCamera } from './process-camera.ts';
import { takeRaspistill } from './raspistill-program.ts';
import { rpicamStill, rpicamVid } from './rpicam-program.ts';
import { StillCamera } from './still-camera.ts';
import { SupervisedCamera } from './supervised-camera.ts';
import { type StillParts, takeStill } from './take-still.ts';

export interface CameraParts {
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /** PATH on which the programs are looked for. */
  readonly path: string;
  /** Name or path of ffmpeg. */
  readonly ffmpeg: string;
  /** See `SupervisedCameraOptions.patience`. */
  readonly patience: Milliseconds | undefined;
  readonly onDamage: (damage: FrameDamage) => void;
  readonly onFault: (fault: AtalayaError, wait: Milliseconds) => void;
  /** Reads the clock that this kernel's drivers stamp with; CLOCK_MONOTONIC where nothing else is given. */
  readonly kernelClock?: () => Milliseconds;
}

/** A camera that fails is started again after these waits: quickly, since the road is not watched meanwhile. */
export const cameraBackoff: Backoff = { first: milliseconds(500), most: milliseconds(30_000) };

/** A program that is asked to end has so long; an abort is to be over within a second. */
const GRACE = milliseconds(500);
/** What describing, preparing and ending a program may take beside its first picture. */
const SLACK = 10_000;

/** Node reads CLOCK_MONOTONIC, which V4L2 drivers stamp with, and libcamera on a machine that does not sleep. */
export const monotonicKernelClock = (): Milliseconds => milliseconds(Number(process.hrtime.bigint()) / 1e6);

/** The camera that the settings describe, kept going (`SupervisedCamera`). Nothing is started before `open`. */
export function openCamera(settings: CameraSettings, parts: CameraParts): LiveCamera {
  const { clock, timer, random, patience, onFault } = parts;
  const deadline = milliseconds(1000 * (settings.startS + settings.stallS) + SLACK + intervalOf(settings));
  const camera = bareCamera(settings, parts);
  return new SupervisedCamera(camera, { clock, timer, random, patience, onFault, deadline, backoff: cameraBackoff });
}

/** The camera without anybody who starts it anew: its first fault ends it. */
export function bareCamera(settings: CameraSettings, parts: CameraParts): LiveCamera {
  const { clock, timer, path, onDamage } = parts;
  if (settings.kind === 'rpicam-still' || settings.kind === 'raspistill') {
    const { width, height } = settings;
    return new StillCamera({
      name: settings.kind === 'raspistill' ? 'raspistill' : rpicamStill(settings).name,
      size: { width, height },
      take: (signal) => snapshot(settings, parts, signal),
      interval: milliseconds(intervalOf(settings)),
      ...{ clock, timer, onDamage },
    });
  }
  return new ProcessCamera(async () => programOf(settings, parts), {
    ...{ clock, timer, path, onDamage },
    kernelClock: parts.kernelClock ?? monotonicKernelClock,
    start: milliseconds(1000 * settings.startS),
    stall: milliseconds(1000 * settings.stallS),
    grace: GRACE,
  });
}

/** One picture of a camera for stills, as a whole JPEG, within `startS` and the time that it takes to settle. Faults as `takeStill`. */
export function snapshot(
  settings: RpicamStillSettings | RaspistillSettings,
  { timer, path }: Pick<CameraParts, 'timer' | 'path'>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const deadline = milliseconds(1000 * settings.startS + settings.settleMs);
  const still: StillParts = { timer, path, deadline, grace: GRACE };
  return settings.kind === 'raspistill'
    ? takeRaspistill(settings, still, signal)
    : takeStill(rpicamStill(settings), still, signal);
}

type VideoSettings = Exclude<CameraSettings, RpicamStillSettings | RaspistillSettings>;

async function programOf(settings: VideoSettings, { ffmpeg }: CameraParts): Promise<CameraProgram> {
  switch (settings.kind) {
    case 'rpicam-vid':
      return rpicamVid(settings);
    case 'v4l2':
      return v4l2(settings, ffmpeg);
    case 'argus':
      return argus(settings);
    case 'rtsp':
      return rtsp(settings, await passwordOf(settings), ffmpeg);
  }
}

function intervalOf(settings: CameraSettings): number {
  return 'intervalS' in settings ? 1000 * settings.intervalS : 0;
}

/** The first line of the password's file. */
async function passwordOf({ passwordFile }: RtspSettings): Promise<string | undefined> {
  if (passwordFile === undefined) return undefined;
  try {
    const [line = ''] = (await readFile(passwordFile, 'utf8')).split(/\r?\n/, 1);
    return line;
  } catch (error) {
    throw new AtalayaError('config-invalid', `${passwordFile} cannot be read`, {
      hint: "Write the camera's password into it, on one line, readable by this program's user alone.",
      cause: error,
    });
  }
}
