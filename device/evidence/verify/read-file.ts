import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AtalayaError, systemCode } from '../../kernel/errors.ts';
import type { Ledger } from './finding.ts';
import { reasonOf } from './text-forms.ts';

/** What is there of a file: its bytes, nothing, or why it cannot be read. */
export type Content = Buffer | 'absent' | { readonly says: string };

export const absentCode = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');

/**
 * Opens a plain file. A stranger may have laid a pipe there, which waits for a writer, or a link to what has no end: neither is
 * opened. Throws `store-damaged` for whatever is no plain file, and what the system says.
 */
export async function openPlain(path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    throw systemCode(error) === 'ELOOP' ? notPlain(error) : error;
  });
  try {
    if (!(await file.stat()).isFile()) throw notPlain();
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

const notPlain = (cause?: unknown): AtalayaError =>
  new AtalayaError('store-damaged', 'it is a link, a folder or a device, not a file', { cause });

/** A file of at most `most` bytes; a longer one is cut off there, so that its length alone shows that it is another. */
export async function readUpTo(path: string, most: number): Promise<Content> {
  try {
    await using file = await openPlain(path);
    const size = Math.min((await file.stat()).size, most);
    const bytes = Buffer.allocUnsafe(size);
    let read = 0;
    while (read < size) {
      const { bytesRead } = await file.read(bytes, read, size - read, read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return bytes.subarray(0, read);
  } catch (error) {
    return absentCode(error) ? 'absent' : { says: `The file cannot be read (${reasonOf(error)}).` };
  }
}

/**
 * Names in the folder `path` of `root` in the order of their bytes; none where it is not there, or where it cannot be read, which is a
 * finding.
 */
export async function namesIn(root: string, path: string, ledger: Ledger): Promise<readonly string[]> {
  try {
    return (await readdir(join(root, path))).sort();
  } catch (error) {
    if (!absentCode(error)) {
      const says = `The folder cannot be read (${reasonOf(error)}).`;
      ledger.fail({ part: 'file', path: path === '' ? '.' : path, check: 'spec: layout of a store', says });
    }
    return [];
  }
}

export interface Found {
  /** From the folder that was walked, with `/`. */
  readonly path: string;
  /** False for a link, a device and whatever else is neither file nor folder, and for a folder that cannot be read. */
  readonly plain: boolean;
}

/** Everything under a folder that is no folder; links are not followed. */
export async function* filesUnder(folder: string, below = ''): AsyncGenerator<Found> {
  let members: Awaited<ReturnType<typeof readMembers>>;
  try {
    members = await readMembers(below === '' ? folder : `${folder}/${below}`);
  } catch (error) {
    if (!absentCode(error)) yield { path: below, plain: false };
    return;
  }
  members.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const member of members) {
    const path = below === '' ? member.name : `${below}/${member.name}`;
    if (member.isDirectory()) yield* filesUnder(folder, path);
    else yield { path, plain: member.isFile() };
  }
}

const readMembers = (folder: string) => readdir(folder, { withFileTypes: true });
