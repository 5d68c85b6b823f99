import { writeFile } from 'node:fs/promises';
import { AtalayaError, systemCode } from '../kernel/errors.ts';
import { writeReason } from './write-reason.ts';

/** Writes a drawing that a person asked for. Throws `usage-invalid` with the hint where it cannot be, `store-full` where the disk has no room. */
export async function writeDrawing(path: string, png: Uint8Array, hint: string): Promise<void> {
  try {
    await writeFile(path, png);
  } catch (error) {
    const code = systemCode(error) === 'ENOSPC' ? 'store-full' : 'usage-invalid';
    throw new AtalayaError(code, `the drawing ${path} cannot be written: ${writeReason(error)}`, {
      hint,
      cause: error,
    });
  }
}
