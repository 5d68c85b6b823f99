import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';

/** Result codes of SQLite (sqlite.org/rescode.html), the low byte. */
const codes = { busy: 5, locked: 6, readonly: 8, full: 13, corrupt: 11, notADatabase: 26 } as const;

/** The fault that a failed call on an SQLite file is. Its message names no value of the statement. */
export function sqliteFault(error: unknown, path: string): AtalayaError {
  if (isAtalayaError(error)) return error;
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  if (code === undefined) return new AtalayaError('store-failed', `${path}: ${reason}`, { cause: error });
  if (code === codes.busy || code === codes.locked)
    return new AtalayaError('archive-unavailable', `${path} is held by another program: ${reason}`, {
      hint: 'Leave the archive to the bridges.',
      cause: error,
    });
  if (code === codes.full)
    return new AtalayaError('store-full', `${path}: no space left`, {
      hint: 'Free space on the disk of the archive; everything acknowledged is kept.',
      cause: error,
    });
  if (code === codes.corrupt || code === codes.notADatabase)
    return new AtalayaError('store-damaged', `${path} is damaged: ${reason}`, {
      hint: 'Put the newest good copy of the archive in its place.',
      cause: error,
    });
  return new AtalayaError('store-failed', `${path}: ${reason}`, {
    hint:
      code === codes.readonly
        ? 'Make the file and its folder writable for this user.'
        : 'Check the disk of the archive; everything acknowledged is kept.',
    cause: error,
  });
}
