import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { type UtcMilliseconds, utcMilliseconds } from '../kernel/units.ts';

/** What a container says of its first video stream before anything is decoded. */
export interface VideoFacts {
  readonly width: number;
  readonly height: number;
  /** Number of frames, where the container counts them. */
  readonly frames: number | undefined;
  /** Milliseconds, where the container states it. */
  readonly duration: number | undefined;
  /** Date of the first frame, where the container states one. */
  readonly start: UtcMilliseconds | undefined;
}

const numeric = z.coerce.number().positive().optional().catch(undefined);
const answerSchema = z.object({
  streams: z
    .array(
      z.object({
        width: z.number().int().positive(),
        height: z.number().int().positive(),
        nb_frames: numeric,
        duration: numeric,
      }),
    )
    .default([]),
  format: z
    .object({ duration: numeric, tags: z.object({ creation_time: z.string().optional() }).optional() })
    .optional(),
});

/** Asks ffprobe. Throws `program-missing`, `source-not-video`. */
export async function probeVideo(ffprobe: string, path: string, signal: AbortSignal): Promise<VideoFacts> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    'stream=width,height,nb_frames,duration:format=duration:format_tags=creation_time',
    '-of',
    'json',
    path,
  ];
  let stdout: string;
  try {
    ({ stdout } = await promisify(execFile)(ffprobe, args, { signal, timeout: 30_000 }));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw missingProgram(ffprobe);
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : '';
    throw new AtalayaError('source-not-video', `${path} cannot be read as a video${said ? `: ${said}` : ''}`, {
      hint: 'Check that it is a video and was copied whole.',
      cause: error,
    });
  }
  const answer = answerSchema.safeParse(JSON.parse(stdout));
  const stream = answer.data?.streams[0];
  if (stream === undefined) {
    throw new AtalayaError('source-not-video', `${path} holds no video stream`, {
      hint: 'Give a file with pictures in it.',
    });
  }
  const duration = stream.duration ?? answer.data?.format?.duration;
  const date = Date.parse(answer.data?.format?.tags?.creation_time ?? '');
  return {
    width: stream.width,
    height: stream.height,
    frames: stream.nb_frames,
    duration: duration === undefined ? undefined : duration * 1000,
    start: Number.isNaN(date) || date <= 0 ? undefined : utcMilliseconds(date),
  };
}

function missingProgram(name: string): AtalayaError {
  return new AtalayaError('program-missing', `${name} is needed to read this source and was not found`, {
    hint: 'Install it (on Debian: apt-get install ffmpeg), or give an .mjpeg file, which needs no other program.',
  });
}
