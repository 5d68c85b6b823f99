import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { scratchFolder } from '../../../device/kernel/testing/scratch-folder.ts';

const run = promisify(execFile);
const modules = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
];

/** A token of SoftHSM in a folder of its own. */
export interface SoftToken {
  readonly label: string;
  readonly pin: string;
  /** As RFC 7512 has it, with the library. */
  readonly uri: (id: string, more?: string) => string;
  /** What a program needs in its environment to find it. */
  readonly environment: { readonly SOFTHSM2_CONF: string };
}

/** Undefined, said in the log, where SoftHSM or pkcs11-tool is not installed. */
export async function softToken(t: ExecutionContext, label = 'safe'): Promise<SoftToken | undefined> {
  const module = modules.find((path) => existsSync(path));
  const there = await Promise.all(
    ['softhsm2-util', 'pkcs11-tool'].map((name) =>
      run('sh', ['-c', `command -v ${name}`]).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (module === undefined || there.includes(false)) {
    t.log('passed over: softhsm2 or opensc is not installed');
    t.pass();
    return undefined;
  }
  const at = scratchFolder(t);
  await mkdir(join(at, 'tokens'));
  const environment = { SOFTHSM2_CONF: join(at, 'softhsm2.conf') };
  await writeFile(environment.SOFTHSM2_CONF, `directories.tokendir = ${join(at, 'tokens')}\nlog.level = ERROR\n`);
  const pin = '4711-0815';
  await run('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', pin, '--so-pin', '00000000'], {
    env: { ...process.env, ...environment },
  });
  return {
    label,
    pin,
    environment,
    uri: (id, more = '') => `pkcs11:token=${label};id=%${id}?module-path=${module}${more}`,
  };
}
