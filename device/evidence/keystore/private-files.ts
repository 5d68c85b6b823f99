import { constants } from 'node:fs';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders, partEnding, storeFault, writePart } from '../../kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../kernel/errors.ts';
import { type Files, systemFiles } from '../../kernel/files.ts';

/**
 * Files that hold a secret: what is created was not there before and has mode 0600 from its first byte on, folders are made with
 * mode 0700, and renaming never replaces (`EEXIST`).
 *
 * A rename is a second name followed by the removal of the first, since the system's own one replaces; both names may therefore
 * stand after a power cut, of one and the same whole file.
 */
export const privateFiles: Files = {
  ...systemFiles,
  open: async (path, mode) => {
    if (mode !== 'create') return systemFiles.open(path, mode);
    const made = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await made.close();
    return systemFiles.open(path, 'update');
  },
  rename: async (from, to) => {
    await link(from, to);
    await unlink(from);
  },
  makeFolder: async (path) => {
    await mkdir(path, 0o700);
  },
};

/** Name of the file under which a secret is written before it takes its place; `id` keeps two writers apart. */
export function partOf(path: string, id: string): string {
  return `${path}.${id.slice(0, 16)}${partEnding}`;
}

/**
 * Writes a file that is not there yet, and the folders above it: after a power cut at any moment there is none or the whole one, and
 * the whole one once this has resolved. Throws `key-exists` and leaves what stands, `store-full`, `store-failed`.
 */
export async function writeNewFile(files: Files, path: string, id: string, content: Uint8Array): Promise<void> {
  const part = partOf(path, id);
  try {
    if (await stands(files, path)) throw exists(path);
    await makeFolders(files, dirname(path));
    await writePart(files, part, content);
    await files.rename(part, path).catch((error: unknown) => {
      throw systemCode(error) === 'EEXIST' ? exists(path, error) : error;
    });
    await files.syncFolder(dirname(path));
  } catch (error) {
    await files.remove(part).catch(() => undefined);
    throw storeFault(error, `cannot write ${path}`);
  }
}

/**
 * Makes the name of a file that was found durable, and takes away the second name that a power cut in `writeNewFile` may have left:
 * whoever wrote it may have died before either. A folder that this user may not change was not written by it.
 */
export async function settleFile(files: Files, path: string, id: string): Promise<void> {
  await files.remove(partOf(path, id)).catch(() => undefined);
  await files.syncFolder(dirname(path)).catch((error: unknown) => {
    if (systemCode(error) !== 'EACCES') throw storeFault(error, `cannot make the name ${path} durable`);
  });
}

const maximumBytes = 16_384;

/**
 * The content of a private file, undefined where there is none. Throws `key-invalid` for one that others than its owner may read or
 * write, that this user may not read, or that is no small plain file; `key-unavailable` where reading fails.
 */
export async function readPrivateFile(path: string): Promise<Buffer | undefined> {
  try {
    // Not to wait for a writer, should it be a pipe.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { mode, size } = await file.stat();
      if ((mode & constants.S_IFMT) !== constants.S_IFREG || size > maximumBytes) {
        throw new AtalayaError('key-invalid', `${path} is not a key file`, { hint: 'Name the PEM file of the key.' });
      }
      if ((mode & 0o077) !== 0) {
        const octal = (mode & 0o777).toString(8).padStart(4, '0');
        throw new AtalayaError('key-invalid', `others may read or write the private key ${path} (mode ${octal})`, {
          hint: `Run: chmod 600 ${path}; and make a new key if anybody may have copied this one.`,
        });
      }
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof AtalayaError) throw error;
    const code = systemCode(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new AtalayaError('key-invalid', `this user may not read the private key ${path}`, {
        hint: 'Make the user that the unit runs as its owner (chown).',
        cause: error,
      });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new AtalayaError('key-unavailable', `cannot read the private key ${path}: ${reason}`, {
      hint: 'Check the path and the disk.',
      cause: error,
    });
  }
}

async function stands(files: Files, path: string): Promise<boolean> {
  try {
    await (await files.open(path, 'read')).close();
    return true;
  } catch (error) {
    // A file that this user may not open is one that stands.
    if (systemCode(error) === 'EACCES') return true;
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function exists(path: string, cause?: unknown): AtalayaError {
  return new AtalayaError('key-exists', `${path} exists; a key is never overwritten`, {
    hint: 'Use it as it is, or name another file.',
    ...(cause === undefined ? {} : { cause }),
  });
}
