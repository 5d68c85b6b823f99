import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Folder of the program. */
export const source = fileURLToPath(new URL('../../..', import.meta.url));

const programs = {
  ota: 'ota/cli/atalaya-ota.ts',
  audit: 'device/cli/atalaya-audit.ts',
  fleet: 'cloud-bridge/cli/atalaya-fleet.ts',
} as const;

/** What one of the project's programs answers. Throws with what it said where it does not end well. */
export async function call(
  program: keyof typeof programs,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(source, programs[program]), ...args], {
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning', ...environment },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
