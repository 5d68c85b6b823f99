import type { Camera } from './capture/camera.ts';
import { openSource, type SourceOptions } from './capture/open-source.ts';
import { PacedCamera } from './capture/paced-camera.ts';
import type { CameraSettings } from './capture/process/camera-settings.ts';
import { type CameraParts, openCamera } from './capture/process/open-camera.ts';
import { AtalayaError } from './kernel/errors.ts';

/** What a person chose to watch. */
export interface SourceChoice {
  /** A recording; goes before the camera, since it is named for one run. */
  readonly path: string | undefined;
  readonly camera: CameraSettings | undefined;
  /** How a recording is played; a camera has its own pace. */
  readonly pace: 'timestamps' | 'flat-out';
}

export interface UnitSource {
  readonly camera: Camera;
  /** True where the detector is shown every frame: the present waits for nobody, a recording does. */
  readonly every: boolean;
  /** A camera: it may be long in coming, and comes again after a fault. */
  readonly live: boolean;
}

/** The source that was chosen, not yet open. Throws `source-missing`, and `usage-invalid` where nothing was chosen. */
export async function openUnitSource(
  { path, camera, pace }: SourceChoice,
  recording: SourceOptions,
  live: CameraParts,
): Promise<UnitSource> {
  if (path !== undefined) {
    const source = await openSource(path, recording);
    return pace === 'timestamps'
      ? { camera: new PacedCamera(source, live.clock), every: false, live: false }
      : { camera: source, every: true, live: false };
  }
  if (camera !== undefined) return { camera: openCamera(camera, live), every: false, live: true };
  throw new AtalayaError('usage-invalid', 'nothing says what to watch', {
    hint: 'Give --source, or source.camera or source.path in the configuration file.',
  });
}
