import { readFile } from 'node:fs/promises';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';

/** A file that the configuration names. Throws `key-missing` with the field that names it. */
export async function needed(path: string, field: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = systemCode(error);
    const why =
      code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read by this user' : 'cannot be read';
    throw new AtalayaError('key-missing', `${path} ${why}`, { hint: `It is named by ${field}.`, cause: error });
  }
}
