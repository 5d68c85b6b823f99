import { join } from 'node:path';
import { z } from 'zod';
import { makeFolders, readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import type { Files } from '../../device/kernel/files.ts';
import { type RepositoryName, repositoryNames } from '../contract/repository.ts';
import type { TrustedRepository } from './judge-repository.ts';
import { believes, isRefused, type ReadMetadata, type RoleName, readMetadata } from './read-metadata.ts';

/** Metadata of both repositories as it was accepted, in one file, so that it is replaced at once. */
const schemaId = 'atalaya/trusted-metadata/1';
const texts = z.strictObject({
  root: z.string(),
  timestamp: z.string().optional(),
  snapshot: z.string().optional(),
  targets: z.string().optional(),
});
const shape = z.strictObject({ schema: z.literal(schemaId), image: texts.optional(), director: texts.optional() });

export type TrustedRepositories = { readonly [Name in RepositoryName]?: TrustedRepository };

/** What is stored, as far as it still holds: a part that is damaged is as if it had never been fetched. */
export interface StoredMetadata {
  readonly repositories: TrustedRepositories;
  readonly damaged: boolean;
}

export class MetadataStore {
  readonly #files: Files;
  readonly #folder: string;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  get #path(): string {
    return join(this.#folder, 'metadata.json');
  }

  /** Throws `store-failed` where it cannot be read. */
  async read(): Promise<StoredMetadata> {
    const bytes = await readWholeFile(this.#files, this.#path);
    if (bytes === undefined) return { repositories: {}, damaged: false };
    const parsed = shape.safeParse(jsonOf(bytes));
    if (!parsed.success) return { repositories: {}, damaged: true };
    let damaged = false;
    const repositories: { [Name in RepositoryName]?: TrustedRepository } = {};
    for (const name of repositoryNames) {
      const stored = parsed.data[name];
      if (stored === undefined) continue;
      const believable = believableOf(stored, name);
      if (believable !== undefined) repositories[name] = believable.trusted;
      damaged ||= believable?.whole !== true;
    }
    return { repositories, damaged };
  }

  /** Replaces what is stored. Durable when it resolves; throws `store-full` and `store-failed`, and then the old stands. */
  async write(repositories: TrustedRepositories): Promise<void> {
    const content = {
      schema: schemaId,
      ...Object.fromEntries(repositoryNames.map((name) => [name, textsOf(repositories[name])])),
    };
    await makeFolders(this.#files, this.#folder);
    await writeWholeFile(this.#files, this.#path, Buffer.from(JSON.stringify(content)));
  }
}

function textsOf(trusted: TrustedRepository | undefined): object | undefined {
  if (trusted === undefined) return undefined;
  const { root, timestamp, snapshot, targets } = trusted;
  const all = { root, timestamp, snapshot, targets };
  return Object.fromEntries(Object.entries(all).map(([role, read]) => [role, read?.bytes.toString()]));
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function believableOf(
  stored: z.infer<typeof texts>,
  name: RepositoryName,
): { readonly trusted: TrustedRepository; readonly whole: boolean } | undefined {
  const root = readMetadata('root', Buffer.from(stored.root), name);
  if (isRefused(root) || !believes(root.metadata, 'root', root.metadata)) return undefined;
  const part = <Role extends Exclude<RoleName, 'root'>>(role: Role): ReadMetadata<Role> | undefined => {
    const text = stored[role];
    if (text === undefined) return undefined;
    const read = readMetadata(role, Buffer.from(text), name);
    return isRefused(read) || !believes(root.metadata, role, read.metadata) ? undefined : read;
  };
  const parts = { timestamp: part('timestamp'), snapshot: part('snapshot'), targets: part('targets') };
  const { timestamp, snapshot, targets } = parts;
  return {
    trusted: {
      root,
      ...(timestamp === undefined ? {} : { timestamp }),
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(targets === undefined ? {} : { targets }),
    },
    whole: (['timestamp', 'snapshot', 'targets'] as const).every(
      (role) => stored[role] === undefined || parts[role] !== undefined,
    ),
  };
}
