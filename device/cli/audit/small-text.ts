import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AtalayaError } from '../../kernel/errors.ts';

/** Keys, checkpoints and proofs have a few hundred bytes, a record with the table of a long clip some hundred thousand. */
const most = 16 * 1024 * 1024;

/** The text of a file that a person named, which should hold `what`. Throws `usage-invalid`; never repeats what the file says. */
export async function smallText(path: string, what: string): Promise<string> {
  const refused = (why: string, cause?: unknown): AtalayaError =>
    new AtalayaError('usage-invalid', `${path} ${why}: it should hold ${what}`, { hint: 'Check the path.', cause });
  try {
    // Not to wait for a writer, should it be a pipe.
    const file = await open(resolve(path), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile()) throw refused('is no plain file');
      if (found.size > most) throw refused('is too large');
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    throw error instanceof AtalayaError ? error : refused('cannot be read', error);
  }
}
