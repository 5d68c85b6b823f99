import { DatabaseError } from 'pg';
import { AtalayaError, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';

/** PostgreSQL, appendix A. Classes by their first two characters. */
const unavailableClasses = new Set(['08', '57']);
const unavailableCodes = new Set(['53300', '55P03', '25P03']);
/** Two transactions stood in each other's way: either succeeds when it is run again. */
const collisions = new Set(['40001', '40P01']);
const refusedCodes = new Set(['28000', '28P01', '3D000', '42501']);

export function isCollision(error: unknown): boolean {
  return collisions.has(systemCode(error) ?? '');
}

/** The fault that a failed call of the server is; what the server did not say itself comes from the connection. Its message names no value of the statement. */
export function postgresFault(error: unknown): AtalayaError {
  if (isAtalayaError(error)) return error;
  const code = systemCode(error) ?? '';
  const reason = error instanceof Error ? error.message : String(error);
  if (code === '53100')
    return new AtalayaError('store-full', 'the disk of the PostgreSQL server is full', {
      hint: 'Free space there; everything acknowledged is kept.',
      cause: error,
    });
  if (refusedCodes.has(code))
    return new AtalayaError('store-failed', `the PostgreSQL server does not let us in: ${reason}`, {
      hint: 'Check user, password and database; the user must own the schema atalaya or be allowed to create it.',
      cause: error,
    });
  if (
    !(error instanceof DatabaseError) ||
    unavailableClasses.has(code.slice(0, 2)) ||
    unavailableCodes.has(code) ||
    collisions.has(code)
  ) {
    return new AtalayaError('archive-unavailable', `the PostgreSQL server does not answer: ${reason}`, {
      hint: 'Start the server, or wait until it is there again.',
      cause: error,
    });
  }
  return new AtalayaError('store-failed', `the PostgreSQL server refuses a statement (${code}): ${reason}`, {
    cause: error,
  });
}
