import { AtalayaError } from '../../kernel/errors.ts';
import { type HashReader, hashBytes, perfectRoot } from './merkle.ts';
import type { RightEdge } from './right-edge.ts';
import { type TileFolder, tileHeight, tileWidth } from './tiles.ts';

/**
 * Hashes of a log from memory and tiles. A tile from disk is checked against the hash that the level above has of it, up to the
 * tiles in memory, which lead to the root; so nothing that was damaged on disk comes into a proof. Made for one proof: it keeps
 * what it has read.
 */
export class TileReader implements HashReader {
  readonly #tiles: TileFolder;
  readonly #edge: RightEdge;
  readonly #checked = new Map<string, Buffer>();

  constructor(tiles: TileFolder, edge: RightEdge) {
    this.#tiles = tiles;
    this.#edge = edge;
  }

  /** Throws `store-damaged` where a tile that it takes is missing or not the one that the root covers. */
  async node(height: number, index: number): Promise<Buffer> {
    const level = Math.floor(height / tileHeight);
    const span = 2 ** (height % tileHeight);
    const first = index * span;
    const tile = await this.#tile(level, Math.floor(first / tileWidth));
    const begin = (first % tileWidth) * hashBytes;
    const hashes = tile.subarray(begin, begin + span * hashBytes);
    if (hashes.byteLength !== span * hashBytes) {
      throw new AtalayaError('internal', `the subtree ${index} of height ${height} is beyond the log`);
    }
    return perfectRoot(hashes);
  }

  async #tile(level: number, index: number): Promise<Buffer> {
    // From the tile asked for up to one that is trusted, then down again; a level has 256 times fewer hashes than the one below.
    const wanted: { level: number; index: number }[] = [];
    let at = { level, index };
    let trusted = this.#trusted(at);
    while (trusted === undefined) {
      wanted.unshift(at);
      at = { level: at.level + 1, index: Math.floor(at.index / tileWidth) };
      trusted = this.#trusted(at);
    }
    for (const tile of wanted) {
      const begin = (tile.index % tileWidth) * hashBytes;
      trusted = await this.#read(tile, trusted.subarray(begin, begin + hashBytes));
    }
    return trusted;
  }

  #trusted({ level, index }: { level: number; index: number }): Buffer | undefined {
    const strip = this.#edge.level(level);
    if (strip === undefined) throw new AtalayaError('internal', `the log has no hashes of level ${level}`);
    return strip.tile(index) ?? this.#checked.get(`${level}/${index}`);
  }

  async #read({ level, index }: { level: number; index: number }, root: Buffer): Promise<Buffer> {
    const tile = { level, index, width: tileWidth };
    const content = await this.#tiles.read(tile);
    const whole = content?.byteLength === tileWidth * hashBytes && perfectRoot(content).equals(root);
    if (content === undefined || !whole) {
      const what = content === undefined ? 'is missing' : 'is not the one that the checkpoint covers';
      throw new AtalayaError('store-damaged', `${this.#tiles.path(tile)} ${what}`, {
        hint: 'Open the log with its tiles rebuilt from the journal.',
      });
    }
    this.#checked.set(`${level}/${index}`, content);
    return content;
  }
}
