import { dirname, join } from 'node:path';
import { makeFolders, partEnding, readWholeFile, writeWholeFile } from '../../kernel/durable-file.ts';
import { type Files, listIfThere } from '../../kernel/files.ts';

/**
 * Tiles on disk (https://c2sp.org/tlog-tiles): hashes of 256 full subtrees of height 8 * level in a row, and beside them the leaf
 * data in bundles of 256. A tile that is not full yet lies in `<tile>.p/<width>`.
 */

/** Hashes or entries in a full tile. */
export const tileWidth = 256;

/** Heights of the tree that a level of tiles spans. */
export const tileHeight = 8;

export type TileLevel = number | 'entries';

export interface Tile {
  readonly level: TileLevel;
  /** Of the tile in its level, from 0. */
  readonly index: number;
  /** 1 to 256. */
  readonly width: number;
}

export interface TileContent extends Tile {
  readonly content: Uint8Array;
}

/** How many hashes (or entries) a level has in a log of so many leaves. */
export function countAt(level: TileLevel, size: number): number {
  return level === 'entries' ? size : Math.floor(size / tileWidth ** level);
}

/** Levels of hash tiles that a log of so many leaves has. */
export function levelsOf(size: number): number {
  let levels = 0;
  while (countAt(levels, size) > 0) levels += 1;
  return levels;
}

/** `tile/<level>/<index>[.p/<width>]`, the index in groups of three digits, all but the last behind an `x`. */
export function tilePath({ level, index, width }: Tile): string {
  const full = fullPath(level, index);
  return width === tileWidth ? full : `${full}.p/${width}`;
}

function fullPath(level: TileLevel, index: number): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`${groups.length === 0 ? '' : 'x'}${String(rest % 1000).padStart(3, '0')}`);
  }
  return `tile/${level}/${groups.join('/')}`;
}

/** An entry as it stands in a bundle: its length as two bytes, big-endian, and its data, at most 65,535 bytes. */
export function bundleEntry(data: Uint8Array): Buffer {
  const entry = Buffer.allocUnsafe(2 + data.byteLength);
  entry.writeUInt16BE(data.byteLength, 0);
  entry.set(data, 2);
  return entry;
}

/** The entries of a bundle, or undefined where the bytes are no bundle. */
export function splitBundle(content: Buffer): Buffer[] | undefined {
  const entries: Buffer[] = [];
  for (let at = 0; at < content.byteLength; ) {
    if (at + 2 > content.byteLength) return undefined;
    const end = at + 2 + content.readUInt16BE(at);
    if (end > content.byteLength) return undefined;
    entries.push(content.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

/** Files that are written at the same time: enough to let their fsyncs share a journal commit of the file system. */
const writers = 16;

/**
 * The tiles of one log. What `write` has been given is on the medium under its name when it resolves; a reader and a start after a
 * power cut find each tile whole or not at all.
 */
export class TileFolder {
  readonly #files: Files;
  readonly #folder: string;
  /** Folders whose names this process has made durable. */
  readonly #folders = new Map<string, Promise<void>>();

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  path(tile: Tile): string {
    return join(this.#folder, tilePath(tile));
  }

  /** The bytes of a tile, unchecked; undefined where it is missing. Throws `store-failed`. */
  read(tile: Tile): Promise<Buffer | undefined> {
    return readWholeFile(this.#files, this.path(tile));
  }

  /** Writes tiles in any order. No write is under way any more when it has resolved or thrown `store-full` or `store-failed`. */
  async write(tiles: readonly TileContent[]): Promise<void> {
    for (let from = 0; from < tiles.length; from += writers) {
      const group = await Promise.allSettled(tiles.slice(from, from + writers).map((tile) => this.#writeOne(tile)));
      for (const result of group) if (result.status === 'rejected') throw result.reason;
    }
  }

  /**
   * Removes what a log of `size` leaves, whose checkpoint is durable, does not need any more of the tiles from the edge of an older
   * size on: partial tiles of other widths, and files that were never finished. One that cannot be removed costs its space and
   * nothing else, so a fault here is none.
   */
  async removeSuperseded(older: number, size: number): Promise<void> {
    for (const level of ['entries' as const, ...Array(levelsOf(size) + 1).keys()]) {
      const last = Math.floor(countAt(level, size) / tileWidth);
      for (let index = Math.floor(countAt(level, older) / tileWidth); index <= last; index += 1) {
        await this.#removeOthers(level, index, Math.min(tileWidth, countAt(level, size) - index * tileWidth));
      }
    }
  }

  async #removeOthers(level: TileLevel, index: number, width: number): Promise<void> {
    const full = join(this.#folder, fullPath(level, index));
    const names = await listIfThere(this.#files, `${full}.p`).catch(() => []);
    for (const name of names) {
      if (name !== String(width)) await this.#files.remove(join(`${full}.p`, name)).catch(() => undefined);
    }
    await this.#files.remove(`${full}${partEnding}`).catch(() => undefined);
    if (width === tileWidth) this.#folders.delete(`${full}.p`);
  }

  async #writeOne(tile: TileContent): Promise<void> {
    const path = this.path(tile);
    await this.#makeFolder(dirname(path));
    await writeWholeFile(this.#files, path, tile.content);
  }

  /** A folder and those above it, each made durable once in the life of this object, before anything in it is. */
  #makeFolder(folder: string): Promise<void> {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const making =
      folder === this.#folder
        ? makeFolders(this.#files, folder)
        : this.#makeFolder(dirname(folder)).then(() => makeFolders(this.#files, folder));
    this.#folders.set(folder, making);
    making.catch(() => this.#folders.delete(folder));
    return making;
  }
}
