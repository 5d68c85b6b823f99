import { Metadata, type Root, Targets } from '@tufjs/models';
import { makeFolders, readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { parse } from '../../device/kernel/schema.ts';
import type { RepositoryName } from '../contract/repository.ts';
import { expiryAfter, metadataOf, type Role, roles, specVersion } from './metadata.ts';
import { placesIn, type RepositorySettings, repositorySettings, settingsSchemaId } from './repository-folder.ts';
import { keyIdOf, type PublicMetadataKey } from './signers/metadata-signer.ts';
import { keepStaged } from './staged.ts';

/** Who signs a role: so many of these keys. */
export interface RoleKeys {
  readonly keys: readonly PublicMetadataKey[];
  readonly threshold: number;
}
export type RepositoryKeys = { readonly [R in Role]: RoleKeys };

export interface RepositoryPlan {
  readonly image: RepositoryKeys;
  readonly director: RepositoryKeys;
  readonly days?: { readonly [R in RepositoryName]?: { readonly [role in Role]?: number } };
}

/**
 * Makes a repository's folder and stages what is signed first: the roots of both repositories, and an image repository without targets.
 * Throws `usage-invalid` for a plan that no key could fulfil, and where there is a repository already.
 */
export async function beginRepository(files: Files, folder: string, plan: RepositoryPlan, now: number): Promise<void> {
  const places = placesIn(folder);
  const settings = parse(
    repositorySettings,
    { schema: settingsSchemaId, ...(plan.days === undefined ? {} : { days: plan.days }) },
    'the periods',
    'usage-invalid',
  );
  const roots = {
    image: rootOf(plan.image, 1, expiryAfter(now, settings.days.image.root)),
    director: rootOf(plan.director, 1, expiryAfter(now, settings.days.director.root)),
  };
  await makeFolders(files, folder);
  const there = await readWholeFile(files, places.settings);
  if (there !== undefined) {
    throw new AtalayaError('usage-invalid', `${folder} is a repository already`, { hint: 'Name another folder.' });
  }
  for (const at of [places.metadata('image'), places.metadata('director'), places.targets])
    await makeFolders(files, at);
  const targets = new Metadata(
    new Targets({ version: 1, specVersion, expires: expiryAfter(now, settings.days.image.targets), targets: {} }),
  );
  await keepStaged(files, folder, { repository: 'director', role: 'root', roots: [], metadata: roots.director });
  await keepStaged(files, folder, { repository: 'image', role: 'root', roots: [], metadata: roots.image });
  await keepStaged(files, folder, {
    repository: 'image',
    role: 'targets',
    roots: [],
    metadata: targets,
    nextRoot: roots.image,
    current: undefined,
  });
  // Last: what has none is no repository, and is begun again.
  await writeWholeFile(files, places.settings, settingsBytes(settings));
}

const settingsBytes = (settings: RepositorySettings): Buffer => Buffer.from(`${JSON.stringify(settings, null, 2)}\n`);

/** An unsigned root. Throws `usage-invalid` for a threshold that the keys of a role cannot meet, or a key that stands twice. */
export function rootOf(keys: RepositoryKeys, version: number, expires: string): Metadata<Root> {
  for (const role of roles) {
    const { threshold, keys: of } = keys[role];
    const ids = of.map(keyIdOf);
    if (new Set(ids).size !== ids.length) {
      throw new AtalayaError('usage-invalid', `a key of ${role} is named twice`, {
        hint: 'Each key holder has a key of their own.',
      });
    }
    if (!Number.isInteger(threshold) || threshold < 1 || threshold > ids.length) {
      throw new AtalayaError('usage-invalid', `${threshold} of ${ids.length} keys cannot sign ${role}`, {
        hint: 'Name more keys, or a lower threshold of 1 at least.',
      });
    }
  }
  const all = roles.flatMap((role) => keys[role].keys);
  return metadataOf(
    'root',
    {
      signed: {
        _type: 'root',
        spec_version: specVersion,
        version,
        expires,
        consistent_snapshot: true,
        keys: Object.fromEntries(all.map((key) => [keyIdOf(key), key])),
        roles: Object.fromEntries(
          roles.map((role) => [role, { keyids: keys[role].keys.map(keyIdOf), threshold: keys[role].threshold }]),
        ),
      },
      signatures: [],
    },
    'the new root',
  );
}

/** The keys that a root names, by role. */
export function keysOf(root: Root): RepositoryKeys {
  const of = (role: Role): RoleKeys => ({
    keys: (root.roles[role]?.keyIDs ?? []).flatMap((id) =>
      root.keys[id] === undefined ? [] : [root.keys[id].toJSON() as PublicMetadataKey],
    ),
    threshold: root.roles[role]?.threshold ?? 1,
  });
  return { root: of('root'), targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') };
}
