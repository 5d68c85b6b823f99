import { createHash } from 'node:crypto';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { OpenFile } from '../../device/kernel/files.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { TreeDigest } from '../contract/target.ts';
import {
  type ArchiveEntry,
  archiveLength,
  blockSize,
  byPath,
  entryLength,
  headerOf,
  mostFiles,
  pathFault,
} from './archive-form.ts';

/** An entry, and where in the archive it stands. */
export interface PlacedEntry extends ArchiveEntry {
  /** Of its header. */
  readonly headerAt: number;
  /** Of its content. */
  readonly contentAt: number;
}

/**
 * A folder on the disk as the archive that it would be, of which any part can be read without making it. Whoever changes the folder meanwhile
 * gets other bytes; a file that has become shorter is `store-damaged`. It reads one thing at a time, and keeps a file open from read to read.
 */
export interface VirtualArchive {
  /** In the order of the archive. */
  readonly entries: readonly PlacedEntry[];
  /** Bytes. */
  readonly length: number;
  /** Throws `RangeError` for what is not wholly inside. */
  read(offset: number, length: number): Promise<Buffer>;
  /** Fills `target` with what stands from `offset` on. Throws the same. */
  fill(target: Buffer, offset: number): Promise<void>;
  /** All of it in pieces. */
  bytes(signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined>;
  digest(signal?: AbortSignal): Promise<TreeDigest>;
  close(): Promise<void>;
}

/** Bytes read at a time. */
const pieceSize = 256 * 1024;

/**
 * Looks at a folder. Refused where it has no archive: it is missing (`archive-incomplete`), has a link or a device (`archive-link`), a name that
 * may not stand in one (`archive-path`), or too many files (`archive-bomb`). Empty folders below it have no part in it. Throws `store-failed`.
 */
export async function virtualArchive(files: TreeFiles, folder: string): Promise<VirtualArchive | UpdateRefused> {
  try {
    const entries: ArchiveEntry[] = [];
    const refused =
      (await files.look(folder))?.kind === 'folder'
        ? await collect(files, folder, '', entries)
        : refusedUpdate('archive-incomplete', 'the tree is not there');
    return refused ?? new FolderArchive(files, folder, entries.sort(byPath));
  } catch (cause) {
    throw new AtalayaError('store-failed', `${folder} cannot be read (${systemCode(cause)})`, { cause });
  }
}

async function collect(
  files: TreeFiles,
  folder: string,
  below: string,
  entries: ArchiveEntry[],
): Promise<UpdateRefused | undefined> {
  for (const name of await files.list(below === '' ? folder : `${folder}/${below}`)) {
    const path = below === '' ? name : `${below}/${name}`;
    const fault = pathFault(path);
    if (fault !== undefined) return refusedUpdate('archive-path', `${JSON.stringify(path)} ${fault}`);
    const node = await files.look(`${folder}/${path}`);
    if (node?.kind === 'file') entries.push({ path, size: node.size, executable: node.executable });
    else if (node?.kind !== 'folder') return refusedUpdate('archive-link', `${path} is neither a file nor a folder`);
    const refused = node.kind === 'folder' ? await collect(files, folder, path, entries) : undefined;
    if (refused !== undefined) return refused;
    if (entries.length > mostFiles) return refusedUpdate('archive-bomb', `the tree has more than ${mostFiles} files`);
  }
  return undefined;
}

class FolderArchive implements VirtualArchive {
  readonly entries: readonly PlacedEntry[];
  readonly length: number;
  readonly #files: TreeFiles;
  readonly #folder: string;
  /** The file that was read last. */
  #open: { readonly path: string; readonly file: OpenFile } | undefined;

  constructor(files: TreeFiles, folder: string, entries: readonly ArchiveEntry[]) {
    this.#files = files;
    this.#folder = folder;
    this.length = archiveLength(entries);
    this.entries = placed(entries);
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const target = Buffer.alloc(length);
    await this.fill(target, offset);
    return target;
  }

  async fill(target: Buffer, offset: number): Promise<void> {
    const length = target.byteLength;
    if (!(offset >= 0 && offset + length <= this.length)) {
      throw new RangeError(`the archive has no ${length} bytes at ${offset}`);
    }
    // What no entry covers is padding and the end.
    target.fill(0);
    for (let i = this.#entryAt(offset); i < this.entries.length; i++) {
      const entry = this.entries[i] as PlacedEntry;
      if (entry.headerAt >= offset + length) break;
      copyPart(headerOf(entry), entry.headerAt, target, offset);
      const from = Math.max(offset, entry.contentAt);
      const to = Math.min(offset + length, entry.contentAt + entry.size);
      if (from < to) await this.#readFile(entry, target.subarray(from - offset, to - offset), from - entry.contentAt);
    }
  }

  async *bytes(signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    for (let at = 0; at < this.length; at += pieceSize) {
      signal?.throwIfAborted();
      yield await this.read(at, Math.min(pieceSize, this.length - at));
    }
  }

  async digest(signal?: AbortSignal): Promise<TreeDigest> {
    const hash = createHash('sha256');
    const piece = Buffer.alloc(Math.min(pieceSize, this.length));
    for (let at = 0; at < this.length; at += piece.byteLength) {
      signal?.throwIfAborted();
      const part = piece.subarray(0, this.length - at);
      await this.fill(part, at);
      hash.update(part);
    }
    return { sha256: hash.digest('hex'), length: this.length };
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close();
  }

  /** Index of the last entry that begins at or before an offset. */
  #entryAt(offset: number): number {
    let [low, high] = [0, this.entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.entries[middle] as PlacedEntry).headerAt <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  async #readFile(entry: PlacedEntry, target: Buffer, position: number): Promise<void> {
    try {
      if (this.#open?.path !== entry.path) {
        await this.close();
        this.#open = { path: entry.path, file: await this.#files.open(`${this.#folder}/${entry.path}`, 'read') };
      }
      if ((await this.#open.file.read(target, position)) === target.byteLength) return;
    } catch (cause) {
      throw new AtalayaError('store-failed', `${entry.path} of a tree cannot be read (${systemCode(cause)})`, {
        cause,
      });
    }
    throw new AtalayaError('store-damaged', `${entry.path} of a tree has become shorter`);
  }
}

function placed(entries: readonly ArchiveEntry[]): PlacedEntry[] {
  let at = 0;
  return entries.map((entry) => {
    const headerAt = at;
    at += entryLength(entry.size);
    return { ...entry, headerAt, contentAt: headerAt + blockSize };
  });
}

/** The part of `source`, which begins at `at`, that lies in `target`, which begins at `offset`. */
function copyPart(source: Buffer, at: number, target: Buffer, offset: number): void {
  const from = Math.max(at, offset);
  const to = Math.min(at + source.byteLength, offset + target.byteLength);
  if (from < to) source.copy(target, from - offset, from - at, to - at);
}
