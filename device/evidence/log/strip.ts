import { type TileContent, type TileLevel, tileWidth } from './tiles.ts';

interface HeldTile {
  bytes: Buffer;
  /** Bytes in use. */
  length: number;
}

/**
 * One level of tiles, as far as it must be held in memory: the tile that is not full yet, and full ones that are not on the medium.
 *
 * Bytes that were pushed never change, so a slice of a tile stays good while more is pushed behind it.
 */
export class Strip {
  readonly level: TileLevel;
  readonly #firstBytes: number;
  #held: HeldTile[] = [];
  /** Index of the first tile held. */
  #first = 0;
  #count = 0;
  /** Items whose tiles, the partial one at the end included, are on the medium. */
  #written = 0;

  /** `expected`: bytes of a full tile, as a first guess. */
  constructor(level: TileLevel, expected: number) {
    this.level = level;
    this.#firstBytes = expected;
  }

  /** A level that goes on after `count` items; `content` holds those of the last tile, if that one is not full. */
  static restore(level: TileLevel, expected: number, count: number, content: Buffer): Strip {
    const strip = new Strip(level, expected);
    strip.#count = count;
    strip.#written = count;
    strip.#first = Math.floor(count / tileWidth);
    if (count % tileWidth > 0) {
      const bytes = Buffer.alloc(Math.max(expected, content.byteLength));
      content.copy(bytes);
      strip.#held.push({ bytes, length: content.byteLength });
    }
    return strip;
  }

  get count(): number {
    return this.#count;
  }

  /** Index of the first tile that is held; those before it are full and on the medium. */
  get firstHeld(): number {
    return this.#first;
  }

  push(item: Uint8Array): void {
    if (this.#count % tileWidth === 0) this.#held.push({ bytes: Buffer.allocUnsafe(this.#firstBytes), length: 0 });
    const tile = this.#held.at(-1)!;
    const end = tile.length + item.byteLength;
    if (end > tile.bytes.byteLength) {
      const wider = Buffer.allocUnsafe(Math.max(end, tile.bytes.byteLength * 2));
      tile.bytes.copy(wider, 0, 0, tile.length);
      tile.bytes = wider;
    }
    tile.bytes.set(item, tile.length);
    tile.length = end;
    this.#count += 1;
  }

  /** The bytes of a tile that is held, as far as it is filled. */
  tile(index: number): Buffer | undefined {
    const held = this.#held[index - this.#first];
    return held?.bytes.subarray(0, held.length);
  }

  /** The tiles that are not on the medium, the last one in its present width; of `full`, only those that will not grow. */
  unwritten(full: boolean): TileContent[] {
    const tiles: TileContent[] = [];
    if (this.#written === this.#count) return tiles;
    for (let index = this.#first; index * tileWidth < this.#count; index += 1) {
      const width = Math.min(tileWidth, this.#count - index * tileWidth);
      if (width === tileWidth || !full) tiles.push({ level: this.level, index, width, content: this.tile(index)! });
    }
    return tiles;
  }

  /** The tiles of the first `count` items are on the medium: lets go of the full ones. */
  settle(count: number): void {
    this.#written = Math.max(this.#written, count);
    const first = Math.floor(count / tileWidth);
    this.#held = this.#held.slice(Math.max(0, first - this.#first));
    this.#first = Math.max(first, this.#first);
  }
}
