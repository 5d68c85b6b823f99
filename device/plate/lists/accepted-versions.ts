import { dirname } from 'node:path';
import { z } from 'zod';
import { makeFolders, readWholeFile, writeWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import { listName, listVersion } from './list-document.ts';
import type { AcceptedVersion } from './open-watch-list.ts';
import type { WatchList } from './watch-list.ts';

const memorySchema = z.strictObject({
  schema: z.literal('atalaya/watch-list-versions/1'),
  lists: z.record(listName, z.strictObject({ version: listVersion, seal: z.string().regex(/^[0-9a-f]{64}$/) })),
});

/**
 * The newest list of each name that was ever in use here, in a small file that survives restarts and power cuts: an older list does not
 * come back by putting its file back. One writer at a time.
 */
export class AcceptedVersions {
  readonly #files: Files;
  readonly #path: string;
  #lists: ReadonlyMap<string, AcceptedVersion>;

  constructor(files: Files, path: string, lists: ReadonlyMap<string, AcceptedVersion>) {
    this.#files = files;
    this.#path = path;
    this.#lists = lists;
  }

  /** Without a file nothing was in use yet. Throws `store-damaged` for a file that was not written here, `store-failed`. */
  static async open(files: Files, path: string): Promise<AcceptedVersions> {
    const content = await readWholeFile(files, path);
    if (content === undefined) return new AcceptedVersions(files, path, new Map());
    const read = memorySchema.safeParse(jsonOf(content.toString('utf8')));
    if (!read.success) {
      throw new AtalayaError('store-damaged', `${path} does not say which watch lists were in use here`, {
        hint: 'Make sure that the configured lists are the newest ones, then remove the file.',
      });
    }
    return new AcceptedVersions(files, path, new Map(Object.entries(read.data.lists)));
  }

  get lists(): ReadonlyMap<string, AcceptedVersion> {
    return this.#lists;
  }

  /**
   * Remembers a list that `openWatchList` has opened against `lists`; durable when this has resolved. To be done before the list is used.
   * Throws `store-full`, `store-failed`, and then remembers what it did before.
   */
  async accept({ head: { name, version, seal } }: WatchList): Promise<void> {
    const before = this.#lists.get(name);
    if (before?.version === version && before.seal === seal) return;
    const lists = new Map(this.#lists).set(name, { version, seal });
    const text = JSON.stringify({ schema: 'atalaya/watch-list-versions/1', lists: Object.fromEntries(lists) }, null, 2);
    await makeFolders(this.#files, dirname(this.#path));
    await writeWholeFile(this.#files, this.#path, Buffer.from(`${text}\n`));
    this.#lists = lists;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
