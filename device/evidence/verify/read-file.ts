import { open, readdir } from 'node:fs/promises';
import { systemCode } from '../../kernel/errors.ts';
import { reasonOf } from './text-forms.ts';

/** What is there of a file: its bytes, nothing, or why it cannot be read. */
export type Content = Buffer | 'absent' | { readonly says: string };

export const absentCode = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');

/** A file of at most `most` bytes; a longer one is cut off there, so that its length alone shows that it is another. */
export async function readUpTo(path: string, most: number): Promise<Content> {
  try {
    await using file = await open(path, 'r');
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

/** Names in a folder in the order of their bytes; none where it is not there. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (absentCode(error)) return [];
    throw error;
  }
}

export interface Found {
  /** From the folder that was walked, with `/`. */
  readonly path: string;
  /** False for a link, a device and whatever else is neither file nor folder. */
  readonly plain: boolean;
}

/** Everything under a folder that is no folder; links are not followed. */
export async function* filesUnder(folder: string, below = ''): AsyncGenerator<Found> {
  let members: Awaited<ReturnType<typeof readMembers>>;
  try {
    members = await readMembers(below === '' ? folder : `${folder}/${below}`);
  } catch (error) {
    if (absentCode(error)) return;
    throw error;
  }
  members.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const member of members) {
    const path = below === '' ? member.name : `${below}/${member.name}`;
    if (member.isDirectory()) yield* filesUnder(folder, path);
    else yield { path, plain: member.isFile() };
  }
}

const readMembers = (folder: string) => readdir(folder, { withFileTypes: true });
