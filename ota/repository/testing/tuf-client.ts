import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TargetFile } from '@tufjs/models';
import { BaseFetcher, Updater } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import type { TreeFiles } from '../../../device/kernel/tree-files.ts';
import type { PublishedFile } from '../../contract/director.ts';
import type { RepositoryName } from '../../contract/repository.ts';
import { openPublished } from '../published-files.ts';

/** A unit's client as tuf-js makes it, which shares nothing with what signs; its cache is a folder of the disk. */
export interface TufClient {
  /** Takes whatever is newest, by the rules of TUF. Throws what tuf-js throws. */
  refresh(): Promise<Updater>;
  target(name: string): Promise<TargetFile | undefined>;
}

/** `cache` is empty or that of a client before; the root is what a unit was given when it was enrolled. */
export function tufClient(
  files: TreeFiles,
  folder: string,
  unit: string,
  repository: RepositoryName,
  cache: string,
  firstRoot?: Buffer,
): TufClient {
  mkdirSync(cache, { recursive: true });
  if (firstRoot !== undefined) writeFileSync(join(cache, 'root.json'), firstRoot);
  const refresh = async () => {
    const updater = new Updater({
      metadataDir: cache,
      metadataBaseUrl: `http://unit/${repository}`,
      fetcher: new FolderFetcher((path) => openPublished(files, folder, unit, path)),
    });
    await updater.refresh();
    return updater;
  };
  return { refresh, target: async (name) => (await refresh()).getTargetInfo(name) };
}

class FolderFetcher extends BaseFetcher {
  readonly #open: (path: string) => Promise<PublishedFile | undefined>;

  constructor(open: (path: string) => Promise<PublishedFile | undefined>) {
    super();
    this.#open = open;
  }

  override async fetch(): Promise<never> {
    throw new Error('only whole files are fetched');
  }

  override async downloadBytes(url: string, most: number): Promise<Buffer> {
    const file = await this.#open(url.slice('http://unit/'.length));
    if (file === undefined) throw new DownloadHTTPError(`${url} is not there`, 404);
    try {
      if (file.length > most) throw new Error(`${url} is too long`);
      return await file.read(0, file.length);
    } finally {
      await file.close();
    }
  }
}
