import { constants } from 'node:fs';
import { access, type FileHandle, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../device/kernel/errors.ts';

/** A file on a medium that anybody may have written. */
export interface MediumFile {
  /** Bytes, when it was opened. */
  readonly length: number;
  /** Fills `target` from `position` on; fewer bytes only at the end. Throws the system's own errors. */
  read(target: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

/** A link is not followed, a queue does not hold us up. */
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const absent = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR']);

/**
 * Opens a file by its path in the layout of a repository, which has one folder. Undefined where there is none that is regular; a link, a
 * device or a queue in its place is none. Throws the system's own errors, `ENOENT` where the medium has no repository at all.
 */
export async function openMediumFile(folder: string, path: string): Promise<MediumFile | undefined> {
  const [room = '', name = ''] = path.split('/');
  try {
    // By the handle of the folder, so that nobody puts a link in its place in between.
    const inside = await open(join(folder, room), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      return await regular(`/proc/self/fd/${inside.fd}/${name}`);
    } finally {
      await inside.close();
    }
  } catch (error) {
    if (!absent.has(systemCode(error) ?? '')) throw error;
    await access(join(folder, 'image'));
    return undefined;
  }
}

async function regular(path: string): Promise<MediumFile | undefined> {
  // Opening a device can do something by itself; it is not even opened.
  if (!(await lstat(path)).isFile()) return undefined;
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    return undefined;
  }
  return { length: stat.size, read: (target, position) => fill(handle, target, position), close: () => handle.close() };
}

async function fill(handle: FileHandle, target: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < target.byteLength) {
    const { bytesRead } = await handle.read(target, filled, target.byteLength - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
