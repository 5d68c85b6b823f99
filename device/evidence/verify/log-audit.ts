import { join } from 'node:path';
import type { Ledger } from './finding.ts';
import { Frontier, leafHash, subtreeRoot } from './merkle.ts';
import { filesUnder, namesIn, readUpTo } from './read-file.ts';
import { firstDifference, fromDecimal } from './text-forms.ts';
import { type TilePlace, tilePath, tilePlace, tileWidth, widthOfLevel } from './tile-path.ts';

/** What a tile or a bundle must hold, as far as the journal goes. */
interface Due {
  readonly level: TilePlace['level'];
  readonly index: number;
  readonly parts: readonly Buffer[];
}

/**
 * The log of a store, made anew from the leaves of the journal: the root at every size that somebody signed, and every tile and
 * bundle, byte for byte. In memory it keeps one tile a level and one bundle.
 */
export class LogAudit {
  readonly #folder: string;
  readonly #ledger: Ledger;
  /** Size of the tree up to which tiles must be there. */
  readonly #signedSize: number;
  readonly #wanted: ReadonlySet<number>;
  readonly #roots = new Map<number, Buffer>();
  readonly #frontier = new Frontier();
  readonly #levels: Buffer[][] = [];
  readonly #done: number[] = [];
  #bundle: Buffer[] = [];
  #bundles = 0;
  #due: Due[] = [];
  #broken = false;

  constructor(folder: string, ledger: Ledger, signedSize: number, wantedRoots: ReadonlySet<number>) {
    this.#folder = folder;
    this.#ledger = ledger;
    this.#signedSize = signedSize;
    this.#wanted = wantedRoots;
  }

  get size(): number {
    return this.#frontier.size;
  }

  /** False once an entry is missing: what comes after it has no known place in the tree. */
  get whole(): boolean {
    return !this.#broken;
  }

  /** Takes the leaf of the next entry. */
  append(leaf: Buffer): void {
    if (this.#broken) return;
    this.#keepRoot();
    const hashed = leafHash(leaf);
    this.#frontier.append(hashed);
    this.#push(0, hashed);
    const length = Buffer.allocUnsafe(2);
    length.writeUInt16BE(leaf.byteLength);
    this.#bundle.push(Buffer.concat([length, leaf]));
    if (this.#bundle.length === tileWidth) {
      this.#due.push({ level: 'entries', index: this.#bundles, parts: this.#bundle });
      this.#bundle = [];
      this.#bundles += 1;
    }
  }

  /** An entry is missing here. */
  break(): void {
    this.#keepRoot();
    this.#broken = true;
  }

  /** Root at a size that was asked for, where the journal is whole up to there. */
  rootAt(size: number): Buffer | undefined {
    this.#keepRoot();
    return this.#roots.get(size);
  }

  #keepRoot(): void {
    const size = this.#frontier.size;
    if (!this.#broken && this.#wanted.has(size)) this.#roots.set(size, this.#frontier.root());
  }

  #push(level: number, hashed: Buffer): void {
    const tile = this.#levels[level] ?? [];
    this.#levels[level] = tile;
    tile.push(hashed);
    if (tile.length < tileWidth) return;
    const index = this.#done[level] ?? 0;
    this.#done[level] = index + 1;
    this.#levels[level] = [];
    this.#due.push({ level, index, parts: tile });
    this.#push(level + 1, subtreeRoot(Buffer.concat(tile)));
  }

  /** Compares the tiles and bundles that became full since the last call. */
  async settle(): Promise<void> {
    const due = this.#due;
    this.#due = [];
    for (const one of due) await this.#compare(one);
  }

  /** Compares what is left, and looks at what else lies there. */
  async finish(): Promise<void> {
    await this.settle();
    for (const [level, parts] of this.#levels.entries()) {
      await this.#compare({ level, index: this.#done[level] ?? 0, parts });
    }
    await this.#compare({ level: 'entries', index: this.#bundles, parts: this.#bundle });
    for await (const { path, plain } of filesUnder(this.#folder)) this.#known(path, plain);
  }

  #known(path: string, plain: boolean): void {
    const where = { part: 'file' as const, path: `log/${path}` };
    const place = tilePlace(path);
    if (!plain) {
      this.#ledger.fail({
        ...where,
        check: 'spec: layout of a store',
        says: 'This is a link, a device or a folder that cannot be read, not a file.',
      });
    } else if (place !== undefined) {
      const end = place.index * tileWidth + place.width;
      if (this.#broken || end <= widthOfLevel(this.size, place.level)) return;
      const part = place.level === 'entries' ? 'entry-bundle' : 'tile';
      const says = `It covers more entries than the ${this.size} that the journal holds.`;
      this.#ledger.fail({ ...where, part, check: 'C2SP tlog-tiles', says });
    } else if (path !== 'checkpoint') {
      this.#ledger.note({ ...where, check: 'spec: layout of a store', says: 'Nothing names this file.' });
    }
  }

  async #compare({ level, index, parts }: Due): Promise<void> {
    if (parts.length === 0) return;
    const full = parts.length === tileWidth && (await this.#compareOne({ level, index, width: tileWidth }, parts));
    let widest = full ? tileWidth : 0;
    const folder = `${tilePath({ level, index, width: tileWidth })}.p`;
    for (const name of await namesIn(this.#folder, folder, this.#ledger)) {
      const width = fromDecimal(name) ?? 0;
      if (width < 1 || width >= tileWidth || width > parts.length) continue;
      if (await this.#compareOne({ level, index, width }, parts)) widest = Math.max(widest, width);
    }
    const needed = Math.min(widthOfLevel(this.#signedSize, level) - index * tileWidth, tileWidth);
    if (widest >= needed || needed > parts.length) return;
    this.#ledger.fail({
      part: level === 'entries' ? 'entry-bundle' : 'tile',
      path: `log/${tilePath({ level, index, width: needed })}`,
      check: 'C2SP tlog-tiles',
      says: `The file is missing, though the checkpoint covers ${this.#signedSize} entries.`,
    });
  }

  /** True where the file is there, be it right or wrong. */
  async #compareOne(place: TilePlace, parts: readonly Buffer[]): Promise<boolean> {
    const expected = Buffer.concat(parts.slice(0, place.width));
    const path = tilePath(place);
    const bundle = place.level === 'entries';
    const where = { part: bundle ? ('entry-bundle' as const) : ('tile' as const), path: `log/${path}` };
    const content = await readUpTo(join(this.#folder, path), expected.byteLength + 1);
    if (content === 'absent') return false;
    if (!Buffer.isBuffer(content)) {
      this.#ledger.fail({ ...where, check: 'C2SP tlog-tiles', says: content.says });
      return true;
    }
    this.#ledger.counts[bundle ? 'bundles' : 'tiles'] += 1;
    this.#ledger.counts.bytes += content.byteLength;
    if (expected.equals(content)) return true;
    const byte = firstDifference(content, expected) as number;
    const says = `${whatDiffers(content.byteLength, expected.byteLength)} ${belongsTo(place, parts, byte)}`;
    this.#ledger.fail({ ...where, byte, check: bundle ? 'C2SP tlog-tiles' : 'RFC 6962 §2.1', says });
    return true;
  }
}

function whatDiffers(bytes: number, expected: number): string {
  if (bytes === expected) return 'This byte is not the one that the journal gives,';
  return bytes < expected
    ? `The file ends before its ${expected} bytes,`
    : `The file goes on after its ${expected} bytes,`;
}

/** Which entries the byte is about. */
function belongsTo({ level, index }: TilePlace, parts: readonly Buffer[], byte: number): string {
  let at = 0;
  let before = 0;
  for (; before < parts.length - 1; before += 1) {
    at += (parts[before] as Buffer).byteLength;
    if (at > byte) break;
  }
  const span = level === 'entries' ? 1 : tileWidth ** level;
  const first = (index * tileWidth + before) * span + 1;
  return span === 1
    ? `in what belongs to entry ${first}.`
    : `in the hash of the entries ${first} to ${first + span - 1}.`;
}
