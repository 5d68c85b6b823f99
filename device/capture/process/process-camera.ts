import type { Clock } from '../../kernel/clock.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Timer } from '../../kernel/timer.ts';
import type { Milliseconds } from '../../kernel/units.ts';
import type { CameraInfo, FrameDamage } from '../camera.ts';
import { decodeJpeg } from '../decode-jpeg.ts';
import type { Frame } from '../frame.ts';
import { jpegSize } from '../jpeg-size.ts';
import { PicturePool } from '../picture-pool.ts';
import { cameraFault } from './camera-faults.ts';
import type { CameraProgram } from './camera-program.ts';
import { CaptureClock } from './capture-clock.ts';
import type { LiveCamera } from './live-camera.ts';
import { type Captured, ProgramRun } from './program-run.ts';

export interface ProcessCameraOptions {
  readonly clock: Clock;
  readonly timer: Timer;
  /** Reads the clock that this kernel's drivers stamp with, in milliseconds. */
  readonly kernelClock: () => Milliseconds;
  /** PATH on which the programs are looked for. */
  readonly path: string;
  /** How long the first picture may take, and any later one. */
  readonly start: Milliseconds;
  readonly stall: Milliseconds;
  /** How long a program may take to end when it is asked to; then it is made to. */
  readonly grace: Milliseconds;
  readonly onDamage: (damage: FrameDamage) => void;
}

/** JPEG pictures that are decoded at once. */
const DECODE_AHEAD = 2;
/** So many pictures of another size in a row, and it is no damage any more. */
const OTHER_SIZES = 3;

/**
 * Any camera that is a program: starts it, cuts its output into pictures, times them, and tells what became of it. Every fault of the
 * program ends `frames`; `SupervisedCamera` starts it anew.
 *
 * Faults: `program-missing`; `scene-mismatch` where the first picture has another size than the settings say; `config-invalid` where the
 * program refuses its flags; `camera-unavailable` for all that may pass.
 */
export class ProcessCamera implements LiveCamera {
  readonly live = true;
  readonly #describe: () => Promise<CameraProgram>;
  readonly #options: ProcessCameraOptions;
  #times: CaptureClock | undefined;
  #pool: PicturePool | undefined;
  /** Opened and not yet taken over by a reader. */
  #opened: { readonly program: CameraProgram; readonly run: ProgramRun } | undefined;
  readonly #running = new Set<ProgramRun>();
  #next = 0;
  #dropped = 0;

  /** `describe` is asked at every start: a password may have changed. */
  constructor(describe: () => Promise<CameraProgram>, options: ProcessCameraOptions) {
    this.#describe = describe;
    this.#options = options;
  }

  /** Pictures that came and that nobody took in time. */
  get dropped(): number {
    return [...this.#running].reduce((sum, run) => sum + run.dropped, this.#dropped);
  }

  /** Processes that run for this camera now. */
  get processes(): readonly number[] {
    return [...this.#running].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  async open(signal: AbortSignal): Promise<CameraInfo> {
    this.#opened ??= await this.#begin(signal);
    if (this.#opened === undefined) throw signal.reason;
    const { name, size } = this.#opened.program;
    return { name, ...size, frames: undefined };
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    if (signal.aborted) return;
    const begun = this.#opened ?? (await this.#begin(signal));
    this.#opened = undefined;
    if (begun === undefined) return;
    const { program, run } = begun;
    const ahead: Promise<Frame | FrameDamage | OtherSize>[] = [];
    let others = 0;
    try {
      for (;;) {
        if (ahead.length === 0 && !(await run.ready(this.#options.stall, signal))) return;
        while (ahead.length < DECODE_AHEAD) {
          const captured = run.poll();
          if (captured === undefined) break;
          ahead.push(this.#picture(program, captured));
        }
        const done = await ahead.shift();
        if (done === undefined) continue;
        if (signal.aborted) {
          if ('picture' in done) this.release(done);
          return;
        }
        others = 'other' in done ? others + 1 : 0;
        if ('picture' in done) yield done;
        else this.#options.onDamage({ sequence: done.sequence, reason: done.reason });
        if (others >= OTHER_SIZES) throw cameraFault(program, 'its pictures have changed their size', []);
      }
    } finally {
      await this.#end(run);
      // What was decoded ahead and never yielded has no other owner.
      for (const done of await Promise.all(ahead)) if ('picture' in done) this.release(done);
    }
  }

  release(frame: Frame): void {
    this.#pool?.release(frame.picture.data);
  }

  async close(): Promise<void> {
    this.#opened = undefined;
    await Promise.all([...this.#running].map((run) => this.#end(run)));
  }

  /** Starts the program and waits for its first picture; undefined where the signal was aborted. */
  async #begin(signal: AbortSignal) {
    if (signal.aborted) return undefined;
    const { clock, timer, path, grace, start, kernelClock, onDamage } = this.#options;
    const program = await this.#describe();
    const { pictures, size } = program;
    this.#times ??= new CaptureClock(program.stamps, clock, kernelClock);
    this.#pool ??= new PicturePool(pictures.format === 'mjpeg' ? 'rgb24' : 'yuv420p', size.width, size.height);
    // What was lost while the camera was down shows as a gap.
    if (this.#next > 0) this.#next += 1;
    const run = await ProgramRun.start(program, {
      ...{ clock, timer, path, grace },
      times: this.#times,
      pool: pictures.format === 'mjpeg' ? undefined : this.#pool,
      number: () => this.#next++,
      onDamage: (reason, sequence) => onDamage({ sequence, reason }),
    });
    this.#running.add(run);
    try {
      if (await run.ready(start, signal)) {
        this.#checkFirst(program, run);
        return { program, run };
      }
      await this.#end(run);
      return undefined;
    } catch (error) {
      await this.#end(run);
      throw error;
    }
  }

  async #end(run: ProgramRun): Promise<void> {
    await run.stop();
    if (this.#running.delete(run)) this.#dropped += run.dropped;
  }

  /** A camera that gives another size than the scene was measured in must not be judged by. */
  #checkFirst(program: CameraProgram, run: ProgramRun): void {
    const first = run.peek();
    const { width, height } = program.size;
    const size =
      first?.size ?? (program.pictures.format === 'mjpeg' && first !== undefined ? jpegSize(first.data) : undefined);
    if (size === undefined || (size.width === width && size.height === height)) return;
    const sizes = `${size.width}x${size.height}, and source.camera says ${width}x${height}`;
    throw new AtalayaError('scene-mismatch', `${program.name} gives pictures of ${sizes}`, {
      hint: 'Set source.camera.width and height to what the camera gives, and measure the scene in such a picture.',
    });
  }

  async #picture(program: CameraProgram, captured: Captured): Promise<Frame | FrameDamage | OtherSize> {
    const { sequence, time, data } = captured;
    const { pictures, size } = program;
    const { width, height } = size;
    const stated = captured.size ?? (pictures.format === 'mjpeg' ? jpegSize(data) : undefined);
    if (stated !== undefined && (stated.width !== width || stated.height !== height)) {
      if (pictures.format !== 'mjpeg') this.#pool?.release(data);
      const reason = `the picture is ${stated.width}x${stated.height}, not ${width}x${height}`;
      return { sequence, reason, other: true };
    }
    if (pictures.format !== 'mjpeg') {
      const picture = { format: 'yuv420p', width, height, data, range: pictures.range } as const;
      return { sequence, time, picture, original: undefined };
    }
    const decoded = await decodeJpeg(data, size);
    const buffer = decoded.kind === 'damaged' ? undefined : this.#pool?.acquire();
    if (decoded.kind === 'damaged' || buffer === undefined) {
      return { sequence, reason: decoded.kind === 'damaged' ? decoded.reason : 'the camera is closed' };
    }
    buffer.set(decoded.picture.data);
    decoded.free();
    return { sequence, time, picture: { format: 'rgb24', width, height, data: buffer }, original: data };
  }
}

interface OtherSize extends FrameDamage {
  readonly other: true;
}
