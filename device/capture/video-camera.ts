import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { Camera, CameraInfo, FrameDamage } from './camera.ts';
import { cutPictures } from './cut-pictures.ts';
import { type CaptureTime, type Frame, pictureBytes } from './frame.ts';
import { nominalFrameTimes, type RecordingStart, recordingClock } from './frame-times.ts';
import { PicturePool } from './picture-pool.ts';
import { type PictureNote, ShowinfoReader } from './showinfo.ts';
import { missingProgram, probeVideo, type VideoFacts } from './video-probe.ts';

export interface VideoOptions {
  readonly path: string;
  /** Frames a second to assume where the file holds no timestamps (a bare H.264 stream). */
  readonly nominalRate: number;
  /** Date to give the first frame where the container states none. */
  readonly start: RecordingStart;
  /** Name of the programs; a path where they are not on PATH. */
  readonly ffmpeg: string;
  readonly ffprobe: string;
  readonly onDamage: (damage: FrameDamage) => void;
}

type Decoder = ChildProcessByStdio<null, Readable, Readable>;

/**
 * Replays any file that ffmpeg reads. Pictures arrive as yuv420p, which most files hold already; each frame's time is its presentation
 * timestamp, never its index over a rate: files with repeated or dropped pictures keep their true spacing. A bare stream without
 * timestamps gets nominal ones, and its clock state says so.
 *
 * What the decoder complains of is reported as damage of the picture that follows. A picture that it could not decode at all is missing
 * in the times, not in the numbers: sequence numbers count what the decoder delivers.
 */
export class VideoCamera implements Camera {
  readonly #options: VideoOptions;
  #facts: VideoFacts | undefined;
  #pool: PicturePool | undefined;
  #decoder: Decoder | undefined;

  constructor(options: VideoOptions) {
    this.#options = options;
  }

  async open(signal: AbortSignal): Promise<CameraInfo> {
    const facts = await probeVideo(this.#options.ffprobe, this.#options.path, signal);
    this.#facts = facts;
    this.#pool = new PicturePool('yuv420p', facts.width, facts.height);
    return { name: this.#options.path, width: facts.width, height: facts.height, frames: facts.frames };
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    const facts = this.#facts;
    const pool = this.#pool;
    if (facts === undefined || pool === undefined) throw new AtalayaError('internal', 'the camera is not open');
    if (signal.aborted) return;
    const { width, height } = facts;
    const decoder = this.#start();
    const kill = () => decoder.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    const exited = exitOf(decoder);
    const notes = new ShowinfoReader(decoder.stderr);
    const timeOf = timing(facts, this.#options);
    let last = 0;
    let sequence = -1;
    try {
      for await (const data of cutPictures(decoder.stdout, pictureBytes('yuv420p', width, height), pool)) {
        const note = signal.aborted ? undefined : await notes.next();
        if (note !== undefined) sequence += 1;
        const time = note === undefined ? undefined : this.#timed(note, sequence, timeOf);
        if (time === undefined) pool.release(data);
        if (note === undefined) break;
        if (time === undefined) continue;
        last = time.elapsed;
        yield {
          sequence,
          time,
          picture: { format: 'yuv420p', width, height, data, range: 'limited' },
          original: undefined,
        };
      }
      if (signal.aborted) return;
      while ((await notes.next()) !== undefined);
      const exit = await exited;
      if (exit.missing) throw missingProgram(this.#options.ffmpeg);
      this.#checkEnd(facts, sequence + 1, last, exit.clean && !notes.cutOff, notes.errors);
    } finally {
      signal.removeEventListener('abort', kill);
      kill();
      await exited;
    }
  }

  release(frame: Frame): void {
    this.#pool?.release(frame.picture.data);
  }

  async close(): Promise<void> {
    this.#decoder?.kill('SIGKILL');
    this.#decoder = undefined;
  }

  #start(): Decoder {
    const { ffmpeg, path } = this.#options;
    const decoder = spawn(
      ffmpeg,
      // `showinfo` reports each frame's timestamp on stderr in the order in which the pictures leave on stdout.
      [
        '-hide_banner',
        '-nostdin',
        '-nostats',
        '-loglevel',
        'level+info',
        '-i',
        path,
        '-map',
        '0:v:0',
        '-fps_mode',
        'passthrough',
        '-vf',
        'format=yuv420p,showinfo=checksum=0',
        '-f',
        'rawvideo',
        'pipe:1',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    decoder.on('error', () => {});
    this.#decoder = decoder;
    return decoder;
  }

  /** The picture's time; undefined, and a report, where it is damaged or has no time. Throws where the size changes. */
  #timed(note: PictureNote, sequence: number, timeOf: Timing): CaptureTime | undefined {
    const { path, onDamage } = this.#options;
    const { width, height } = this.#facts ?? note;
    if (note.width !== width || note.height !== height) {
      const sizes = `from ${width}x${height} to ${note.width}x${note.height}`;
      throw new AtalayaError('source-not-video', `the pictures of ${path} change ${sizes} at frame ${sequence}`, {
        hint: 'Cut the recording where its size changes.',
      });
    }
    const time = timeOf(note, sequence);
    const [reason = time === undefined ? 'the frame has no timestamp' : undefined] = note.errors;
    if (reason === undefined) return time;
    // What a decoder makes up where the data is broken was never in front of the camera.
    onDamage({ sequence, reason });
    return undefined;
  }

  /**
   * A file that was cut plays to its cut, and the decoder exits as if all were well. What tells: the demuxer's complaint, or a container
   * that states more than came.
   */
  #checkEnd(facts: VideoFacts, frames: number, last: number, clean: boolean, errors: readonly string[]): void {
    const { path } = this.#options;
    if (frames === 0) {
      const said = errors.length === 0 ? '' : `: ${errors[0]}`;
      throw new AtalayaError('source-not-video', `${path} holds no picture that can be decoded${said}`, {
        hint: 'Check that it is a video and was copied whole.',
      });
    }
    const complete = facts.frames !== undefined && frames >= facts.frames;
    const missing = facts.duration === undefined || complete ? 0 : facts.duration - last;
    const tolerance = Math.max(500, 0.03 * (facts.duration ?? 0));
    if (clean && missing <= tolerance) return;
    const of = facts.frames === undefined ? '' : ` of ${facts.frames}`;
    throw new AtalayaError(
      'source-truncated',
      `${path} ends early, after ${frames}${of} frames and ${(last / 1000).toFixed(1)} s`,
      {
        hint: 'What was seen up to there is kept; copy the recording again for the rest.',
      },
    );
  }
}

type Timing = (note: PictureNote, sequence: number) => CaptureTime | undefined;

/** Times from the timestamps, counted from the first; from the rate where the file has none of its own. */
function timing(facts: VideoFacts, options: Pick<VideoOptions, 'start' | 'nominalRate'>): Timing {
  const start = facts.start === undefined ? options.start : { utc: facts.start, stated: true };
  const clock = { ...recordingClock, dated: start.stated };
  if (!facts.timed) {
    const times = nominalFrameTimes(options.nominalRate, start);
    return (_note, sequence) => times.at(sequence);
  }
  let first: number | undefined;
  let last = 0;
  return ({ stamp }) => {
    if (stamp === undefined) return undefined;
    first ??= stamp;
    // A file may step back by a rounding; intervals must not.
    last = Math.max(last, stamp - first);
    return { utc: utcMilliseconds(start.utc + last), elapsed: milliseconds(last), clock };
  };
}

/** Settles when the process is gone, or was never there. */
async function exitOf(decoder: Decoder): Promise<{ readonly clean: boolean; readonly missing: boolean }> {
  try {
    const [code] = await once(decoder, 'exit');
    return { clean: code === 0, missing: false };
  } catch (error) {
    return { clean: false, missing: systemCode(error) === 'ENOENT' };
  }
}
