import { readFile, stat } from 'node:fs/promises';
import { parse as parseYaml } from 'yaml';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';

/** Files of this command are written by hand or by a program of ours; more than this is a mistake. */
const mostBytes = 4_000_000;

/** The text of a file that a person named. Throws `usage-invalid` where there is none, or none that may be read. */
export async function readText(path: string, what: string): Promise<string> {
  try {
    const file = await stat(path);
    if (!file.isFile()) throw new AtalayaError('usage-invalid', `${path} is no plain file; ${what} is one`);
    if (file.size > mostBytes)
      throw new AtalayaError('usage-invalid', `${path} has ${file.size} bytes, which is no ${what}`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof AtalayaError) throw cause;
    const missing = systemCode(cause) === 'ENOENT';
    throw new AtalayaError('usage-invalid', `${what} ${path} ${missing ? 'does not exist' : 'cannot be read'}`, {
      hint: `Name ${what} with its whole path.`,
      cause,
    });
  }
}

/** What a YAML text says. Throws `usage-invalid` with the reason and its line. */
export function yamlOf(text: string, path: string): unknown {
  try {
    return parseYaml(text, { prettyErrors: true, maxAliasCount: 100 });
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw new AtalayaError('usage-invalid', `${path} is not YAML: ${reason}`, { cause });
  }
}
