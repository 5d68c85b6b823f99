import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { findProgram } from '../../cloud-bridge/testing/run-program.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256File } from '../../device/kernel/hash.ts';

const run = promisify(execFile);

/** What one way needed for one change. */
export interface Measured {
  readonly way: string;
  /** Of what a unit would be sent. */
  readonly bytes: number;
  readonly makeSeconds: number;
  /** Of ours: until the tree is on the disk, file by file, durable and compared; of the others: until one file is written. */
  readonly applySeconds: number;
}

/** Two archives, uncompressed, and what the second has to be. */
export interface Archives {
  readonly base: string;
  readonly result: string;
  readonly sha256: string;
}

/** A program of others that makes a difference between two files and applies it. */
export interface Rival {
  readonly way: string;
  readonly program: string;
  readonly make: (archives: Archives, out: string) => readonly string[];
  readonly apply: (archives: Archives, patch: string, out: string) => readonly string[];
}

/** Each sees all of the base at once: windows of 2 GiB and 512 MiB. */
const zstdWindow = '--long=31';
const xdeltaWindow = ['-B', `${512 * 2 ** 20}`];

const xdelta = (secondary: string): Rival => ({
  way: `xdelta3 -9 -S ${secondary}`,
  program: 'xdelta3',
  make: ({ base, result }, out) => ['-e', '-q', '-f', '-9', '-S', secondary, ...xdeltaWindow, '-s', base, result, out],
  apply: ({ base }, patch, out) => ['-d', '-q', '-f', ...xdeltaWindow, '-s', base, patch, out],
});

/** `level`: of zstd; more than half of what it does for large changes comes with the last three. */
const zstd = (level: number): Rival => ({
  way: `zstd -${level} --patch-from`,
  program: 'zstd',
  make: ({ base, result }, out) => [
    ...['-q', '-f', `-${level}`, '--ultra', zstdWindow, `--patch-from=${base}`, result, '-o', out],
  ],
  apply: ({ base }, patch, out) => ['-q', '-f', '-d', zstdWindow, `--patch-from=${base}`, patch, '-o', out],
});

/** Those whose program is here. */
export const presentRivals = (zstdLevel: number): readonly Rival[] =>
  [zstd(zstdLevel), xdelta('lzma'), xdelta('djw')].filter(({ program }) => findProgram(program) !== undefined);

/** Makes the difference, applies it, and compares what it makes byte for byte with what it has to. `stem`: of files that it may write. */
export async function measureRival(rival: Rival, archives: Archives, stem: string): Promise<Measured> {
  const { way, program } = rival;
  const [patch, made] = [`${stem}.patch`, `${stem}.made`];
  const makeSeconds = await seconds(() => run(program, rival.make(archives, patch)));
  const applySeconds = await seconds(() => run(program, rival.apply(archives, patch, made)));
  if ((await sha256File(made)) !== archives.sha256)
    throw new AtalayaError('internal', `${way} makes another file than it was made for`);
  return { way, bytes: (await stat(patch)).size, makeSeconds, applySeconds };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
