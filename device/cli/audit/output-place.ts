import { lstat, readdir } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';

/**
 * The path of a result: nothing is there, or an empty folder, and it is not among the evidence. Nothing that somebody has is ever
 * written over. Throws `usage-invalid`.
 */
export async function newPlace(out: string, evidence: string): Promise<string> {
  const path = resolve(out);
  if (`${path}${sep}`.startsWith(`${resolve(evidence)}${sep}`)) {
    throw new AtalayaError('usage-invalid', `${path} lies within the evidence`, {
      hint: 'Name a place outside of it with --out: nobody but the unit writes there.',
    });
  }
  const there = await lstat(path).catch(() => undefined);
  const empty = there?.isDirectory() === true && (await readdir(path).catch(() => ['?'])).length === 0;
  if (there === undefined || empty) return path;
  throw new AtalayaError('usage-invalid', `${path} is there already, and nothing is written over`, {
    hint: 'Name a new place with --out.',
  });
}

/** Writes a result outside of the evidence; where that place is full or closed to this account, the fault says what an auditor can do. */
export async function writingOutside<T>(evidence: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const ofDisk = isAtalayaError(error, 'store-full') || isAtalayaError(error, 'store-failed');
    if (!ofDisk || error.message.includes(evidence)) throw error;
    throw new AtalayaError(error.code, error.message, {
      hint: 'Name another place with --out, one with room that this account may write to. The evidence is as it was.',
      cause: error,
    });
  }
}
