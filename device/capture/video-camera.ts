import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { AtalayaError } from '../kernel/errors.ts';
import { milliseconds, type UtcMilliseconds, utcMilliseconds } from '../kernel/units.ts';
import type { Camera, CameraInfo } from './camera.ts';
import { type Frame, pictureBytes } from './frame.ts';
import { recordingClock } from './frame-times.ts';
import { PicturePool } from './picture-pool.ts';
import { probeVideo, type VideoFacts } from './video-probe.ts';

export interface VideoOptions {
  readonly path: string;
  /** Date to give the first frame where the container states none. */
  readonly start: UtcMilliseconds;
  /** Name of the programs; a path where they are not on PATH. */
  readonly ffmpeg: string;
  readonly ffprobe: string;
}

type Decoder = ChildProcessByStdio<null, Readable, Readable>;

/**
 * Replays any file that ffmpeg reads. Pictures arrive as yuv420p, which most files hold already; each frame's time is its presentation
 * timestamp, never its index over a rate: files with repeated or dropped pictures keep their true spacing.
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
    const { width, height } = facts;
    const start = facts.start ?? this.#options.start;
    const decoder = this.#start();
    const kill = () => decoder.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    const exited = once(decoder, 'exit').catch(() => [1]);
    const times = new TimestampReader(decoder.stderr);
    try {
      const pictures = cut(decoder.stdout, pictureBytes('yuv420p', width, height), pool);
      let sequence = 0;
      let first: number | undefined;
      let last = 0;
      for await (const data of pictures) {
        const stamp = await times.next();
        if (stamp === undefined) {
          pool.release(data);
          break;
        }
        first ??= stamp;
        // A file may step back by a rounding; intervals must not.
        const elapsed = Math.max(last, stamp - first);
        last = elapsed;
        yield {
          sequence,
          time: { utc: utcMilliseconds(start + elapsed), elapsed: milliseconds(elapsed), clock: recordingClock },
          picture: { format: 'yuv420p', width, height, data, range: 'limited' },
          original: undefined,
        };
        sequence += 1;
      }
      if (signal.aborted) return;
      const [code] = await exited;
      this.#checkEnd(facts, sequence, last, code === 0, times.complaint);
    } finally {
      signal.removeEventListener('abort', kill);
      kill();
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
        'info',
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

  /** The container states how long it is: a file that was cut plays to its cut without a word, so the length is held against that. */
  #checkEnd(facts: VideoFacts, frames: number, last: number, clean: boolean, complaint: string): void {
    const { path } = this.#options;
    if (frames === 0) {
      throw new AtalayaError('source-not-video', `${path} holds no picture that can be decoded: ${complaint}`, {
        hint: 'Check that it is a video and was copied whole.',
      });
    }
    const missing = facts.duration === undefined ? 0 : facts.duration - last;
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

/** Cuts a byte stream into pictures, each written straight into a buffer of the pool. A last incomplete picture is dropped. */
async function* cut(stream: Readable, bytes: number, pool: PicturePool): AsyncGenerator<Uint8Array> {
  let target = pool.acquire();
  let filled = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      let at = 0;
      while (at < chunk.byteLength) {
        const take = Math.min(chunk.byteLength - at, bytes - filled);
        target.set(chunk.subarray(at, at + take), filled);
        at += take;
        filled += take;
        if (filled < bytes) continue;
        const whole = target;
        target = pool.acquire();
        filled = 0;
        yield whole;
      }
    }
  } finally {
    pool.release(target);
  }
}

/** Reads the timestamps that `showinfo` prints, in milliseconds, one a frame and in order. */
class TimestampReader {
  readonly #lines: AsyncIterator<string>;
  #complaint = '';

  constructor(stderr: Readable) {
    this.#lines = createInterface({ input: stderr, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  }

  /** The decoder's last word that was not about a frame. */
  get complaint(): string {
    return this.#complaint;
  }

  /** The next frame's timestamp; undefined when the decoder says no more. */
  async next(): Promise<number | undefined> {
    for (;;) {
      const line = await this.#lines.next();
      if (line.done) return undefined;
      const stamp = /Parsed_showinfo.*\bn:\s*\d+\s.*\bpts_time:\s*(-?[\d.]+)/.exec(line.value)?.[1];
      if (stamp !== undefined) return Number(stamp) * 1000;
      if (!line.value.includes('Parsed_showinfo') && line.value.trim() !== '') this.#complaint = line.value.trim();
    }
  }
}
