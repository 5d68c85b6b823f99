import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { type Files, systemFiles } from '../../device/kernel/files.ts';

/** The files of this machine, for its owner's eyes only: what is created has mode 0600 from its first byte on, folders 0700. */
export const secretFiles: Files = {
  ...systemFiles,
  open: async (path, mode) => {
    if (mode !== 'create') return systemFiles.open(path, mode);
    // What was left of an earlier write may have another mode, and is written anew.
    await systemFiles.remove(path).catch(() => undefined);
    const made = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await made.close();
    return systemFiles.open(path, 'update');
  },
  makeFolder: async (path) => {
    await mkdir(path, 0o700);
  },
};
