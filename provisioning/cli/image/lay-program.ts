import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { parse } from '../../../device/kernel/schema.ts';
import { type ArchiveFile, writeArchive } from '../../../ota/archive/write-archive.ts';
import { composeProgram } from '../../../ota/cli/bundle/compose-program.ts';
import { stageForUnits } from '../../../ota/cli/bundle/stage-for-units.ts';
import { versionName } from '../../../ota/contract/names.ts';
import type { LaidProgram, LayProgram } from '../../image/build-image.ts';

/**
 * Lays a unit's program as updates lay it: the tree that `atalaya-ota bundle program` makes of the same sources with this release and no other
 * words. So the first update of a unit can be a patch of what its image brought. Throws what `stageForUnits` and `composeProgram` throw.
 */
export const layProgram =
  (source: string, release: number, node: string): LayProgram =>
  async (folder, { cpu, cache, log, signal }) => {
    const version = versionOf(source);
    const stage = `${folder}.stage`;
    try {
      const tree = await stageForUnits({ source, cpu, cache, log, signal, node }, stage);
      const { files } = await composeProgram(tree, stage, { release, version, hardware: [cpu] });
      return { version, release, ...(await layFiles(files, folder, signal)) };
    } finally {
      rmSync(stage, { recursive: true, force: true });
    }
  };

/** Writes the files of a bundle as a folder, and gives what its archive would be called by: bytes and SHA-256. */
export async function layFiles(
  files: readonly ArchiveFile[],
  folder: string,
  signal: AbortSignal,
): Promise<Pick<LaidProgram, 'tree'>> {
  for (const { path, executable, read } of files) {
    const place = join(folder, path);
    await mkdir(dirname(place), { recursive: true, mode: 0o755 });
    await writeFile(place, read(), { signal });
    await chmod(place, executable ? 0o755 : 0o644);
  }
  const hash = createHash('sha256');
  let length = 0;
  for await (const bytes of writeArchive(files)) {
    hash.update(bytes);
    length += bytes.byteLength;
  }
  return { tree: { sha256: hash.digest('hex'), length } };
}

const versionOf = (source: string): string => {
  const file = join(source, 'package.json');
  const schema = z.object({ version: versionName });
  return parse(schema, JSON.parse(readFileSync(file, 'utf8')), file, 'document-refused').version;
};
