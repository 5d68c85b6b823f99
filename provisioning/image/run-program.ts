import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Milliseconds } from '../../device/kernel/units.ts';

/** How a program of the machine is run. */
export interface ProgramRun {
  readonly deadline: Milliseconds;
  /** Everything that it says is appended here. */
  readonly log: string;
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs a program to its end; gives its standard output as Latin-1. It is ended with all that it started when the deadline passes or the
 * signal is aborted. Throws `deadline-exceeded` or `act-refused` with what it said last and the log's name.
 */
export async function runProgram(program: string, args: readonly string[], run: ProgramRun): Promise<string> {
  const { deadline, log, cwd, environment, input, signal } = run;
  signal?.throwIfAborted();
  appendFileSync(log, `\n$ ${program} ${args.join(' ')}\n`);
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own, so that its end reaches what it has started.
    detached: true,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8', TZ: 'UTC', ...environment },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', (cause) =>
      reject(new AtalayaError('program-missing', `${program} cannot be started`, { cause })),
    );
  });
  const said: Buffer[] = [];
  let last = '';
  const hear = (chunk: Buffer): void => {
    appendFileSync(log, chunk);
    last = (last + chunk.toString('latin1')).slice(-2000);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    said.push(chunk);
    hear(chunk);
  });
  child.stderr.on('data', hear);
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  let late = false;
  const end = (): void => {
    if (child.pid === undefined || child.exitCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      child.kill('SIGKILL');
    }
  };
  const timeout = setTimeout(() => {
    late = true;
    end();
  }, deadline);
  signal?.addEventListener('abort', end, { once: true });
  try {
    const [status] = await Promise.race([once(child, 'close'), failed]);
    signal?.throwIfAborted();
    if (late)
      throw new AtalayaError('deadline-exceeded', `${program} took longer than ${deadline / 1000} s; see ${log}`);
    if (status !== 0) {
      const line = last.trimEnd().split('\n').at(-1) ?? '';
      throw new AtalayaError('act-refused', `${program} ended with ${String(status)}: ${line}`, {
        hint: `Everything that it said is in ${log}`,
      });
    }
    return Buffer.concat(said).toString('latin1');
  } finally {
    clearTimeout(timeout);
    signal?.removeEventListener('abort', end);
  }
}

/** Path of a program, also in the folders that only root's PATH has. */
export function findProgram(name: string): string | undefined {
  const { PATH = '' } = process.env;
  const folders = [...PATH.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/bin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** What an image is made with, and the Debian packages that it comes with. */
const needed: Readonly<Record<string, string>> = {
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  mmdebstrap: 'mmdebstrap',
  mke2fs: 'e2fsprogs',
  mformat: 'mtools',
  mksquashfs: 'squashfs-tools',
  unsquashfs: 'squashfs-tools',
  npm: 'npm',
  tar: 'tar',
};

/** What is asked of the machine that an image is made on. */
export interface MakingMachine {
  readonly platform: string;
  readonly cpu: string;
  /** Effective user id. */
  readonly user: number;
  readonly find: (program: string) => string | undefined;
  /** Whether the kernel runs programs for that processor, by an emulator or by itself. */
  readonly runs: (cpu: 'x64' | 'arm64') => boolean;
}

const thisMachine = (): MakingMachine => ({
  platform: process.platform,
  cpu: process.arch,
  user: process.geteuid?.() ?? 0,
  find: findProgram,
  runs: (cpu) =>
    cpu === process.arch || existsSync(`/proc/sys/fs/binfmt_misc/qemu-${cpu === 'arm64' ? 'aarch64' : 'x86_64'}`),
});

/** Throws `usage-invalid`, `program-missing` with the one sentence that says what is missing and how to have it. */
export function checkPrograms(target: 'x64' | 'arm64', { platform, cpu, user, find, runs } = thisMachine()): void {
  if (platform !== 'linux') {
    throw new AtalayaError('usage-invalid', 'an image is made on Linux only', { hint: 'Make it on a Debian 12.' });
  }
  if (user !== 0) {
    throw new AtalayaError(
      'usage-invalid',
      'an image is made by root: its files are those of root and of its own accounts',
      {
        hint: 'Run the same call with sudo.',
      },
    );
  }
  const foreign = target !== cpu && target === 'arm64';
  const emulator = { 'qemu-aarch64-static': 'qemu-user-static', 'arch-test': 'arch-test' };
  const all: Readonly<Record<string, string>> = foreign ? { ...needed, ...emulator } : needed;
  const missing = Object.keys(all).filter((program) => find(program) === undefined);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => all[program]))].join(' ');
    throw new AtalayaError('program-missing', `${missing.join(', ')} missing`, { hint: `apt-get install ${packages}` });
  }
  if (!runs(target)) {
    throw new AtalayaError('program-missing', `this machine does not run programs for ${target}`, {
      hint: 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc; update-binfmts --enable qemu-aarch64',
    });
  }
}
