import { rmdir, symlink } from 'node:fs/promises';
import type { Files } from '../../device/kernel/files.ts';
import { secretFiles } from './secret-files.ts';

/** Files, and what it takes to put a whole folder in the place of another one at once. */
export interface FolderFiles extends Files {
  /** Makes a symbolic link, durable with its folder; `EEXIST` where the name is taken. */
  makeLink(target: string, path: string): Promise<void>;
  /** Removes an empty folder; `ENOENT` where there is none. */
  removeFolder(path: string): Promise<void>;
}

/** Those of this machine, for their owner's eyes only. */
export const secretFolders: FolderFiles = { ...secretFiles, makeLink: symlink, removeFolder: rmdir };

/** Removes a folder and everything in it, each removal durable when this has resolved but the folder's own. Throws the system's own errors. */
export async function eraseFolder(files: FolderFiles, path: string): Promise<void> {
  for (const name of await files.list(path)) {
    const inner = `${path}/${name}`;
    const isFolder = await files.list(inner).then(
      () => true,
      () => false,
    );
    await (isFolder ? eraseFolder(files, inner) : files.remove(inner));
  }
  await files.syncFolder(path);
  await files.removeFolder(path);
}

/** Removes a folder and the plain files and links in it, as far as that works: what is left of it is litter and nothing else. */
export async function discardFolder(files: FolderFiles, path: string): Promise<void> {
  const names = await files.list(path).catch(() => []);
  for (const name of names) {
    const inner = `${path}/${name}`;
    await files.remove(inner).catch(() => discardFolder(files, inner));
  }
  await files.removeFolder(path).catch(() => undefined);
}
