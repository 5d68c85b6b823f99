import type { Camera } from '../capture/camera.ts';
import { openSource, type SourceOptions } from '../capture/open-source.ts';
import { PacedCamera } from '../capture/paced-camera.ts';
import type { CameraSettings } from '../capture/process/camera-settings.ts';
import { type CameraParts, openCamera } from '../capture/process/open-camera.ts';
import { RepeatingCamera } from '../capture/repeating-camera.ts';
import { AtalayaError } from '../kernel/errors.ts';
import type { Milliseconds } from '../kernel/units.ts';

/** What a person chose to watch. */
export interface SourceChoice {
  /** A recording; goes before the camera, since it is named for one run. */
  readonly path: string | undefined;
  readonly camera: CameraSettings | undefined;
  /** How a recording is played, and what follows its end; a camera has its own pace, and no end. */
  readonly pace: 'timestamps' | 'flat-out';
  readonly atEnd: 'end' | 'stay' | 'repeat';
}

export interface UnitSource {
  readonly camera: Camera;
  /** True where the detector is shown every frame: the present waits for nobody, a recording does. */
  readonly every: boolean;
  /** A camera: it may be long in coming, and comes again after a fault. */
  readonly live: boolean;
  /** The recording's own time for an elapsed one, which goes on where the recording is played again; elsewhere they are the same. */
  readonly ownTime: (elapsed: Milliseconds) => Milliseconds;
}

const same = (elapsed: Milliseconds): Milliseconds => elapsed;

/**
 * The source that was chosen, not yet open. Throws `source-missing`, and `usage-invalid` where nothing was chosen, or a recording is to be
 * repeated as fast as it can be read.
 */
export async function openUnitSource(
  { path, camera, pace, atEnd }: SourceChoice,
  recording: SourceOptions,
  live: CameraParts,
): Promise<UnitSource> {
  if (path !== undefined) {
    if (atEnd === 'repeat') return await openRepeated(path, pace, recording, live);
    const source = await openSource(path, recording);
    return pace === 'timestamps'
      ? { camera: new PacedCamera(source, live.clock), every: false, live: false, ownTime: same }
      : { camera: source, every: true, live: false, ownTime: same };
  }
  if (camera !== undefined) {
    return { camera: openCamera(camera, live), every: false, live: true, ownTime: same };
  }
  throw new AtalayaError('usage-invalid', 'nothing says what to watch', {
    hint: 'Give --source, or source.camera or source.path in the configuration file.',
  });
}

async function openRepeated(
  path: string,
  pace: SourceChoice['pace'],
  recording: SourceOptions,
  { clock, timer }: CameraParts,
): Promise<UnitSource> {
  // The command line names a pace of its own, past the configuration's check.
  if (pace !== 'timestamps') {
    throw new AtalayaError('usage-invalid', 'a recording that is repeated is played at its own pace', {
      hint: 'Give --pace timestamps, or set source.atEnd to end or stay.',
    });
  }
  let repeating: RepeatingCamera | undefined;
  const source = await openSource(path, {
    ...recording,
    onDamage: (damage) => recording.onDamage(repeating?.numbered(damage) ?? damage),
  });
  const camera = new RepeatingCamera(new PacedCamera(source, clock, timer), timer);
  repeating = camera;
  return { camera, every: false, live: false, ownTime: (elapsed) => camera.ownTime(elapsed) };
}
