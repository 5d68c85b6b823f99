import { AtalayaError, isAtalayaError } from '../../device/kernel/errors.ts';
import { type Files, listIfThere } from '../../device/kernel/files.ts';
import type { RepositoryName } from '../contract/repository.ts';
import type { Target } from '../contract/target.ts';
import { type Chain, chainFault, readChain, targetsOf } from './chain.ts';
import { chainFolders } from './expiry.ts';
import { readRoots } from './repository-folder.ts';
import { targetFault } from './target-files.ts';
import { fieldOf } from './unit-chain.ts';

/** Something for which a unit would refuse what is published. */
export interface RepositoryFault {
  /** `image`, `director/UNIT`, `targets/NAME`. */
  readonly where: string;
  readonly what: string;
}

export interface Checked {
  readonly faults: readonly RepositoryFault[];
  /** Targets of the image repository. */
  readonly targets: number;
  /** Units that have a job. */
  readonly units: number;
}

/**
 * Verifies all that is published, or what a stick holds, as units would: roots, signatures, versions, ends, hashes, files, and that the
 * director says of every target what the image repository says. Throws `document-refused` for a folder that is neither.
 */
export async function checkRepository(files: Files, folder: string, now: number): Promise<Checked> {
  if ((await listIfThere(files, folder)).every((name) => name !== 'image' && name !== 'director')) {
    throw new AtalayaError(
      'document-refused',
      `${folder} is no repository and no stick: it has no folders image and director`,
      { hint: 'Name the folder of the repository, or what lies on the stick.' },
    );
  }
  const faults: RepositoryFault[] = [];
  const add = (where: string, what: string) => faults.push({ where, what });
  const image = await checkChains(files, folder, 'image', now, add);
  const published = image[0]?.targets ?? [];
  const director = await checkChains(files, folder, 'director', now, add);
  for (const { where, unit, targets, chain } of director) {
    const field = fieldOf(chain);
    if (field === undefined) add(where, 'the job is none that a unit would take');
    else if (unit !== undefined && field.unit !== unit) add(where, `the job is of ${field.unit}`);
    for (const target of targets) {
      const same = published.find((one) => one.target === target.target);
      if (same === undefined || JSON.stringify(same) !== JSON.stringify(target))
        add(where, `${target.target} is not what the image repository says of it`);
    }
    for (const name of field?.job.install ?? []) {
      if (!targets.some(({ target }) => target === name)) add(where, `${name} is to be installed and not described`);
    }
  }
  // A stick has the files of its unit only.
  const stick = director.some(({ unit }) => unit === undefined);
  for (const target of stick ? director.flatMap(({ targets }) => targets) : published) {
    const fault = await targetFault(files, folder, target);
    if (fault !== undefined) add(`targets/${target.target}`, `the file ${fault}`);
  }
  return { faults, targets: published.length, units: director.length };
}

interface Seen {
  readonly where: string;
  readonly unit: string | undefined;
  readonly chain: Chain;
  readonly targets: readonly Target[];
}

async function checkChains(
  files: Files,
  folder: string,
  repository: RepositoryName,
  now: number,
  add: (where: string, what: string) => void,
): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  const root = await trying(repository, add, async () => (await readRoots(files, folder, repository)).at(-1)?.signed);
  if (root === undefined) {
    add(repository, 'no root is published');
    return [];
  }
  if (Date.parse(root.expires) <= now) add(repository, `root ${root.version} has run out on ${root.expires}`);
  for (const { at, unit } of await chainFolders(files, folder, repository)) {
    const where = unit === undefined ? repository : `${repository}/${unit}`;
    await trying(where, add, async () => {
      const chain = await readChain(files, at, where);
      if (chain === undefined) return add(where, 'no timestamp is published');
      const fault = chainFault(root, chain);
      if (fault !== undefined) add(where, `${fault} is not signed by enough keys of root ${root.version}`);
      for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
        const { version, expires } = chain[role].signed;
        if (Date.parse(expires) <= now) add(where, `${role} ${version} has run out on ${expires}`);
      }
      seen.push({ where, unit, chain, targets: targetsOf(chain.targets.signed, where) });
    });
  }
  return seen;
}

async function trying<T>(
  where: string,
  add: (where: string, what: string) => void,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isAtalayaError(error, 'store-damaged') && !isAtalayaError(error, 'document-refused')) throw error;
    add(where, error.message);
    return undefined;
  }
}
