import { CommanderError } from 'commander';
import { type ErrorCode, firstFault, isAtalayaError } from '../kernel/errors.ts';

/** What every program of ours ends with: done; failed, or refused by somebody else; called wrongly, or told to work with what cannot be right. */
export const exit = { done: 0, failed: 1, usage: 2 } as const;
export type Exit = (typeof exit)[keyof typeof exit];

/** Faults of what a person gave to a program: words, files, keys, a folder that is in use. Again without a change they come again. */
const given: ReadonlySet<ErrorCode> = new Set([
  'usage-invalid',
  'config-invalid',
  'scene-invalid',
  'scene-mismatch',
  'list-refused',
  'document-refused',
  'key-exists',
  'key-missing',
  'key-invalid',
  'key-wrong',
  'key-mismatch',
  'evidence-unknown',
  'store-locked',
]);

/** The code of a program that ended with `error`; help and version that were asked for are no error. */
export function exitAfter(error: unknown): Exit {
  const fault = firstFault(error);
  if (fault instanceof CommanderError) return fault.exitCode === 0 ? exit.done : exit.usage;
  return isAtalayaError(fault) && given.has(fault.code) ? exit.usage : exit.failed;
}
