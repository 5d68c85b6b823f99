import { type ICameraOptions, type IRaspistillExecutor, type IWatcher, Raspistill } from 'node-raspistill';
import { AtalayaError } from '../../kernel/errors.ts';
import type { CameraProgram, Complaint } from './camera-program.ts';
import type { RaspistillSettings } from './camera-settings.ts';
import { arrivalStamps } from './capture-clock.ts';
import { runStill, type StillParts } from './take-still.ts';

/*
 * The legacy camera stack, gone from Raspberry Pi OS since Bookworm. node-raspistill knows raspistill's flags and calls; its own way of
 * running the program does not hold on a unit: in buffer mode it never settles where the program is missing, takes any word on stderr
 * for a failure, and has no deadline; in file mode it reads on the first event of the folder, which may be half a picture. It lets
 * whoever constructs it hand in an executor, and the one here does what `takeStill` promises.
 */

/** Messages of RaspiStill.c and of the MMAL library below it. */
export const raspistillComplaints: readonly Complaint[] = [
  {
    says: /camera is not detected|camera is not enabled/i,
    code: 'camera-unavailable',
    reason: 'the machine sees no camera',
    hint: 'Switch off, seat the ribbon cable at both ends, and switch the camera on in raspi-config; vcgencmd get_camera tells.',
  },
  {
    says: /enomem|out of resources|failed to create camera component/i,
    code: 'camera-unavailable',
    reason: 'another program has the camera, or it has too little memory',
    hint: 'End the program that uses it; the legacy stack wants gpu_mem=128 or more in config.txt.',
  },
  {
    says: /failed to open vchiq|permission denied/i,
    code: 'camera-unavailable',
    reason: 'this user may not open the camera',
    hint: 'Put the user that runs this program into the group video: usermod -aG video USER, then start anew.',
  },
  {
    says: /invalid command line option/i,
    code: 'config-invalid',
    reason: 'the program does not take a flag that it was given',
    hint: 'Bring the system up to its last release: apt-get upgrade.',
  },
];

/** What node-raspistill is told. Its ISO 100 is a gain of 1, and it knows 100 to 800. */
export function raspistillOptions(settings: RaspistillSettings): ICameraOptions {
  const { width, height, settleMs, quality, exposure, gain, flip } = settings;
  return {
    noFileSave: true,
    noPreview: true,
    encoding: 'jpg',
    thumb: 'none',
    // 0 would keep the preview up for ever.
    time: Math.max(1, settleMs),
    ...{ width, height, quality },
    ...(exposure === 'auto' ? {} : { shutterspeed: exposure }),
    ...(gain === 'auto' ? {} : { iso: Math.min(800, Math.max(100, Math.round(gain * 100))) }),
    horizontalFlip: flip === 'horizontal' || flip === 'both',
    verticalFlip: flip === 'vertical' || flip === 'both',
  };
}

/** One picture by raspistill. Faults as `takeStill`. */
export async function takeRaspistill(
  settings: RaspistillSettings,
  parts: StillParts,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const run = (args: readonly string[]) => runStill(raspistill(settings), args, parts, signal);
  return new Raspistill(raspistillOptions(settings), watchesNothing, executor(run)).takePhoto();
}

function executor(run: (args: readonly string[]) => Promise<Uint8Array>): IRaspistillExecutor {
  const picture = async (args: string[]) => Buffer.from(await run(args));
  return { exec: picture, spawnAndGetImage: picture, spawnAndGetImages: refused, killProcess: () => {} };
}

const refused = async (): Promise<never> => {
  throw new AtalayaError('internal', 'pictures are taken one at a time');
};

/** Nothing is written to a folder. */
const watchesNothing: IWatcher = {
  watchAndGetFile: refused,
  watchAndGetFiles: refused,
  closeWatcher: () => {},
  setOptions: () => {},
  getOptions: () => ({}),
  getOption: () => undefined,
};

function raspistill({ width, height, intervalS }: RaspistillSettings): CameraProgram {
  return {
    name: 'the camera (raspistill)',
    commands: ['raspistill'],
    install:
      'It belongs to the legacy camera stack; from Raspberry Pi OS 12 on, set source.camera.kind to rpicam-still.',
    args: () => [],
    before: [],
    pictures: { from: 'stdout', format: 'mjpeg' },
    notes: { from: 'nowhere' },
    stamps: arrivalStamps(1 / intervalS),
    size: { width, height },
    complaints: raspistillComplaints,
    secrets: [],
  };
}
