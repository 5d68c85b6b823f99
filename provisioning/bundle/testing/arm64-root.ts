import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { milliseconds } from '../../../device/kernel/units.ts';
import { DebianArchive } from '../../image/debian-archive.ts';
import { parseLock } from '../../image/lock.ts';
import { findProgram, runProgram } from '../../image/run-program.ts';

/** Nothing can be shown here, and why: a program or a package is missing. No verdict about the bundle. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Programs of the host, and the Debian packages that they come with. */
const needed: Readonly<Record<string, string>> = {
  'qemu-aarch64-static': 'qemu-user-static',
  'dpkg-deb': 'dpkg',
  npm: 'npm',
};

/** Path of the emulator. Throws `Unavailable` with what is missing and how to have it. */
export function checkHost(): string {
  if (process.platform !== 'linux') throw new Unavailable('the emulator of arm64 programs runs on Linux only');
  const missing = Object.keys(needed).filter((program) => findProgram(program) === undefined);
  if (missing.length > 0) {
    const packages = missing.map((program) => needed[program]).join(' ');
    throw new Unavailable(`${missing.join(', ')} missing; apt-get install ${packages}`);
  }
  return findProgram('qemu-aarch64-static') as string;
}

/** What gives a unit's programs their libraries; the image's packages are many more. */
const packages = ['libc6', 'libgcc-s1', 'libstdc++6'];

/** A board's processor: the emulator's name for it, and what Linux says of it in /proc/cpuinfo. */
export interface Processor {
  readonly board: string;
  readonly core: 'cortex-a72' | 'cortex-a76';
  readonly features: string;
  readonly variant: string;
  readonly part: string;
  readonly revision: number;
}

/** With dot products the int8 kernels are others, and the last digits that they compute. */
export const processors: readonly Processor[] = [
  {
    board: 'Raspberry Pi 4',
    core: 'cortex-a72',
    features: 'fp asimd evtstrm crc32 cpuid',
    variant: '0x0',
    part: '0xd08',
    revision: 3,
  },
  {
    board: 'Raspberry Pi 5',
    core: 'cortex-a76',
    features: 'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp',
    variant: '0x4',
    part: '0xd0b',
    revision: 1,
  },
];

export interface RootOptions {
  /** Packages of an image for arm64. */
  readonly lock: string;
  readonly cache: string;
  readonly log: string;
  readonly signal: AbortSignal;
}

/**
 * Debian's C and C++ libraries for arm64 in a folder, in the versions of the image: packages by the hashes of the lock, from the archive once.
 * Beside them what the board's kernel says of its processor: on the words of this machine's kernel ONNX Runtime 1.30 dies with SIGSEGV while it
 * is loaded.
 */
export async function arm64Root(processor: Processor, { lock, cache, log, signal }: RootOptions): Promise<string> {
  const { installed } = parseLock(readFileSync(lock, 'utf8'), lock);
  const wanted = packages.map((name) => {
    const found = installed.find((one) => one.name === name);
    if (found === undefined) throw new Error(`${lock} has no ${name}`);
    return found;
  });
  const words = cpuInfo(processor);
  const key = createHash('sha256').update(words);
  for (const { sha256 } of wanted) key.update(sha256);
  const root = join(cache, `root-${processor.core}-${key.digest('hex').slice(0, 16)}`);
  if (existsSync(root)) return root;
  const archive = new DebianArchive({ mirror: 'http://deb.debian.org', architecture: 'arm64', cache, log, signal });
  const files = await archive.fetch(wanted);
  const part = `${root}.part`;
  rmSync(part, { recursive: true, force: true });
  // As in Debian: /lib is a second name of /usr/lib, and packages write through it.
  for (const name of ['usr/lib', 'proc', 'sys/devices/system/cpu']) mkdirSync(join(part, name), { recursive: true });
  symlinkSync('usr/lib', join(part, 'lib'));
  for (const file of files) {
    const unpack = 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"';
    await runProgram('sh', ['-ec', unpack, 'sh', file, part], { deadline: milliseconds(60_000), log, signal });
  }
  writeFileSync(join(part, 'proc/cpuinfo'), words);
  for (const name of ['possible', 'present']) writeFileSync(join(part, 'sys/devices/system/cpu', name), '0-3\n');
  renameSync(part, root);
  return root;
}

/** The words of Linux on arm64 (arch/arm64/kernel/cpuinfo.c): four cores of ARM's. */
const cpuInfo = ({ features, variant, part, revision }: Processor): string =>
  [0, 1, 2, 3]
    .map(
      (core) =>
        `processor\t: ${core}\nBogoMIPS\t: 108.00\nFeatures\t: ${features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n` +
        `CPU variant\t: ${variant}\nCPU part\t: ${part}\nCPU revision\t: ${revision}\n\n`,
    )
    .join('');

/** Those of the libraries that the root does not have. */
export function lacking(root: string, libraries: readonly string[]): string[] {
  const folders = ['usr/lib', 'usr/lib/aarch64-linux-gnu'].map((name) => join(root, name));
  const there = new Set(folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : [])));
  return libraries.filter((name) => !there.has(name));
}
