import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a program is made of, from the root of this repository. */
const made = [
  ...['device', 'models', 'provisioning', 'ota', 'cloud-bridge', '.build/models'],
  ...['package.json', 'package-lock.json', '.npmrc', 'LICENSE', 'README.md'],
];

/** A text of the program, and what becomes of it. */
export interface Change {
  readonly file: string;
  readonly from: string | RegExp;
  readonly to: string;
}

export const versionIs = (version: string): Change => ({
  file: 'device/version.ts',
  from: /^export const version: string = .*$/m,
  to: `export const version: string = ${JSON.stringify(version)}; void packageJson;`,
});

/** It starts, opens everything, and sees nothing. */
export const isBlind: Change = {
  file: 'device/unit/detector.ts',
  from: /return WorkerDetector\.open\(([\s\S]*)\);\n\}/,
  to: 'return WorkerDetector.open($1).then((open) => Object.assign(open, { detect: async () => [] }));\n}',
};

/** It does not come as far as the first line of its log. */
export const crashes: Change = {
  file: 'device/cli/atalaya-unit.ts',
  from: "import '../kernel/quiet-libraries.ts';",
  to: "import '../kernel/quiet-libraries.ts';\n\nif (process.argv.includes('run')) throw new Error('deliberately broken');",
};

/** A copy of this program with changes, at `to`; what is not changed has a second name there. Throws for a text that is not there. */
export async function changedSource(source: string, to: string, changes: readonly Change[]): Promise<void> {
  await rm(to, { recursive: true, force: true });
  for (const one of made.filter((name) => existsSync(join(source, name)))) {
    const target = join(to, one);
    await mkdir(join(target, '..'), { recursive: true });
    await run('cp', ['--recursive', '--link', '--no-dereference', join(source, one), target]);
  }
  for (const { file, from, to: text } of changes) {
    const path = join(to, file);
    const before = await readFile(path, 'utf8');
    const after = before.replace(from, text);
    if (after === before) throw new Error(`${file} has no ${String(from)}`);
    // A file of its own: the name that it shares with the source must not be written to.
    await rm(path);
    await writeFile(path, after);
  }
}
