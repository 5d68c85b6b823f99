import { execFile } from 'node:child_process';
import { chmod, lstat, rmdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { AtalayaError, systemCode } from './errors.ts';
import { type Files, systemFiles } from './files.ts';

/** What a name in a folder stands for. A link is never followed. */
export type TreeNode =
  | { readonly kind: 'file'; readonly size: number; readonly executable: boolean }
  | { readonly kind: 'folder' }
  | { readonly kind: 'other' };

/** File operations on whole trees, for whoever lays a program down: as `Files`, a port, so that each may fail in a test. */
export interface TreeFiles extends Files {
  /** Undefined where there is nothing. */
  look(path: string): Promise<TreeNode | undefined>;
  /** Removes an empty folder; `ENOTEMPTY` for any other. */
  removeFolder(path: string): Promise<void>;
  /** Lets a file be run. */
  makeExecutable(path: string): Promise<void>;
  /** Makes everything below a folder durable that was written before the call: content and names. */
  syncTree(path: string): Promise<void>;
}

const run = promisify(execFile);

/** The trees of this machine. */
export const systemTreeFiles: TreeFiles = {
  ...systemFiles,
  look: async (path) => {
    try {
      const stat = await lstat(path);
      if (stat.isDirectory()) return { kind: 'folder' };
      return stat.isFile()
        ? { kind: 'file', size: stat.size, executable: (stat.mode & 0o100) !== 0 }
        : { kind: 'other' };
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
      throw error;
    }
  },
  removeFolder: rmdir,
  makeExecutable: (path) => chmod(path, 0o750),
  syncTree: async (path) => {
    // syncfs(2) by coreutils: one call instead of an fsync for each of thousands of files.
    try {
      await run('sync', ['--file-system', path]);
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT')
        throw new AtalayaError('program-missing', 'sync is not installed', {
          cause,
          hint: 'Install coreutils: an update is not taken without being sure that it is on the disk.',
        });
      throw Object.assign(new Error(`sync --file-system ${path} failed`, { cause }), { code: 'EIO' });
    }
  },
};

/** Removes whatever is there, and what is below it. Not durable before the folder above is synced; nothing where it is gone already. */
export async function removeTree(files: TreeFiles, path: string): Promise<void> {
  const node = await files.look(path);
  if (node === undefined) return;
  if (node.kind !== 'folder') return files.remove(path);
  for (const name of await files.list(path)) await removeTree(files, `${path}/${name}`);
  await files.removeFolder(path);
}
