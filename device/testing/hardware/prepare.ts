import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Unavailable } from './commands.ts';
import { DebianArchive, type KernelPackages } from './debian.ts';
import { makeKernel } from './kernel.ts';
import { makeInitialImage, makeRootImage } from './root-image.ts';

/** What a machine boots from. */
export interface Prepared {
  readonly kernel: string;
  readonly initial: string;
  readonly root: string;
  readonly release: string;
  /** False where it lay there already. */
  readonly made: boolean;
}

/** The files whose text decides what is made: where one changes, everything is made anew. */
const recipe = ['kernel.ts', 'root-image.ts'];

/**
 * Kernel, initial file system and root image, made once for these versions of packages and this recipe and kept below `cache`. Without a
 * network the newest that was made for this recipe serves, and `say` tells so. Throws `Unavailable` where there is none either.
 */
export async function prepareMachine(cache: string, log: string, say: (line: string) => void): Promise<Prepared> {
  mkdirSync(cache, { recursive: true });
  const recipeDigest = digest(...recipe.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8')));
  const archive = new DebianArchive(join(cache, 'apt'), log);
  let packages: KernelPackages;
  let key: string;
  try {
    await archive.update();
    packages = await archive.kernelPackages();
    key = `${digest(recipeDigest, archive.suiteDigest, ...Object.values(packages)).slice(0, 16)}`;
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    const kept = lastMade(cache, recipeDigest);
    if (kept === undefined) throw error;
    say(`${error.message}: with what was prepared before`);
    return kept;
  }
  const folder = join(cache, key);
  const made = !isWhole(folder);
  if (made) {
    const work = join(cache, `${key}.part-${process.pid}`);
    await makeInto(archive, packages, work, recipeDigest, log);
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
  }
  const now = new Date();
  utimesSync(folder, now, now);
  forgetOld(cache, key);
  return { ...partsOf(folder), made };
}

/** Removes what was made for other versions and was not used for a day: another run may still boot from it until then. */
function forgetOld(cache: string, key: string): void {
  const day = 24 * 60 * 60 * 1000;
  for (const name of readdirSync(cache)) {
    if (!/^[0-9a-f]{16}(\.part-\d+)?$/.test(name) || name === key) continue;
    const path = join(cache, name);
    // Nobody else prepares at this moment: what is unfinished is of a run that was ended.
    if (name.includes('part') || Date.now() - statSync(path).mtimeMs > day) rmSync(path, { recursive: true });
  }
}

async function makeInto(
  archive: DebianArchive,
  packages: KernelPackages,
  work: string,
  recipeDigest: string,
  log: string,
): Promise<void> {
  const scratch = join(work, 'scratch');
  mkdirSync(scratch, { recursive: true });
  const kernel = await makeKernel(archive, packages, scratch, log);
  const parts = partsOf(work, kernel.release);
  copyFileSync(kernel.image, parts.kernel);
  await makeInitialImage(kernel, scratch, parts.initial, log);
  await makeRootImage(kernel, scratch, parts.root, log);
  rmSync(scratch, { recursive: true });
  writeFileSync(join(work, 'made.json'), JSON.stringify({ release: kernel.release, recipe: recipeDigest }));
}

/** It was renamed when it was finished; somebody may have tidied up since. */
const isWhole = (folder: string): boolean =>
  ['vmlinuz', 'initial.cpio.gz', 'root.ext4', 'made.json'].every((name) => existsSync(join(folder, name)));

function partsOf(folder: string, release?: string): Omit<Prepared, 'made'> {
  return {
    kernel: join(folder, 'vmlinuz'),
    initial: join(folder, 'initial.cpio.gz'),
    root: join(folder, 'root.ext4'),
    release: release ?? madeOf(folder).release,
  };
}

function madeOf(folder: string): { readonly release: string; readonly recipe: string } {
  return JSON.parse(readFileSync(join(folder, 'made.json'), 'utf8')) as { release: string; recipe: string };
}

function lastMade(cache: string, recipeDigest: string): Prepared | undefined {
  const folder = readdirSync(cache)
    .filter((name) => /^[0-9a-f]{16}$/.test(name))
    .map((name) => join(cache, name))
    .find((path) => isWhole(path) && madeOf(path).recipe === recipeDigest);
  return folder === undefined ? undefined : { ...partsOf(folder), made: false };
}

const digest = (...parts: readonly string[]): string => createHash('sha256').update(parts.join('\0')).digest('hex');
