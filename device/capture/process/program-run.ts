import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Clock } from '../../kernel/clock.ts';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import type { Timer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import type { CaptureTime } from '../frame.ts';
import type { PicturePool } from '../picture-pool.ts';
import { cameraFault, exitWords, missingCameraProgram } from './camera-faults.ts';
import type { CameraProgram } from './camera-program.ts';
import type { CaptureClock } from './capture-clock.ts';
import { ChildProgram, findProgram } from './child-program.ts';
import { type NamedPipe, openNamedPipe } from './named-pipe.ts';
import { noteReader } from './note-readers.ts';
import { cutStream } from './picture-cuts.ts';

/** A picture as it left the program, numbered and timed; pixels in a buffer of the pool, or a JPEG. */
export interface Captured {
  readonly sequence: number;
  readonly time: CaptureTime;
  readonly data: Uint8Array;
  /** Size that the program stated of it. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
}

/** What a run works with. */
export interface RunParts {
  readonly clock: Clock;
  readonly timer: Timer;
  /** PATH for the programs. */
  readonly path: string;
  /** How long a program may take to end when it is asked to. */
  readonly grace: Milliseconds;
  readonly times: CaptureClock;
  /** For pixels; undefined where JPEG comes. */
  readonly pool: PicturePool | undefined;
  /** Gives each picture its number. */
  readonly number: () => number;
  readonly onDamage: (reason: string, sequence: number) => void;
}

/** Pictures that wait to be taken; the oldest gives way. */
const MOST_WAITING = 3;
const BEFORE_DEADLINE = 5000;

/** One life of a camera's program, from its start to its end. Reads on whatever happens, so that the program never waits. */
export class ProgramRun {
  readonly #program: CameraProgram;
  readonly #parts: RunParts;
  readonly #child: ChildProgram;
  readonly #pipe: NamedPipe | undefined;
  readonly #waiting: Captured[] = [];
  #ended: { readonly fault: unknown } | undefined;
  #wake: (() => void) | undefined;
  #stopping: Promise<void> | undefined;
  #dropped = 0;
  readonly #pumped: Promise<void>;

  private constructor(program: CameraProgram, parts: RunParts, child: ChildProgram, pipe: NamedPipe | undefined) {
    this.#program = program;
    this.#parts = parts;
    this.#child = child;
    this.#pipe = pipe;
    this.#pumped = this.#pump();
  }

  /** Starts it. Throws `program-missing`, and what a program that runs before it complains of. */
  static async start(program: CameraProgram, parts: RunParts): Promise<ProgramRun> {
    const command = await findProgram(program.commands, parts.path);
    if (command === undefined) throw missingCameraProgram(program);
    const env = { ...process.env, PATH: parts.path, LC_ALL: 'C' };
    for (const before of program.before) await runBefore(program, before, env);
    const pipe = program.notes.from === 'fifo' ? await openNamedPipe(env, parts.timer, parts.grace) : undefined;
    parts.times.restart();
    return new ProgramRun(program, parts, ChildProgram.start(command, program.args(pipe?.path ?? ''), env), pipe);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Pictures that nobody took in time. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The oldest picture that waits, which goes on waiting. */
  peek(): Captured | undefined {
    return this.#waiting[0];
  }

  /** Takes the oldest picture that waits. */
  poll(): Captured | undefined {
    return this.#waiting.shift();
  }

  /**
   * Waits until there is a picture: true, or false where the signal was aborted. Throws the program's fault where it ended, and
   * `camera-unavailable` where nothing came within `patience`.
   */
  async ready(patience: Milliseconds, signal: AbortSignal): Promise<boolean> {
    const { clock, timer } = this.#parts;
    const until = clock.monotonic() + patience;
    for (;;) {
      if (signal.aborted) return false;
      if (this.#waiting.length > 0) return true;
      if (this.#ended !== undefined) throw this.#ended.fault;
      const left = until - clock.monotonic();
      if (left <= 0) throw this.#silent(patience);
      const over = new AbortController();
      const changed = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([changed, timer.sleep(milliseconds(left), AbortSignal.any([signal, over.signal]))]);
      over.abort();
    }
  }

  /** Ends the program and gives back what it has left; may be called twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#child.stop(this.#parts.timer, this.#parts.grace);
    await this.#pipe?.close();
    await this.#pumped;
    for (const captured of this.#waiting.splice(0)) this.#discard(captured);
  }

  #silent(patience: number): AtalayaError {
    const what = `it gave no picture for ${(patience / 1000).toFixed(1)} s`;
    // What it said before it fell silent may be about anything: only a complaint that is known is repeated.
    const known = this.#program.complaints.find(({ says }) => says.test(this.#child.said.join('\n')));
    return cameraFault(this.#program, what, known === undefined ? [] : this.#child.said);
  }

  async #pump(): Promise<void> {
    const { onDamage, number, clock, pool } = this.#parts;
    const { pictures, notes } = this.#program;
    const words = notes.from === 'nowhere' ? undefined : notes.words;
    const stream = pictures.from === 'stdout' ? this.#child.stdout : this.#child.extra;
    let fault: unknown;
    try {
      const reader = noteReader(words, this.#notesFrom());
      for await (const cut of cutStream(this.#program, stream, reader, clock, pool)) {
        const sequence = number();
        if (cut.kind === 'damage') {
          onDamage(cut.reason, sequence);
          continue;
        }
        const { data, note, arrival } = cut;
        const time = this.#parts.times.time(note.stamp, arrival);
        // What a decoder makes up where the data is broken was never in front of the camera.
        const reason = note.errors[0] ?? ('reason' in time ? time.reason : undefined);
        if (reason !== undefined || 'reason' in time) {
          pool?.release(data);
          onDamage(reason ?? '', sequence);
          continue;
        }
        const size =
          note.width === undefined || note.height === undefined
            ? undefined
            : { width: note.width, height: note.height };
        this.#add({ sequence, time, data, size });
      }
    } catch (error) {
      fault = error;
    }
    if (!isAtalayaError(fault)) {
      // A program that has closed its output and lives on has nothing more to show.
      const exit = await this.#child.stop(this.#parts.timer, this.#parts.grace);
      fault =
        exit.kind === 'failed' && exit.code === 'ENOENT'
          ? missingCameraProgram(this.#program)
          : cameraFault(this.#program, exitWords(exit), this.#child.said);
    }
    this.#ended = { fault };
    this.#wake?.();
  }

  #notesFrom() {
    switch (this.#program.notes.from) {
      case 'fifo':
        return this.#pipe?.stream ?? this.#child.extra;
      case 'extra':
        return this.#child.extra;
      case 'stdout':
        return this.#child.stdout;
      default:
        return this.#child.stderr;
    }
  }

  #add(captured: Captured): void {
    this.#waiting.push(captured);
    if (this.#waiting.length > MOST_WAITING) {
      const oldest = this.#waiting.shift();
      if (oldest !== undefined) this.#discard(oldest);
      this.#dropped += 1;
    }
    this.#wake?.();
  }

  #discard({ data }: Captured): void {
    this.#parts.pool?.release(data);
  }
}

async function runBefore(
  program: CameraProgram,
  { command, args, optional = false }: CameraProgram['before'][number],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  try {
    await promisify(execFile)(command, args, { timeout: BEFORE_DEADLINE, env });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw missingCameraProgram({ ...program, commands: [command] });
    }
    if (optional) return;
    throw cameraFault(program, `${command} ${args.join(' ')} failed`, said.split('\n'));
  }
}
