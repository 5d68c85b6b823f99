/**
 * The one form of an archive: POSIX.1-1988 `ustar` of regular files only, sorted by path, strictly ascending by code units, of mode 0644 or 0755,
 * without owner, time or name of one, closed by two blocks of zeros with nothing after them. One tree therefore has one archive, and reading one is
 * asking whether it is, byte for byte, what would be written.
 */

/** Bytes of a block: of a header, and what content is filled up to with zeros. */
export const blockSize = 512;
/** Two blocks of zeros. */
export const closingLength = 2 * blockSize;
/** Files of an archive at most, so that the list of them has a bound. */
export const mostFiles = 100_000;

export interface ArchiveEntry {
  /** From the root of the tree, with `/`. */
  readonly path: string;
  /** Mode 0755 in place of 0644. */
  readonly executable: boolean;
  /** Bytes. */
  readonly size: number;
}

/** Fields of a header: where they begin, and their bytes (POSIX.1-1988, `ustar`). */
export const field = {
  name: [0, 100],
  mode: [100, 8],
  user: [108, 8],
  group: [116, 8],
  size: [124, 12],
  modified: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  deviceMajor: [329, 8],
  deviceMinor: [337, 8],
  prefix: [345, 155],
} as const;

const goodLevel = /^[A-Za-z0-9@._+-]+$/;
/** Octal digits that the field has room for. */
const mostSize = 8 ** 11 - 1;

/**
 * Why a path may not stand in an archive, as the end of a sentence; undefined for one that may: levels of letters, digits and `@._+-`, so that it
 * means the same on every file system, stays below its folder, and sorts alike by characters and by bytes.
 */
export function pathFault(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.includes('\0')) return 'has a NUL';
  if (path.includes('\\')) return 'has a backslash';
  if (path.startsWith('/')) return 'is absolute';
  for (const level of path.split('/')) {
    if (level === '') return 'has an empty level';
    if (level === '.' || level === '..') return `has the level ${level}`;
    if (!goodLevel.test(level)) return 'has characters other than letters, digits and @._+-';
  }
  return splitPath(path) === undefined ? 'is too long' : undefined;
}

/** The path in two parts as the header has them: as little in the prefix as can be. */
function splitPath(path: string): { readonly prefix: string; readonly name: string } | undefined {
  const [, longestName] = field.name;
  const [, longestPrefix] = field.prefix;
  if (path.length <= longestName) return { prefix: '', name: path };
  const at = path.indexOf('/', path.length - longestName - 1);
  if (at === -1 || at > longestPrefix) return undefined;
  return { prefix: path.slice(0, at), name: path.slice(at + 1) };
}

/** The header of a file whose path is good and whose size is below 8 GiB. Throws `RangeError` for any other. */
export function headerOf({ path, executable, size }: ArchiveEntry): Buffer {
  const parts = splitPath(path);
  if (parts === undefined || pathFault(path) !== undefined) throw new RangeError('the path is not for an archive');
  if (!Number.isSafeInteger(size) || size < 0 || size > mostSize) throw new RangeError(`no file has ${size} bytes`);
  const header = Buffer.alloc(blockSize);
  const put = ([at]: readonly [number, number], text: string): void => {
    header.write(text, at, 'latin1');
  };
  put(field.name, parts.name);
  put(field.mode, executable ? '0000755' : '0000644');
  put(field.user, '0000000');
  put(field.group, '0000000');
  put(field.size, octal(size, 11));
  put(field.modified, octal(0, 11));
  put(field.type, '0');
  put(field.magic, 'ustar\x0000');
  put(field.deviceMajor, '0000000');
  put(field.deviceMinor, '0000000');
  put(field.prefix, parts.prefix);
  put(field.checksum, `${octal(checksumOf(header), 6)}\0 `);
  return header;
}

/** Sum of a header's bytes, its own field counted as blanks. */
export function checksumOf(header: Uint8Array): number {
  const [at, length] = field.checksum;
  let sum = 0;
  for (let i = 0; i < blockSize; i++) sum += i >= at && i < at + length ? 0x20 : (header[i] ?? 0);
  return sum;
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');

/** Zeros after a content of so many bytes. */
export const paddingOf = (size: number): number => (blockSize - (size % blockSize)) % blockSize;

/** Bytes of an entry: header, content, zeros. */
export const entryLength = (size: number): number => blockSize + size + paddingOf(size);

/** Bytes of the whole archive. */
export function archiveLength(entries: Iterable<Pick<ArchiveEntry, 'size'>>): number {
  let length = closingLength;
  for (const { size } of entries) length += entryLength(size);
  return length;
}

/** Order of an archive. */
export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** Takes paths in the order of an archive and says what is wrong with the next: not above the one before, or below what is a file. */
export class PathOrder {
  readonly #files = new Set<string>();
  #last = '';

  /** The end of a sentence about the path; undefined where it may follow. */
  fault(path: string): string | undefined {
    if (path === this.#last || this.#files.has(path)) return 'stands there twice';
    if (path < this.#last) return 'is not in the order of paths';
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (this.#files.has(path.slice(0, at))) return 'is below a file';
    }
    this.#files.add(path);
    this.#last = path;
    return undefined;
  }
}
