import { createHash } from 'node:crypto';
import { type RefusalCode, refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { TreeDigest } from '../contract/target.ts';
import {
  type ArchiveEntry,
  blockSize,
  checksumOf,
  closingLength,
  entryLength,
  field,
  headerOf,
  mostFiles,
  PathOrder,
  paddingOf,
  pathFault,
} from './archive-form.ts';
import type { ArchiveBytes } from './compressed.ts';

/** What an archive turns out to be, in its order. A refusal and `end` are the last. */
export type ArchiveEvent =
  | { readonly kind: 'file'; readonly entry: ArchiveEntry }
  /** Content of the file named last, never beyond its size. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly tree: TreeDigest }
  | UpdateRefused;

export interface ArchiveLimits {
  /** Bytes of the archive at most. */
  readonly length: number;
  /** Files at most; `mostFiles` where it is not told. */
  readonly files?: number;
}

/**
 * Reads an archive strictly: what is not byte for byte what `writeArchive` gives is refused at the first byte that differs, each attack by its
 * own code. `archive-path`, `archive-link`, `archive-device`, `archive-duplicate` (twice, out of order, below a file), `archive-bomb` (beyond the
 * limits), `archive-incomplete` (ends early), `archive-malformed` (all else). A file may have been announced and its bytes given before that.
 */
export async function* readArchive(
  source: ArchiveBytes,
  limits: ArchiveLimits,
): AsyncGenerator<ArchiveEvent, void, undefined> {
  const reader = new Reader(limits);
  for await (const piece of source) {
    if ('kind' in piece) {
      yield piece;
      return;
    }
    for (const event of reader.take(piece)) {
      yield event;
      if (event.kind === 'refused') return;
    }
  }
  yield reader.end();
}

class Reader {
  readonly #limits: ArchiveLimits;
  readonly #hash = createHash('sha256');
  readonly #order = new PathOrder();
  #files = 0;
  /** Bytes that were taken. */
  #length = 0;
  /** Bytes of the archive that what was announced so far takes up. */
  #announced = 0;
  /** The header, or the blocks at the end, as far as they came. */
  #held: Buffer = Buffer.alloc(0);
  #content = 0;
  #padding = 0;
  #closing = false;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  *take(piece: Uint8Array): Generator<ArchiveEvent, void, undefined> {
    this.#length += piece.byteLength;
    if (this.#length > this.#limits.length) {
      yield refusedUpdate('archive-bomb', `the archive is longer than its ${this.#limits.length} bytes`);
      return;
    }
    this.#hash.update(piece);
    let rest = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    while (rest.byteLength > 0) {
      if (this.#content > 0) {
        const bytes = rest.subarray(0, this.#content);
        this.#content -= bytes.byteLength;
        rest = rest.subarray(bytes.byteLength);
        yield { kind: 'bytes', bytes };
      } else if (this.#padding > 0) {
        const zeros = rest.subarray(0, this.#padding);
        this.#padding -= zeros.byteLength;
        rest = rest.subarray(zeros.byteLength);
        if (!allZeros(zeros)) yield refusedUpdate('archive-malformed', 'a file is not filled up with zeros');
      } else {
        const wanted = (this.#closing ? closingLength : blockSize) - this.#held.byteLength;
        if (wanted === 0) {
          yield refusedUpdate('archive-malformed', 'the archive goes on after its end');
          return;
        }
        this.#held = Buffer.concat([this.#held, rest.subarray(0, wanted)]);
        rest = rest.subarray(wanted);
        if (this.#held.byteLength % blockSize === 0) {
          const event = this.#block();
          if (event !== undefined) yield event;
        }
      }
    }
  }

  end(): ArchiveEvent {
    if (!this.#closing || this.#held.byteLength < closingLength) {
      return refusedUpdate('archive-incomplete', `the archive ends after ${this.#length} bytes, in the middle`);
    }
    return { kind: 'end', tree: { sha256: this.#hash.digest('hex'), length: this.#length } };
  }

  #block(): ArchiveEvent | undefined {
    if (allZeros(this.#held)) {
      this.#closing = true;
      return undefined;
    }
    if (this.#closing) return refusedUpdate('archive-malformed', 'the archive goes on after its end');
    const header = this.#held;
    this.#held = Buffer.alloc(0);
    const entry = entryOf(header);
    if ('kind' in entry) return entry;
    const fault = this.#order.fault(entry.path);
    if (fault !== undefined) return refusedUpdate('archive-duplicate', `${entry.path} ${fault}`);
    this.#files += 1;
    this.#announced += entryLength(entry.size);
    if (this.#files > (this.#limits.files ?? mostFiles)) {
      return refusedUpdate('archive-bomb', 'the archive has more files than it may');
    }
    if (this.#announced + closingLength > this.#limits.length) {
      return refusedUpdate(
        'archive-bomb',
        `${entry.path} says that it has ${entry.size} bytes, for which there is no room`,
      );
    }
    this.#content = entry.size;
    this.#padding = paddingOf(entry.size);
    return { kind: 'file', entry };
  }
}

const allZeros = (bytes: Uint8Array): boolean => bytes.every((one) => one === 0);

const kinds: Readonly<Record<string, readonly [RefusalCode, string]>> = {
  1: ['archive-link', 'a hard link'],
  2: ['archive-link', 'a symbolic link'],
  3: ['archive-device', 'a character device'],
  4: ['archive-device', 'a block device'],
  6: ['archive-device', 'a pipe'],
};

/** What a header says, where it is what would be written for that. The attack is named before the form. */
function entryOf(header: Buffer): ArchiveEntry | UpdateRefused {
  const text = ([at, length]: readonly [number, number]): string => header.toString('latin1', at, at + length);
  const malformed = (detail: string): UpdateRefused => refusedUpdate('archive-malformed', detail);
  if (text(field.magic) !== 'ustar\x0000') return malformed('a header is not of the form ustar');
  if (text(field.checksum) !== `${checksumOf(header).toString(8).padStart(6, '0')}\0 `) {
    return malformed('a header has another checksum');
  }
  const type = text(field.type);
  const kind = kinds[type];
  if (kind !== undefined) return refusedUpdate(kind[0], `the archive has ${kind[1]}`);
  if (type !== '0') return malformed(`the archive has an entry of the kind ${JSON.stringify(type)}, which is no file`);
  // A name that fills its field has no NUL after it; one inside is part of the name, for whoever reads on.
  const [prefix, name] = [field.prefix, field.name].map((one) => text(one).replace(/\0+$/, '')) as [string, string];
  const path = prefix === '' ? name : `${prefix}/${name}`;
  const fault = pathFault(path);
  if (fault !== undefined) return refusedUpdate('archive-path', `the path ${JSON.stringify(path)} ${fault}`);
  const size = text(field.size);
  if (!/^[0-7]{11}\0$/.test(size)) return malformed(`${path} has no size`);
  const executable = text(field.mode).startsWith('0000755');
  const entry = { path, executable, size: Number.parseInt(size, 8) };
  if (!headerOf(entry).equals(header)) return malformed(`${path} has a header that nobody here writes`);
  return entry;
}
