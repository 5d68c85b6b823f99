import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { type UtcMilliseconds, utcMilliseconds } from '../kernel/units.ts';

/** What a container says of its first video stream before anything is decoded. */
export interface VideoFacts {
  /** As it is shown: a recording that was made upright is turned before anything else sees it. */
  readonly width: number;
  readonly height: number;
  /** Number of frames, where the container counts them. */
  readonly frames: number | undefined;
  /** Milliseconds, where the container states it. */
  readonly duration: number | undefined;
  /** Date of the first frame, where the container states one. */
  readonly start: UtcMilliseconds | undefined;
  /** False for a bare stream, which has no timestamps: those that ffmpeg makes up are nominal. */
  readonly timed: boolean;
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
        side_data_list: z.array(z.object({ rotation: z.number().optional() })).default([]),
      }),
    )
    .default([]),
  format: z
    .object({
      format_name: z.string().default(''),
      duration: numeric,
      tags: z.object({ creation_time: z.string().optional() }).optional(),
    })
    .optional(),
});

/** Demuxers of bare streams. */
const untimed = new Set(['h264', 'hevc', 'vvc', 'm4v', 'mpegvideo', 'mjpeg', 'mjpeg_2000', 'obu', 'rawvideo']);

const DEADLINE = 30_000;

/** Asks ffprobe. Throws `program-missing`, `source-not-video`, `deadline-exceeded`, and the signal's reason when it is aborted. */
export async function probeVideo(ffprobe: string, path: string, signal: AbortSignal): Promise<VideoFacts> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_entries',
    'stream=width,height,nb_frames,duration:stream_side_data=rotation:format=format_name,duration:format_tags=creation_time',
    '-of',
    'json',
    '-i',
    path,
  ];
  let stdout: string;
  try {
    ({ stdout } = await promisify(execFile)(ffprobe, args, { signal, timeout: DEADLINE }));
  } catch (error) {
    signal.throwIfAborted();
    if (systemCode(error) === 'ENOENT') throw missingProgram(ffprobe);
    if (error instanceof Error && 'killed' in error && error.killed === true) {
      throw new AtalayaError('deadline-exceeded', `${ffprobe} gave no answer about ${path} for ${DEADLINE} ms`, {
        cause: error,
      });
    }
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
  const rotation = stream.side_data_list.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  const upright = Math.round(Math.abs(rotation) / 90) % 2 === 1;
  return {
    width: upright ? stream.height : stream.width,
    height: upright ? stream.width : stream.height,
    frames: stream.nb_frames,
    duration: duration === undefined ? undefined : duration * 1000,
    start: Number.isNaN(date) || date <= 0 ? undefined : utcMilliseconds(date),
    timed: !untimed.has(answer.data?.format?.format_name ?? ''),
  };
}

export function missingProgram(name: string): AtalayaError {
  return new AtalayaError('program-missing', `${name} is needed to read this source and was not found`, {
    hint: 'Install it (on Debian: apt-get install ffmpeg), or give an .mjpeg file, which needs no other program.',
  });
}
