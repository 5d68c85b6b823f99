import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { prefixBeginning } from './patch-form.ts';
import type { PlannedFrame } from './plan-patch.ts';

const run = promisify(execFile);

export interface FrameWork {
  /** Folder for the files of the program, and their name there. */
  readonly work: string;
  readonly name: string;
  readonly level: number;
  readonly signal: AbortSignal;
}

/**
 * A frame by the program zstd: Node's own coder does not search a prefix of this size. One thread, because with several the bytes depend on how the
 * work is cut. Throws `program-missing`.
 */
export async function compressFrame(
  { content, prefix }: PlannedFrame,
  base: Buffer,
  { work, name, level, signal }: FrameWork,
): Promise<Buffer> {
  const [dictionary, input, output] = ['prefix', 'content', 'zst'].map((kind) => join(work, `${name}.${kind}`)) as [
    string,
    string,
    string,
  ];
  const parts = prefix.map(({ offset, length }) => base.subarray(offset, offset + length));
  await writeFile(dictionary, Buffer.concat([prefixBeginning, ...parts]));
  await writeFile(input, content);
  const args = ['--quiet', '--force', '--single-thread', '--no-check', `-${level}`, '--ultra', '--long=27'];
  try {
    await run('zstd', [...args, `--patch-from=${dictionary}`, input, '-o', output], { signal });
    return await readFile(output);
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause;
    throw new AtalayaError('program-missing', 'zstd is not installed', { cause, hint: 'Run: apt install zstd' });
  } finally {
    for (const file of [dictionary, input, output]) await rm(file, { force: true });
  }
}
