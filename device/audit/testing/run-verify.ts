import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { writePack } from '../pack.ts';
import type { PackParts } from '../pack-parts.ts';

/** All that verify.sh may call besides its shell: openssl, sha256sum, and of coreutils, grep and sed these. */
const allowed = ['sha256sum', 'cat', 'cut', 'grep', 'head', 'mktemp', 'od', 'rm', 'sed', 'tail', 'tr', 'wc'];

export interface Verdict {
  readonly code: number;
  readonly says: string;
  /** The part that the script names as failing. */
  readonly failed: string | undefined;
}

const where = (program: string): string | undefined => {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
  return found === '' ? undefined : found;
};

/** Packs in a folder of their own, and verify.sh on them, with a PATH on which nothing else is. */
export class PackBench {
  readonly folder: string;
  readonly #shell: readonly string[];
  #packs = 0;

  constructor(folder: string, shell: readonly string[]) {
    this.folder = folder;
    this.#shell = shell;
  }

  /** Undefined where this machine lacks the shell or openssl. */
  static async open(shell: 'sh' | 'busybox'): Promise<PackBench | undefined> {
    const program = where(shell);
    const openssl = where('openssl');
    if (program === undefined || openssl === undefined) return undefined;
    const folder = await mkdtemp(join(tmpdir(), 'audit-pack-'));
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await symlink(openssl, join(bin, 'openssl'));
    for (const name of allowed)
      await symlink(shell === 'busybox' ? program : (where(name) ?? program), join(bin, name));
    return new PackBench(folder, shell === 'busybox' ? [program, 'sh'] : [program]);
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  /** Writes a pack; the key to check it with lies beside it as `FOLDER.pem`. */
  async pack(parts: PackParts): Promise<string> {
    this.#packs += 1;
    const folder = join(this.folder, `pack ${this.#packs}`);
    await writePack(folder, parts);
    await writeFile(`${folder}.pem`, parts.publicKey.pem);
    return folder;
  }

  verify(pack: string, args: readonly string[] = [`${pack}.pem`]): Promise<Verdict> {
    const [program = 'sh', ...first] = this.#shell;
    const script = join(pack, 'verify.sh');
    const env = { PATH: join(this.folder, 'bin'), TMPDIR: this.folder };
    return new Promise((resolve) => {
      execFile(program, [...first, script, ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
        const says = `${stdout}${stderr}`;
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, says, failed: /^FAILED ([^:]+):/m.exec(stderr)?.[1] });
      });
    });
  }
}

/** Runs the commands of VERIFY.md one after the other, as somebody would who does not trust verify.sh; gives what they print. */
export async function followGuide(pack: string): Promise<string> {
  const guide = await readFile(join(pack, 'VERIFY.md'), 'utf8');
  const temp = await mkdtemp(join(tmpdir(), 'by-hand-'));
  const commands = [...guide.matchAll(/^ {4}(\S.*)$/gm)]
    .map(([, line = '']) => line)
    .filter((line) => !/^(sh verify\.sh|[0-9a-f]{64} )/.test(line))
    .map((line) => line.replaceAll('TEMP', temp).replaceAll('KEY.pem', '"$KEY"'));
  try {
    const env = { ...process.env, KEY: `${pack}.pem` };
    const { status, stdout, stderr } = spawnSync('sh', ['-e'], {
      cwd: pack,
      env,
      input: commands.join('\n'),
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`a step of VERIFY.md failed: ${stderr}${stdout}`);
    return stdout;
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}

/** Makes SHA256SUMS fit again, as somebody would who changes a pack on purpose. */
export async function sumAgain(pack: string): Promise<void> {
  const paths = (await readdir(pack, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== 'SHA256SUMS')
    .map((entry) => relative(pack, join(entry.parentPath, entry.name)));
  const lines = await Promise.all(
    paths.map(
      async (path) =>
        `${createHash('sha256')
          .update(await readFile(join(pack, path)))
          .digest('hex')}  ${path}\n`,
    ),
  );
  await writeFile(join(pack, 'SHA256SUMS'), lines.join(''));
}

/** Runs the work with so many at a time. */
export async function each<T>(items: readonly T[], work: (item: T) => Promise<void>, atOnce = 4): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
