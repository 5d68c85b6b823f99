import type { ZodType } from 'zod';
import { AtalayaError, type ErrorCode } from './errors.ts';

/**
 * Parses hostile input once, at the edge, into a type that cannot be wrong.
 *
 * Throws `code` with every fault on a line of its own, named by its path (`lanes[2].direction: ...`).
 */
export function parse<T>(schema: ZodType<T>, input: unknown, what: string, code: ErrorCode): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  ${path(issue.path)}: ${issue.message}`);
  throw new AtalayaError(code, `${what} is not valid:\n${faults.join('\n')}`, {
    hint: `Correct the lines named above in ${what}.`,
  });
}

function path(keys: readonly PropertyKey[]): string {
  if (keys.length === 0) return '(document)';
  return keys.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`)).join('');
}
