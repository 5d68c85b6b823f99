import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { runProgram } from './run-program.ts';

export interface ProgramTree {
  /** The program: the folder of `device/` and `package-lock.json`, with its model bundles in `.build/models`. */
  readonly source: string;
  readonly cpu: 'x64' | 'arm64';
  /** What Node runs: the sources, or (`js`) the same without their types, which start in half the time and need no compiler in memory. */
  readonly entry?: 'ts' | 'js';
  readonly cache: string;
  readonly log: string;
  readonly signal: AbortSignal;
}

/** The folders of the program that a unit runs, and its files. */
const folders = ['device', 'models', 'provisioning', 'ota', 'cloud-bridge'];
const files = ['package.json', 'LICENSE', 'README.md'];

/** What is for development: paths from the root of the program. */
const ofDevelopment = [
  /\.test\.ts$/,
  /\.hardware\.ts$/,
  /(^|\/)(testing|bench|chaos|simulate)(\/|$)/,
  /^models\/plate-reader\/train(\/|$)/,
  /^device\/capture\/street\/generator(\/|$)/,
  /(^|\/)(node_modules|__pycache__|run|\.git)(\/|$)/,
  /\.log$/,
];

/** Of packages: what they have for other systems and what nobody runs. Licences stay. Paths below node_modules. */
const unused = (cpu: string): readonly RegExp[] => [
  new RegExp(`^onnxruntime-node/bin/napi-v\\d+/(?!linux/${cpu})[^/]+/.+`),
  new RegExp(`^onnxruntime-node/bin/napi-v\\d+/linux/(?!${cpu})`),
  /^node-linux-[^/]+\/(include|share|lib)(\/|$)/,
  /^@tensorflow\/[^/]+\/src\//,
  /^(\.cache|\.package-lock\.json)(\/|$)/,
  /(^|\/)(test|tests|__tests__|\.github|\.nyc_output)\//,
  /\.(d\.[cm]?ts|map|tsbuildinfo)$/,
  // That of libvips states the licences of the libraries inside it.
  /^(?!@img\/sharp-libvips-[^/]+\/README\.md$)(.*\/)?(?!licen[cs]e|notice|copying)[^/]*\.(md|markdown)$/i,
];

/** Makes the folder of a unit's program, linked or copied file by file. Throws `source-missing` where models were not built. */
export async function stageProgram(tree: ProgramTree, stage: string): Promise<void> {
  const { source, cpu } = tree;
  const packages = await productionPackages(tree);
  rmSync(stage, { recursive: true, force: true });
  linkTree(packages, join(stage, 'node_modules'), '', unused(cpu));
  const put = tree.entry === 'js' ? writeScript : link;
  for (const name of folders) linkTree(join(source, name), join(stage, name), name, ofDevelopment, put);
  for (const name of files) link(join(source, name), join(stage, name));
  const models = join(source, '.build/models');
  const bundles = existsSync(models)
    ? readdirSync(models).filter((name) => existsSync(join(models, name, 'manifest.json')))
    : [];
  if (bundles.length === 0) {
    throw new AtalayaError('source-missing', `${models} has no model bundle`, { hint: 'Run: make models' });
  }
  for (const name of bundles) linkTree(join(models, name), join(stage, '.build/models', name), '', []);
}

/** The packages of the lock file for that processor, without those of development, installed once for each lock file. */
async function productionPackages({ source, cpu, cache, log, signal }: ProgramTree): Promise<string> {
  const given = ['package.json', 'package-lock.json', '.npmrc'].filter((name) => existsSync(join(source, name)));
  const hash = createHash('sha256').update(cpu);
  for (const name of given) hash.update(readFileSync(join(source, name)));
  const home = join(cache, `npm-${cpu}-${hash.digest('hex').slice(0, 16)}`);
  const done = join(home, 'node_modules');
  if (existsSync(done)) return done;
  const part = `${home}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  for (const name of given) copyFileSync(join(source, name), join(part, name));
  // Scripts of packages run for this machine and not for the unit's; all that a unit runs comes ready made.
  const args = [
    'ci',
    '--omit=dev',
    '--ignore-scripts',
    `--cpu=${cpu}`,
    '--os=linux',
    '--libc=glibc',
    '--no-audit',
    '--no-fund',
  ];
  await runProgram('npm', [...args, '--loglevel=error'], { deadline: milliseconds(600_000), log, cwd: part, signal });
  renameSync(part, home);
  return done;
}

/** Every file and link of a folder under a second name, but those that one of the patterns fits. */
function linkTree(from: string, to: string, below: string, without: readonly RegExp[], put = link): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (without.some((pattern) => pattern.test(path))) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target, path, without, put);
    else if (entry.isSymbolicLink()) {
      mkdirSync(dirname(target), { recursive: true });
      symlinkSync(readlinkSync(source), target);
    } else if (entry.isFile()) put(source, target);
  }
}

function link(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'EMLINK'].includes(systemCode(error) ?? '')) throw error;
    copyFileSync(from, to);
  }
}

/** A relative name of one of our modules, as it stands between quotes: of an import, or of what a thread runs. */
const moduleName = /(['"`])(\.{1,2}\/[\w./-]+)\.ts\1/g;

/** The script that Node would make of a source: types are blanks, every other character stays at its line; modules are called by their new names. */
export const scriptOf = (text: string): string => stripTypeScriptTypes(text).replace(moduleName, '$1$2.js$1');

function writeScript(from: string, to: string): void {
  if (!from.endsWith('.ts')) {
    link(from, to);
    return;
  }
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to.replace(/\.ts$/, '.js'), scriptOf(readFileSync(from, 'utf8')), { mode: statSync(from).mode });
}
