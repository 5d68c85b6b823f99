import { access } from 'node:fs/promises';
import { AtalayaError } from '../kernel/errors.ts';
import type { UtcMilliseconds } from '../kernel/units.ts';
import type { Camera, FrameDamage } from './camera.ts';
import { MjpegCamera } from './mjpeg-camera.ts';
import { VideoCamera } from './video-camera.ts';

export interface SourceOptions {
  readonly nominalRate: number;
  /** Date for the first frame of a recording that states none. */
  readonly start: UtcMilliseconds;
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly onDamage: (damage: FrameDamage) => void;
}

/** The camera for a recording, by the file's ending. Throws `source-missing`. */
export async function openSource(path: string, options: SourceOptions): Promise<Camera> {
  try {
    await access(path);
  } catch (error) {
    throw new AtalayaError('source-missing', `there is no source ${path}`, {
      hint: 'Check the path given as source.',
      cause: error,
    });
  }
  if (/\.(mjpe?g)$/i.test(path)) return new MjpegCamera({ path, ...options });
  return new VideoCamera({ path, ...options });
}
