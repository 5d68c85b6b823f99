import { dirname } from 'node:path';
import { AtalayaError, isAtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { OpenFile } from '../../device/kernel/files.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { TreeDigest } from '../contract/target.ts';
import type { ArchiveEntry } from './archive-form.ts';
import type { ArchiveEvent } from './read-archive.ts';

/** What a file system takes besides an archive's bytes: names, and the ends of its last blocks. */
const overhead = 1024 * 1024;

/**
 * Lays an archive down as a tree below a folder that is missing or empty, and makes it durable. Nothing is written anywhere else: the folder is
 * empty at first, and an archive has no links. Refused, failed or aborted: what is in the folder is litter.
 *
 * Refused: whatever `events` end with, `archive-tree` where the archive is a whole one but not `expected`, and `no-room`. Throws `act-refused`
 * where the folder has something in it, `store-failed`, and the signal's reason.
 */
export async function writeTree(
  files: TreeFiles,
  folder: string,
  events: AsyncIterable<ArchiveEvent>,
  expected: TreeDigest,
  signal: AbortSignal,
): Promise<UpdateRefused | undefined> {
  const writer = new TreeWriter(files, folder);
  try {
    const above = await makeEmpty(files, folder);
    const { free } = await files.space(folder);
    if (free < expected.length + overhead) {
      return refusedUpdate('no-room', `the tree needs ${expected.length + overhead} bytes, of which ${free} are free`);
    }
    for await (const event of events) {
      signal.throwIfAborted();
      if (event.kind === 'refused') return event;
      if (event.kind === 'file') await writer.begin(event.entry);
      else if (event.kind === 'bytes') await writer.write(event.bytes);
      else if (event.tree.sha256 !== expected.sha256 || event.tree.length !== expected.length) {
        return refusedUpdate('archive-tree', `the tree is ${event.tree.sha256} and not ${expected.sha256}`);
      } else {
        await writer.finish();
        await files.syncTree(folder);
        for (const one of above) await files.syncFolder(one);
        return undefined;
      }
    }
    throw new AtalayaError('internal', 'an archive came to no end');
  } catch (error) {
    if (systemCode(error) === 'ENOSPC' || systemCode(error) === 'EDQUOT') {
      return refusedUpdate('no-room', `the room ran out below ${folder}`);
    }
    if (isAtalayaError(error) || systemCode(error) === undefined || signal.aborted) throw error;
    throw new AtalayaError('store-failed', `${folder} cannot be written (${systemCode(error)})`, { cause: error });
  } finally {
    await writer.close();
  }
}

/** The folders that have got a new name, which is not durable yet. */
async function makeEmpty(files: TreeFiles, folder: string): Promise<readonly string[]> {
  const node = await files.look(folder);
  if (node === undefined) return makeFolders(files, folder);
  if (node.kind === 'folder' && (await files.list(folder)).length === 0) return [];
  throw new AtalayaError('act-refused', `${folder} is no empty folder`, { hint: 'Remove what is there first.' });
}

async function makeFolders(files: TreeFiles, folder: string): Promise<readonly string[]> {
  const above = dirname(folder);
  const changed = above !== folder && (await files.look(above)) === undefined ? await makeFolders(files, above) : [];
  await files.makeFolder(folder);
  return [...changed, above];
}

class TreeWriter {
  readonly #files: TreeFiles;
  readonly #folder: string;
  readonly #made = new Set<string>(['.']);
  #open: { readonly entry: ArchiveEntry; readonly file: OpenFile; written: number } | undefined;

  constructor(files: TreeFiles, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  async begin(entry: ArchiveEntry): Promise<void> {
    await this.finish();
    await this.#makeFolder(dirname(entry.path));
    this.#open = { entry, file: await this.#files.open(`${this.#folder}/${entry.path}`, 'create'), written: 0 };
  }

  async write(bytes: Uint8Array): Promise<void> {
    const open = this.#open;
    if (open === undefined) throw new AtalayaError('internal', 'bytes of no file');
    await open.file.write([bytes], open.written);
    open.written += bytes.byteLength;
  }

  /** Ends the file that is open, if one is. */
  async finish(): Promise<void> {
    const entry = this.#open?.entry;
    await this.close();
    if (entry?.executable === true) await this.#files.makeExecutable(`${this.#folder}/${entry.path}`);
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close();
  }

  async #makeFolder(path: string): Promise<void> {
    if (this.#made.has(path)) return;
    await this.#makeFolder(dirname(path));
    await this.#files.makeFolder(`${this.#folder}/${path}`);
    this.#made.add(path);
  }
}
