import { dirname, join } from 'node:path';
import { unitId } from '../../cloud-bridge/contract/names.ts';
import { storeFault } from '../../device/kernel/durable-file.ts';
import { systemCode } from '../../device/kernel/errors.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import type { PublishedFile } from '../contract/director.ts';
import { isRepositoryPath } from '../contract/repository.ts';

/** Where a path of the layout lies for a unit, below the repository; undefined for what is no such path. */
function publishedPlace(unit: string, path: string): string | undefined {
  if (!isRepositoryPath(path) || !unitId.safeParse(unit).success) return undefined;
  const own = /^director\/(.*(?:timestamp|snapshot|targets)\.json)$/.exec(path)?.[1];
  return own === undefined ? path : `director/${unit}/${own}`;
}

/** Opens a published file for a unit. Neither the file nor a folder on the way to it may be a link. Throws `store-failed`. */
export async function openPublished(
  files: TreeFiles,
  folder: string,
  unit: string,
  path: string,
): Promise<PublishedFile | undefined> {
  const place = publishedPlace(unit, path);
  if (place === undefined) return undefined;
  try {
    for (let above = dirname(place); above !== '.'; above = dirname(above)) {
      if ((await files.look(join(folder, above)))?.kind !== 'folder') return undefined;
    }
    if ((await files.look(join(folder, place)))?.kind !== 'file') return undefined;
    const file = await files.open(join(folder, place), 'read');
    const length = await file.size();
    return {
      length,
      read: async (from, wanted) => {
        const most = from < 0 ? 0 : Math.max(0, Math.min(wanted, length - from));
        const bytes = Buffer.allocUnsafe(most);
        return most === 0 ? bytes : bytes.subarray(0, await file.read(bytes, from));
      },
      close: () => file.close(),
    };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw storeFault(error, `cannot read ${place}`);
  }
}
