import { z } from 'zod';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { BundleCpu } from './native-binary.ts';

const names = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value));
const versions = z.record(z.string(), z.string()).default({});

const lockedPackage = z.object({
  version: z.string().optional(),
  integrity: z.string().optional(),
  os: names.optional(),
  cpu: names.optional(),
  libc: names.optional(),
  dependencies: versions,
  optionalDependencies: versions,
  peerDependencies: versions,
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().default(false) })).default({}),
});
export type LockedNpmPackage = z.infer<typeof lockedPackage>;

/** Packages of `package-lock.json` (lockfileVersion 3) by their folder: `node_modules/a/node_modules/b`. The root is `''`. */
export type NpmLock = ReadonlyMap<string, LockedNpmPackage>;

const lockFile = z.object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), lockedPackage) });

/** Reads a lock file. Throws `document-refused` where it is none of version 3. */
export function parseNpmLock(text: string): NpmLock {
  const read = lockFile.safeParse(jsonOf(text));
  if (read.success) return new Map(Object.entries(read.data.packages));
  throw new AtalayaError('document-refused', `package-lock.json cannot be read: ${z.prettifyError(read.error)}`, {
    hint: 'Make it anew with npm 7 or later: npm install --package-lock-only',
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface NeededPackages {
  /** Folders of the packages, and who needs each: a package's folder, or `from` of a wanted one. */
  readonly folders: ReadonlyMap<string, string>;
  /** Of each of these: the folders that it needs itself, sorted. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** Sentences: what is needed and does not stand in the lock. */
  readonly faults: readonly string[];
}

/**
 * The wanted packages and all that they need on Linux with glibc and that processor, found as Node finds them: the nearest `node_modules` first.
 * What is optional and not for this machine is passed over.
 */
export function neededPackages(lock: NpmLock, wanted: ReadonlyMap<string, string>, cpu: BundleCpu): NeededPackages {
  const folders = new Map<string, string>();
  const needs = new Map<string, readonly string[]>();
  const faults: string[] = [];
  const queue: string[] = [];
  let own = new Set<string>();
  const want = (name: string, below: string, from: string, optional: boolean): void => {
    const folder = resolveFrom(lock, below, name);
    const found = folder === undefined ? undefined : lock.get(folder);
    if (folder === undefined || found === undefined || !runsOn(found, cpu)) {
      if (!optional) faults.push(`${from} needs ${name}, which the lock does not have for linux ${cpu}`);
      return;
    }
    own.add(folder);
    if (folders.has(folder)) return;
    folders.set(folder, from);
    queue.push(folder);
  };
  for (const [name, from] of wanted) want(name, '', from, false);
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    own = new Set();
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = lock.get(
      folder,
    ) as LockedNpmPackage;
    for (const name of Object.keys(dependencies)) want(name, folder, folder, name in optionalDependencies);
    for (const name of Object.keys(optionalDependencies)) want(name, folder, folder, true);
    for (const name of Object.keys(peerDependencies)) {
      want(name, folder, folder, peerDependenciesMeta[name]?.optional === true);
    }
    needs.set(folder, [...own].sort());
  }
  return { folders, needs, faults };
}

function resolveFrom(lock: NpmLock, below: string, name: string): string | undefined {
  for (let at = below; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const folder = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (lock.has(folder)) return folder;
    if (at === '') return undefined;
  }
}

function runsOn({ os, cpu, libc }: LockedNpmPackage, ours: BundleCpu): boolean {
  const allows = (list: readonly string[] | undefined, name: string): boolean =>
    list === undefined ||
    (!list.includes(`!${name}`) && (list.includes(name) || list.every((one) => one.startsWith('!'))));
  return allows(os, 'linux') && allows(cpu, ours) && allows(libc, 'glibc');
}
