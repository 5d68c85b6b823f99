import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { callProgram, source } from '../../../device/testing/call-program.ts';
import { Installer } from '../../archive/installer.ts';
import { target as targetSchema } from '../../contract/target.ts';
import { type Change, changedSource, crashes, isBlind, versionIs } from './changed-source.ts';

interface Release {
  readonly release: number;
  readonly version: string;
  readonly changes: readonly Change[];
}

/** What the machine came with, a good one, one that sees nothing, and one that does not start. */
export const releases = {
  image: { release: 1, version: '0.1.1', changes: [] },
  good: { release: 2, version: '0.2.0', changes: [] },
  blind: { release: 3, version: '0.3.0', changes: [isBlind] },
  broken: { release: 4, version: '0.4.0', changes: [crashes] },
} as const satisfies Readonly<Record<string, Release>>;

const cpu = process.arch;

/** Of a release's bundle, without its ending. */
export const bundleName = ({ release, version }: Pick<Release, 'release' | 'version'>): string =>
  `unit-${version}-r${release}-${cpu}`;

/** Makes each release in `bundles/` of a folder, and the patches between neighbours that start; what lies there already stands. */
export async function makeReleases(work: string, say: (words: string) => void): Promise<void> {
  const at = (name: string) => join(work, name);
  let before: Release | undefined;
  for (const one of Object.values<Release>(releases)) {
    if ((await describedIn(work, one)) === undefined) {
      say(`making ${bundleName(one)}`);
      await changedSource(source, at('source'), [versionIs(one.version), ...one.changes]);
      await callProgram('ota', [
        ...['bundle', 'program', '--cpu', cpu, '--source', at('source'), '--cache', at('cache')],
        // Of what is measured here nothing depends on how hard it was compressed.
        ...['--release', String(one.release), '--version', one.version, '--level', '3', '--out', at('bundles')],
      ]);
      if (before !== undefined && one.release !== releases.broken.release) {
        say(`making the patch from ${bundleName(before)}`);
        await callProgram('ota', [
          ...['bundle', 'patch', '--from', at(`bundles/${bundleName(before)}.tar.zst`)],
          ...['--to', at(`bundles/${bundleName(one)}.tar.zst`), '--out', at('bundles')],
        ]);
      }
    }
    before = one;
  }
  await rm(at('source'), { recursive: true, force: true });
}

/** What came with the machine, unpacked as `image/`: the first release. */
export async function layImage(work: string): Promise<void> {
  const described = await describedIn(work, releases.image);
  const installer = new Installer(systemTreeFiles, { cpu: cpu === 'arm64' ? 'arm64' : 'x64' });
  const image = join(work, 'image');
  await rm(image, { recursive: true, force: true });
  const outcome = await installer.unpack(
    targetSchema.parse(JSON.parse(described ?? '')),
    join(work, 'bundles', `${bundleName(releases.image)}.tar.zst`),
    image,
    new AbortController().signal,
  );
  if (outcome.kind === 'refused') throw new Error(`${outcome.code}: ${outcome.detail}`);
}

const describedIn = (work: string, release: Release): Promise<string | undefined> =>
  readFile(join(work, 'bundles', `${bundleName(release)}.target.json`), 'utf8').catch(() => undefined);
