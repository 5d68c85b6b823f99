import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Folder of the program. */
export const source = fileURLToPath(new URL('../..', import.meta.url));

const programs = {
  provision: 'provisioning/cli/atalaya-provision.ts',
  audit: 'device/cli/atalaya-audit.ts',
  fleet: 'cloud-bridge/cli/atalaya-fleet.ts',
  ota: 'ota/cli/atalaya-ota.ts',
} as const;

export const bridgeProgram = join(source, 'cloud-bridge/cli/atalaya-bridge.ts');

export interface Called {
  readonly out: string;
  readonly err: string;
}

/** Runs one of the project's programs to its end. Throws with what it said where it does not end well. */
export async function callProgram(
  program: keyof typeof programs,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Called> {
  // What Node says of itself is no answer of the program.
  const node = ['--disable-warning=ExperimentalWarning', join(source, programs[program])];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...node, ...args], {
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1024 * 1024,
  });
  return { out: stdout, err: stderr };
}
