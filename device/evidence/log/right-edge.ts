import { AtalayaError } from '../../kernel/errors.ts';
import { Frontier, hashBytes, leafHash, perfectRoot } from './merkle.ts';
import { Strip } from './strip.ts';
import {
  bundleEntry,
  countAt,
  levelsOf,
  splitBundle,
  type TileContent,
  type TileFolder,
  type TileLevel,
  tileHeight,
  tileWidth,
} from './tiles.ts';

/** Bytes of a full tile of hashes. */
const tileBytes = tileWidth * hashBytes;

/** A leaf of a record is 160 bytes and its length two: a bundle of such needs no second buffer. */
const bundleBytes = tileWidth * 162;

/** The most that the two bytes before an entry can state. */
const mostLeafBytes = 0xffff;

/** A log at one size, while it grows on: its root and the tiles that are to be written for it. */
export interface Snapshot {
  readonly size: number;
  readonly root: Buffer;
  readonly tiles: readonly TileContent[];
}

/** The part of a log that is in memory: the edge of the tree, and tiles from the first one that is not full or not on the medium. */
export class RightEdge {
  readonly #frontier: Frontier;
  readonly #hashes: Strip[];
  readonly #entries: Strip;
  readonly #completed = (height: number, hash: Buffer): void => {
    if (height % tileHeight === 0) this.#level(height / tileHeight).push(hash);
  };

  constructor(frontier = new Frontier(), hashes: Strip[] = [], entries = new Strip('entries', bundleBytes)) {
    this.#frontier = frontier;
    this.#hashes = hashes;
    this.#entries = entries;
  }

  /**
   * The edge of a log of `size` leaves from its partial tiles, or the reason why they are no edge of the tree with this root. At most
   * one file for each level, and one bundle, is read.
   */
  static async load(tiles: TileFolder, size: number, root: Buffer): Promise<RightEdge | string> {
    const contents: Buffer[] = [];
    for (let level = 0; level < levelsOf(size); level += 1) {
      const content = await lastTile(tiles, level, size);
      if (typeof content === 'string') return content;
      const width = countAt(level, size) % tileWidth;
      if (content.byteLength !== width * hashBytes) {
        return `tile ${level} of width ${width} has ${content.byteLength} bytes`;
      }
      contents.push(content);
    }
    const frontier = Frontier.at(size, (height, index) => openHash(contents, size, height, index));
    if (!frontier.root.equals(root)) {
      return `the tiles give the root ${frontier.root.toString('hex')}, the checkpoint ${root.toString('hex')}`;
    }
    const bundle = await lastTile(tiles, 'entries', size);
    if (typeof bundle === 'string') return bundle;
    const entries = splitBundle(bundle);
    if (
      entries?.length !== size % tileWidth ||
      entries.some((entry, at) => !leafHash(entry).equals(hashAt(contents[0]!, at)))
    ) {
      return 'the last bundle of entries is not that of the tree';
    }
    const hashes = contents.map((content, level) => Strip.restore(level, tileBytes, countAt(level, size), content));
    return new RightEdge(frontier, hashes, Strip.restore('entries', bundleBytes, size, bundle));
  }

  get size(): number {
    return this.#frontier.size;
  }

  get root(): Buffer {
    return this.#frontier.root;
  }

  /** Appends a leaf, whose bytes are copied, and returns its index. Throws `usage-invalid` above 65,535 bytes. */
  append(data: Uint8Array): number {
    if (data.byteLength > mostLeafBytes) {
      throw new AtalayaError('usage-invalid', `a leaf has at most ${mostLeafBytes} bytes, not ${data.byteLength}`);
    }
    const index = this.#frontier.size;
    this.#entries.push(bundleEntry(data));
    this.#frontier.append(leafHash(data), this.#completed);
    return index;
  }

  /** The level of hashes, where the log has come so far. */
  level(level: number): Strip | undefined {
    return this.#hashes[level];
  }

  /** Root and unwritten tiles of this moment; later appends do not change them. */
  snapshot(): Snapshot {
    return { size: this.size, root: this.root, tiles: this.#strips().flatMap((strip) => strip.unwritten(false)) };
  }

  /** What a snapshot gave is on the medium: full tiles are let go. */
  settle({ size }: Snapshot): void {
    for (const strip of this.#strips()) strip.settle(countAt(strip.level, size));
  }

  /** Puts full tiles on the medium and lets go of them, so that a long replay stays small. Throws `store-full` or `store-failed`. */
  async flush(tiles: TileFolder): Promise<void> {
    const full = this.#strips().map((strip) => [strip, Math.floor(strip.count / tileWidth) * tileWidth] as const);
    await tiles.write(this.#strips().flatMap((strip) => strip.unwritten(true)));
    for (const [strip, count] of full) strip.settle(count);
  }

  #strips(): Strip[] {
    return [this.#entries, ...this.#hashes];
  }

  #level(level: number): Strip {
    const strip = this.#hashes[level] ?? new Strip(level, tileBytes);
    this.#hashes[level] = strip;
    return strip;
  }
}

/** The bytes of the tile at the end of a level, none where that one is full; or what is wrong. */
async function lastTile(tiles: TileFolder, level: TileLevel, size: number): Promise<Buffer | string> {
  const count = countAt(level, size);
  const width = count % tileWidth;
  if (width === 0) return Buffer.alloc(0);
  const tile = { level, index: Math.floor(count / tileWidth), width };
  return (await tiles.read(tile)) ?? `${tiles.path(tile)} is missing`;
}

/** Hash of a full subtree at the edge from the tiles that are not full: it is the root over some hashes in a row in one of them. */
function openHash(contents: readonly Buffer[], size: number, height: number, index: number): Buffer {
  const level = Math.floor(height / tileHeight);
  const span = 2 ** (height % tileHeight);
  const begin = index * span - Math.floor(countAt(level, size) / tileWidth) * tileWidth;
  return perfectRoot(contents[level]!.subarray(begin * hashBytes, (begin + span) * hashBytes));
}

function hashAt(content: Buffer, at: number): Buffer {
  return content.subarray(at * hashBytes, (at + 1) * hashBytes);
}
