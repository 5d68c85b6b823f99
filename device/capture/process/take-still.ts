import type { Readable } from 'node:stream';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Timer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import { cameraFault, exitWords, missingCameraProgram } from './camera-faults.ts';
import type { CameraProgram } from './camera-program.ts';
import { ChildProgram, findProgram } from './child-program.ts';
import { wholeJpeg } from './picture-cuts.ts';

export interface StillParts {
  readonly timer: Timer;
  /** PATH on which the program is looked for. */
  readonly path: string;
  /** How long the picture may take, from the start of the program to its end. */
  readonly deadline: Milliseconds;
  /** How long a program may take to end when it is asked to; then it is made to. */
  readonly grace: Milliseconds;
}

/** A program that writes more is not listened to. */
const LARGEST = 64 * 1024 * 1024;

/**
 * One picture of a program that writes it to its standard output and ends: a whole JPEG, SOI to EOI. What it says on stderr is no fault
 * by itself. On an abort the program is ended and the signal's reason thrown.
 *
 * Faults: `program-missing`; `camera-unavailable` where it ends with a fault, is late, or leaves half a picture; others as its complaints
 * say.
 */
export async function takeStill(program: CameraProgram, parts: StillParts, signal: AbortSignal): Promise<Uint8Array> {
  return runStill(program, program.args(''), parts, signal);
}

/** As `takeStill`, with arguments that somebody else has made. */
export async function runStill(
  program: CameraProgram,
  args: readonly string[],
  { timer, path, deadline, grace }: StillParts,
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const command = await findProgram(program.commands, path);
  if (command === undefined) throw missingCameraProgram(program);
  const child = ChildProgram.start(command, args, { ...process.env, PATH: path, LC_ALL: 'C' });
  const over = new AbortController();
  try {
    const finished = Promise.all([collect(child.stdout), child.exited]);
    const late = timer.sleep(deadline, AbortSignal.any([signal, over.signal])).then(() => undefined);
    const done = await Promise.race([finished, late]);
    signal.throwIfAborted();
    if (done === undefined) {
      throw cameraFault(program, `it gave no picture for ${(deadline / 1000).toFixed(1)} s`, child.said);
    }
    const [bytes, exit] = done;
    if (exit.kind === 'failed' || exit.code !== 0) throw cameraFault(program, exitWords(exit), child.said);
    if (bytes === undefined) throw cameraFault(program, 'it wrote more than a picture', []);
    const whole = await wholeJpeg(bytes);
    if (whole instanceof Uint8Array) return whole;
    throw new AtalayaError('camera-unavailable', `${program.name}: its picture is not whole: ${whole.reason}`, {
      hint: 'It is taken again by itself.',
    });
  } finally {
    over.abort();
    await child.stop(timer, grace);
  }
}

/** The bytes of a stream; undefined where they are too many. Never rejects. */
async function collect(stream: Readable): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > LARGEST) return undefined;
      chunks.push(chunk);
    }
  } catch {
    // The program was ended in the middle; whoever ended it knows why.
  }
  return Buffer.concat(chunks);
}

/** The time that a picture is taken to be of: somewhere in the program's run. */
export function middleOf(began: Milliseconds, ended: Milliseconds): { at: Milliseconds; error: Milliseconds } {
  return { at: milliseconds((began + ended) / 2), error: milliseconds((ended - began) / 2) };
}
