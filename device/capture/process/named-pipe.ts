import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Timer } from '../../kernel/timer.ts';
import type { Milliseconds } from '../../kernel/units.ts';
import { ChildProgram } from './child-program.ts';

/** A named pipe in a folder of its own: for programs that write to a path what is read here at once, and kept nowhere. */
export interface NamedPipe {
  readonly path: string;
  readonly stream: Readable;
  close(): Promise<void>;
}

/**
 * Makes one with mkfifo and reads it through cat, both of coreutils: opening a pipe waits for whoever opens its other end, and reading
 * it as a file would hold a thread of the pool for as long as nothing comes.
 */
export async function openNamedPipe(env: NodeJS.ProcessEnv, timer: Timer, grace: Milliseconds): Promise<NamedPipe> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-camera-'));
  const path = join(folder, 'notes');
  try {
    await promisify(execFile)('mkfifo', ['-m', '600', path], { timeout: 5000, env });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw new AtalayaError('camera-unavailable', 'no named pipe for the camera could be made', {
      hint: `Check that ${tmpdir()} can be written to.`,
      cause: error,
    });
  }
  const reader = ChildProgram.start('cat', [path], env);
  return {
    path,
    stream: reader.stdout,
    close: async () => {
      await reader.stop(timer, grace);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
