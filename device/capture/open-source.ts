import { stat } from 'node:fs/promises';
import { AtalayaError } from '../kernel/errors.ts';
import type { Camera, FrameDamage } from './camera.ts';
import type { RecordingStart } from './frame-times.ts';
import { MjpegCamera } from './mjpeg-camera.ts';
import { VideoCamera } from './video-camera.ts';

export interface SourceOptions {
  readonly nominalRate: number;
  /** Date for the first frame of a recording that states none. */
  readonly start: RecordingStart;
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly onDamage: (damage: FrameDamage) => void;
}

/** The camera for a recording, by the file's ending. Throws `source-missing`. */
export async function openSource(path: string, options: SourceOptions): Promise<Camera> {
  if (/^[a-z]+:\/\//i.test(path)) {
    throw new AtalayaError('source-missing', `${path} is no recording`, {
      hint: 'A live camera is named by source.camera in the configuration; here goes an .mjpeg or a video file.',
    });
  }
  const found = await stat(path).catch((error: unknown) => {
    throw new AtalayaError('source-missing', `there is no source ${path}`, {
      hint: 'Check the path given as source.',
      cause: error,
    });
  });
  if (found.isDirectory()) {
    throw new AtalayaError('source-not-video', `${path} is a folder`, { hint: 'Give one .mjpeg or video file in it.' });
  }
  if (/\.(mjpe?g)$/i.test(path)) return new MjpegCamera({ path, ...options });
  return new VideoCamera({ path, ...options });
}
