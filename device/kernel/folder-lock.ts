import { spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { storeFault } from './durable-file.ts';
import { AtalayaError, systemCode } from './errors.ts';

/** Exit status that `flock` is told to use where somebody else holds the lock. */
const heldStatus = 75;

/**
 * One writer per folder.
 *
 * The lock is the kernel's own, `flock(2)` on the file `lock` in the folder: it ends with the process that holds it, however that
 * ends, so there is no stale lock to clear; and it belongs to the open file, so a second opening in the same process is refused
 * too. Node has no call for it, but such a lock belongs to the open file description and not to a process: the `flock` program of
 * util-linux (essential on Debian) is handed our descriptor, locks it, and leaves. The file is never removed: a second one under
 * the same name could be locked beside it. Its content, the holder's process id, is there for people and decides nothing.
 */
export class FolderLock {
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Takes the lock of an existing folder, at once or not at all. Throws `store-locked` where another holds it, `program-missing`
   * without util-linux, `store-failed` where the folder cannot be written.
   */
  static async take(folder: string): Promise<FolderLock> {
    const path = join(folder, 'lock');
    const file = await open(path, 'a+', 0o640).catch((error: unknown) => {
      throw storeFault(error, `cannot lock ${folder}`);
    });
    try {
      const status = await flock(file.fd, '--exclusive', '--nonblock', '--conflict-exit-code', String(heldStatus));
      if (status === heldStatus) throw await heldBy(folder, file);
      if (status !== 0)
        throw new AtalayaError('store-failed', `cannot lock ${folder}: flock ended with status ${status}`);
      // A full disk must not keep anybody from opening the folder to read or to clear it: the process id is a courtesy.
      await file.truncate(0).catch(() => undefined);
      await file.write(`${process.pid}\n`).catch(() => undefined);
      return new FolderLock(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Gives the lock back. May be called once. A program that another thread is starting has a copy of every descriptor until it runs, and
   * with it the lock: so it is undone by name, not left to the last of the copies.
   */
  async release(): Promise<void> {
    await flock(this.#file.fd, '--unlock').catch(() => undefined);
    await this.#file.close();
  }
}

async function heldBy(folder: string, file: FileHandle): Promise<AtalayaError> {
  const text = Buffer.alloc(16);
  const { bytesRead } = await file.read(text, 0, text.byteLength, 0);
  const holder = /^\d+/.exec(text.toString('latin1', 0, bytesRead))?.[0];
  const who = holder === undefined ? 'another process' : `process ${holder}`;
  return new AtalayaError('store-locked', `${folder} is in use by ${who}`, {
    hint: 'Stop that process, or name another data folder.',
  });
}

function flock(descriptor: number, ...options: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...options, '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
    child.once('error', (error) =>
      reject(
        systemCode(error) === 'ENOENT'
          ? new AtalayaError('program-missing', 'the program flock is missing', {
              hint: 'Install util-linux.',
              cause: error,
            })
          : storeFault(error, 'cannot start flock'),
      ),
    );
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? -1 : 128)));
  });
}
