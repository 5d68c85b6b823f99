import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { milliseconds } from '../../../device/kernel/units.ts';
import { callProgram, source } from '../../../device/testing/call-program.ts';
import { diskFile } from '../../../ota/bundle/bundle-files.ts';
import { targetFileName, writeWholeTarget } from '../../../ota/bundle/write-target.ts';
import { bundleManifest, manifestName } from '../../../ota/contract/bundle.ts';
import { type Target, target as targetSchema } from '../../../ota/contract/target.ts';
import { type Change, changedSource, crashes, versionIs } from '../../../ota/testing/real-update/changed-source.ts';
import { readProgramFolder } from '../../bundle/bundle-tree.ts';
import { programHome } from '../plan.ts';
import { runProgram } from '../run-program.ts';
import type { BootedDisk } from './booted-disk.ts';

/** What is published in front of a unit whose image brought `image`. */
export interface MadeReleases {
  /** Version and release of the image's program. */
  readonly image: { readonly version: string; readonly release: number };
  readonly good: Target;
  /** From the image's program to `good`. */
  readonly patch: Target;
  /** It does not come as far as the first line of its log. There is no patch to it. */
  readonly broken: Target;
  /** Folder with all of them. */
  readonly bundles: string;
}

/** An emulated processor does in seconds what a board does in a moment, and no update can help that. */
const patientBars: readonly Change[] = [
  ['leastRate: 5,', 'leastRate: 0.1,'],
  ['inferenceMs: { doubt: 250, fail: 1000 }', 'inferenceMs: { doubt: 250, fail: 120_000 }'],
  ['sealMs: { doubt: 2000, fail: 10_000 }', 'sealMs: { doubt: 2000, fail: 120_000 }'],
].map(([from = '', to = '']) => ({ file: 'device/selftest/bars.ts', from, to }));

/** Makes the releases that follow what a flashed disk has, from the sources as they are: a good one, with a patch of the image's, and a broken one. */
export async function makeReleases(machine: BootedDisk, work: string): Promise<MadeReleases> {
  const at = (name: string): string => join(work, name);
  const bundles = at('bundles');
  rmSync(bundles, { recursive: true, force: true });
  mkdirSync(bundles, { recursive: true });
  const base = await imageTarget(machine, at('image'));
  const { version, release } = base.description;
  const good = await makeRelease(bundles, at('source'), release + 1, '0.2.0', patientBars);
  const whole = (folder: string, { target }: Target): string => join(folder, target);
  await callProgram('ota', [
    ...['bundle', 'patch', '--from', whole(at('image'), base), '--to', whole(bundles, good), '--out', bundles],
  ]);
  const patch = read(
    bundles,
    good.target.replace(/\.tar\.zst$/, `.from-${base.description.tree.sha256.slice(0, 8)}.patch`),
  );
  const broken = await makeRelease(bundles, at('source'), release + 2, '0.3.0', [crashes]);
  for (const name of ['source', 'image']) rmSync(at(name), { recursive: true, force: true });
  return { image: { version, release }, good, patch, broken, bundles };
}

/** The program of a flashed disk as the target that it would be. Throws where the image lays none that could be one. */
async function imageTarget(machine: BootedDisk, folder: string): Promise<Target> {
  const tree = join(folder, 'tree');
  mkdirSync(folder, { recursive: true });
  const path = `${programHome.folder}/${programHome.program}`;
  const from = ['-offset', String(machine.partition(2).start * 512), '-dest', tree, machine.disk, path];
  await runProgram('unsquashfs', ['-quiet', '-no-progress', '-no-xattrs', ...from], {
    deadline: milliseconds(300_000),
    log: join(folder, 'unsquashfs.log'),
  });
  const root = join(tree, path);
  const manifest = bundleManifest.parse(JSON.parse(readFileSync(join(root, manifestName), 'utf8')));
  const files = readProgramFolder(root).entries.map((entry) => {
    if (entry.kind === 'link') throw new Error(`the program of the image has a link: ${entry.path}`);
    return diskFile(entry.path, join(root, entry.path), entry);
  });
  return writeWholeTarget(files, manifest, { folder, signal: new AbortController().signal, level: 1 });
}

async function makeRelease(
  out: string,
  scratch: string,
  release: number,
  version: string,
  changes: readonly Change[],
): Promise<Target> {
  await changedSource(source, scratch, [versionIs(version), ...changes]);
  await callProgram('ota', [
    ...['bundle', 'program', '--cpu', 'x64', '--source', scratch, '--cache', join(source, '.build/bundle')],
    // Of what is shown nothing depends on how hard it was compressed.
    ...['--release', String(release), '--version', version, '--level', '3', '--out', out],
  ]);
  return read(out, `unit-${version}-r${release}-x64.tar.zst`);
}

const read = (folder: string, name: string): Target => {
  const file = join(folder, targetFileName(name));
  if (!existsSync(file)) throw new Error(`${file} was not made`);
  return targetSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
};
