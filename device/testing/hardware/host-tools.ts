import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Unavailable } from './commands.ts';

/** Programs of the host, and the Debian packages that they come with. */
const needed: Readonly<Record<string, string>> = {
  'apt-get': 'apt',
  'x86_64-linux-gnu-gcc-12': 'gcc-12',
  busybox: 'busybox-static',
  cpio: 'cpio',
  depmod: 'kmod',
  'dpkg-deb': 'dpkg',
  git: 'git',
  make: 'make',
  mke2fs: 'e2fsprogs',
  mmdebstrap: 'mmdebstrap',
  'qemu-system-x86_64': 'qemu-system-x86',
  swtpm: 'swtpm',
  xz: 'xz-utils',
};

/** Throws `Unavailable` with the one sentence that says what is missing and how to have it. */
export function checkHost(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Unavailable('the emulated machine is prepared on Linux on x86-64 only');
  }
  if (process.getuid?.() !== 0) throw new Unavailable('only root can make the root file system; run it as root');
  const missing = Object.keys(needed).filter((program) => findProgram(program) === undefined);
  if (missing.length > 0) {
    const packages = missing.map((program) => needed[program]).join(' ');
    throw new Unavailable(`${missing.join(', ')} missing; apt-get install ${packages}`);
  }
}

/** Path of a program, also in the folders that only root's PATH has. */
export function findProgram(name: string): string | undefined {
  const { PATH = '' } = process.env;
  const folders = [...PATH.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/bin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
