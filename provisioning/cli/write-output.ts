import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makeFolders, storeFault, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { type Files, systemFiles } from '../../device/kernel/files.ts';

/**
 * Files that a person has this program write: on a laptop or a stick, where the words for a unit's store would send them looking for a data
 * disk. Durable as that is.
 */

/**
 * Writes a file whole, durably, in a folder that exists. `path` is shown as it was given. Throws `usage-invalid` where the folder is missing
 * or may not be written, `store-full` where the stick or disk is full, else `store-failed`.
 */
export async function writeOutput(
  path: string,
  content: string | Uint8Array,
  files: Files = systemFiles,
): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  await writingTo(path, () => writeWholeFile(files, resolve(path), bytes));
}

/** Makes a folder, and those above it, durably. Throws as `writeOutput` does. */
export async function makeOutputFolder(path: string, files: Files = systemFiles): Promise<void> {
  await writingTo(path, () => makeFolders(files, resolve(path)));
}

/** For what must not be begun when its result has no place to go. Throws `usage-invalid`. */
export async function checkOutput(path: string): Promise<void> {
  const folder = await folderFault(path);
  if (folder !== undefined) throw folder;
  const there = await stat(resolve(path)).catch(() => undefined);
  if (there?.isDirectory() === true) throw isFolder(path);
}

/** Does what writes to `path` or below it, and tells its faults in the words of a laptop. Faults that are none of files pass through. */
export async function writingTo<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await outputFault(error, path);
  }
}

async function outputFault(error: unknown, path: string): Promise<unknown> {
  const ours = error instanceof AtalayaError;
  if (ours ? error.code !== 'store-full' && error.code !== 'store-failed' : systemCode(error) === undefined)
    return error;
  // What was told in these words already has a fault of the store as its cause; those of work within work are told once.
  if (ours && error.cause instanceof AtalayaError) return error;
  const cause = storeFault(error, `cannot write ${path}`);
  const code = systemCode(cause.cause) ?? '';
  const fault = (what: string, hint: string) => new AtalayaError('usage-invalid', what, { hint, cause });
  if (cause.code === 'store-full') {
    return new AtalayaError('store-full', `${path} cannot be written: the stick or disk that it goes to is full`, {
      hint: 'Free space there, or name a place on another one, and make the same call again.',
      cause,
    });
  }
  if (code === 'EISDIR') return isFolder(path, cause);
  if (code === 'EROFS') return fault(`${path} cannot be written: its file system is read-only`, readOnlyHint);
  if (code === 'EACCES' || code === 'EPERM')
    return fault(`${path} may not be written by this user`, 'Name a folder that you may write to.');
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const folder = await folderFault(path, cause);
    if (folder !== undefined) return folder;
  }
  return new AtalayaError('store-failed', cause.message, {
    hint: 'Look whether the stick is still in and mounted, and make the same call again.',
    cause,
  });
}

const readOnlyHint =
  'Slide the lock of the stick or card back, or mount it anew; one that fell back to read-only is damaged.';

/** What is wrong with the folder that a path lies in. */
async function folderFault(path: string, cause?: unknown): Promise<AtalayaError | undefined> {
  const folder = dirname(path);
  const found = await stat(resolve(folder)).catch(() => undefined);
  if (found?.isDirectory() === true) return undefined;
  return new AtalayaError(
    'usage-invalid',
    found === undefined ? `the folder ${folder} does not exist` : `${folder} is no folder`,
    { hint: 'Check the path, and whether the stick is mounted; nothing was written.', cause },
  );
}

function isFolder(path: string, cause?: unknown): AtalayaError {
  return new AtalayaError('usage-invalid', `${path} is a folder, and a file is to be written`, {
    hint: `Name a file in it: ${path.replace(/\/+$/, '')}/NAME`,
    cause,
  });
}
