import type { Files } from '../../device/kernel/files.ts';
import { listIfThere } from '../../device/kernel/files.ts';
import { type RepositoryName, repositoryNames } from '../contract/repository.ts';
import { readChain } from './chain.ts';
import type { Role } from './metadata.ts';
import { placesIn, readRoots } from './repository-folder.ts';

/** When a piece of published metadata runs out. */
export interface Expiry {
  readonly repository: RepositoryName;
  /** Of the director's metadata of one unit. */
  readonly unit?: string;
  readonly role: Role;
  readonly version: number;
  readonly expires: string;
  /** Days from now; negative where it has run out. */
  readonly left: number;
}

/** All that runs out, the soonest first. Throws `store-damaged`. */
export async function expiriesOf(files: Files, folder: string, now: number): Promise<readonly Expiry[]> {
  const found: Expiry[] = [];
  const add = (
    what: Pick<Expiry, 'repository' | 'unit' | 'role'>,
    { version, expires }: { version: number; expires: string },
  ) => {
    found.push({ ...what, version, expires, left: (Date.parse(expires) - now) / 86_400_000 });
  };
  for (const repository of repositoryNames) {
    const root = (await readRoots(files, folder, repository)).at(-1);
    if (root !== undefined) add({ repository, role: 'root' }, root.signed);
    for (const { at, ...where } of await chainFolders(files, folder, repository)) {
      const chain = await readChain(files, at, where.unit === undefined ? repository : `${repository}/${where.unit}`);
      if (chain === undefined) continue;
      for (const role of ['targets', 'snapshot', 'timestamp'] as const)
        add({ repository, role, ...where }, chain[role].signed);
    }
  }
  return found.sort((a, b) => a.left - b.left);
}

/** Folders with a chain: one of the image, one a unit of the director; of a stick the director's own. */
export async function chainFolders(
  files: Files,
  folder: string,
  repository: RepositoryName,
): Promise<readonly { readonly at: string; readonly unit?: string }[]> {
  const places = placesIn(folder);
  const at = places.metadata(repository);
  if (repository === 'image') return [{ at }];
  const names = await listIfThere(files, at);
  if (names.includes('timestamp.json')) return [{ at }];
  return names.filter((name) => !name.includes('.')).map((unit) => ({ at: places.unit(unit), unit }));
}
