import { basename, dirname, resolve } from 'node:path';
import type { Files, OpenFile, OpenMode, Space } from '../files.ts';
import type { Random } from '../supervise.ts';

/** An operation that is about to be done; the names are those of `Files` and `OpenFile`. */
export interface Operation {
  readonly kind:
    | 'open'
    | 'rename'
    | 'remove'
    | 'makeFolder'
    | 'removeFolder'
    | 'syncTree'
    | 'list'
    | 'syncFolder'
    | 'write'
    | 'datasync'
    | 'sync'
    | 'truncate'
    | 'read'
    | 'space';
  readonly path: string;
  /** From 0, over the life of the file system. */
  readonly number: number;
}

/** What goes wrong with it: a system error, of a write after so many bytes; or the power fails before the operation is done. */
export type Mishap = { readonly code: string; readonly bytes?: number } | 'power-cut';

interface MemoryFile {
  content: Buffer;
  durable: Buffer;
  /** What was done to the content since the last sync, in order. */
  pending: ({ readonly at: number; readonly data: Buffer } | { readonly length: number })[];
}

interface MemoryFolder {
  names: Map<string, MemoryFile | MemoryFolder>;
  durable: Map<string, MemoryFile | MemoryFolder>;
  pending: ((names: Map<string, MemoryFile | MemoryFolder>) => void)[];
}

const sector = 512;
const roomy = 2 ** 40;

/**
 * A file system in memory that forgets what was not synced, for tests of whatever must survive a pulled plug.
 *
 * `plan` is asked before each operation what goes wrong with it. After a power cut every operation fails, and `survivors` gives a
 * file system as a start would find it: of each unsynced write any sectors, of each folder's unsynced changes any first few.
 */
export class MemoryFiles implements Files {
  plan: (operation: Operation) => Mishap | undefined = () => undefined;
  /** Bytes that all files together may have; a write beyond it goes as far as it can and fails with ENOSPC. */
  capacity: number = roomy;
  readonly #root: MemoryFolder;
  #operations = 0;
  #off = false;

  constructor(root: MemoryFolder = newFolder()) {
    this.#root = root;
  }

  /** How many operations were asked for. */
  get operations(): number {
    return this.#operations;
  }

  survivors(random: Random): MemoryFiles {
    const after = new MemoryFiles(this.rootAfter(random));
    after.capacity = this.capacity;
    return after;
  }

  /** What a start would find. */
  protected rootAfter(random: Random): MemoryFolder {
    return surviving(this.#root, random, new Map()) as MemoryFolder;
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    this.#begin('open', path);
    const [folder, name] = this.#parent(path);
    let file = folder.names.get(name);
    if (file !== undefined && 'names' in file) throw failure('EISDIR', path);
    if (file === undefined) {
      if (mode !== 'create') throw failure('ENOENT', path);
      const made: MemoryFile = { content: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] };
      change(folder, (names) => names.set(name, made));
      file = made;
    } else if (mode === 'create') {
      cutContent(file, 0);
    }
    return this.#handle(file, path, mode === 'durable');
  }

  async rename(from: string, to: string): Promise<void> {
    this.#begin('rename', to);
    const [folder, name] = this.#parent(from);
    const [target, newName] = this.#parent(to);
    const node = folder.names.get(name);
    if (node === undefined) throw failure('ENOENT', from);
    if (folder === target) {
      change(folder, (names) => {
        names.delete(name);
        names.set(newName, node);
      });
      return;
    }
    // Until both folders are synced, either half may be what is left: harder than a journaling file system, and no less honest.
    change(target, (names) => names.set(newName, node));
    change(folder, (names) => names.delete(name));
  }

  async remove(path: string): Promise<void> {
    this.#begin('remove', path);
    const [folder, name] = this.#parent(path);
    if (!folder.names.has(name)) throw failure('ENOENT', path);
    change(folder, (names) => names.delete(name));
  }

  async makeFolder(path: string): Promise<void> {
    this.#begin('makeFolder', path);
    const [folder, name] = this.#parent(path);
    if (folder.names.has(name)) throw failure('EEXIST', path);
    const made = newFolder();
    change(folder, (names) => names.set(name, made));
  }

  async removeFolder(path: string): Promise<void> {
    this.#begin('removeFolder', path);
    if (this.#folder(path).names.size > 0) throw failure('ENOTEMPTY', path);
    const [folder, name] = this.#parent(path);
    change(folder, (names) => names.delete(name));
  }

  async syncTree(path: string): Promise<void> {
    this.#begin('syncTree', path);
    syncBelow(this.#folder(path));
  }

  /** What a path stands for; no operation that could fail. */
  protected async kindOf(path: string): Promise<{ kind: 'folder' } | { kind: 'file'; size: number } | undefined> {
    if (this.#off) throw failure('EIO', path);
    let node: MemoryFile | MemoryFolder | undefined = this.#root;
    for (const name of resolve(path)
      .split('/')
      .filter((part) => part !== '')) {
      node = node !== undefined && 'names' in node ? node.names.get(name) : undefined;
    }
    if (node === undefined) return undefined;
    return 'names' in node ? { kind: 'folder' } : { kind: 'file', size: node.content.byteLength };
  }

  async list(path: string): Promise<readonly string[]> {
    this.#begin('list', path);
    return [...this.#folder(path).names.keys()].sort();
  }

  async syncFolder(path: string): Promise<void> {
    this.#begin('syncFolder', path);
    const folder = this.#folder(path);
    folder.durable = new Map(folder.names);
    folder.pending = [];
  }

  async space(path: string): Promise<Space> {
    this.#begin('space', path);
    return { free: this.#free(), total: this.capacity };
  }

  #free(): number {
    return Math.max(0, this.capacity - bytesIn(this.#root, new Set()));
  }

  #begin(kind: Operation['kind'], path: string): { code: string; bytes?: number } | undefined {
    if (this.#off) throw failure('EIO', path);
    const mishap = this.plan({ kind, path, number: this.#operations });
    this.#operations += 1;
    if (mishap === 'power-cut') {
      this.#off = true;
      // A write that the cut interrupts has begun: any of its sectors may have arrived.
      if (kind === 'write') return { code: 'EIO', bytes: Number.POSITIVE_INFINITY };
      throw failure('EIO', path);
    }
    if (mishap !== undefined && kind !== 'write') throw failure(mishap.code, path);
    return mishap;
  }

  #handle(file: MemoryFile, path: string, durable: boolean): OpenFile {
    return {
      write: async (chunks, position) => {
        const data = Buffer.concat(chunks);
        const mishap = this.#begin('write', path) ?? this.#tooMuch(file, position, position + data.byteLength);
        const written = mishap === undefined ? data : data.subarray(0, mishap.bytes ?? 0);
        writeContent(file, position, written);
        if (mishap !== undefined) throw failure(mishap.code, path);
        if (durable) syncWrite(file, position, data);
      },
      datasync: async () => {
        this.#begin('datasync', path);
        syncContent(file);
      },
      sync: async () => {
        this.#begin('sync', path);
        syncContent(file);
      },
      truncate: async (length) => {
        this.#begin('truncate', path);
        cutContent(file, length);
      },
      read: async (target, position) => {
        this.#begin('read', path);
        return file.content.copy(target, 0, position);
      },
      size: async () => file.content.byteLength,
      close: async () => undefined,
    };
  }

  /** What becomes of a write that would need more than there is. */
  #tooMuch(file: MemoryFile, from: number, to: number): { code: string; bytes: number } | undefined {
    if (this.capacity === roomy || to <= file.content.byteLength) return undefined;
    const room = file.content.byteLength + this.#free();
    return to <= room ? undefined : { code: 'ENOSPC', bytes: Math.max(0, room - from) };
  }

  #parent(path: string): [MemoryFolder, string] {
    return [this.#folder(dirname(resolve(path))), basename(path)];
  }

  #folder(path: string): MemoryFolder {
    let folder = this.#root;
    for (const name of resolve(path)
      .split('/')
      .filter((part) => part !== '')) {
      const next = folder.names.get(name);
      if (next === undefined) throw failure('ENOENT', path);
      if (!('names' in next)) throw failure('ENOTDIR', path);
      folder = next;
    }
    return folder;
  }
}

function newFolder(): MemoryFolder {
  return { names: new Map(), durable: new Map(), pending: [] };
}

function change(folder: MemoryFolder, what: MemoryFolder['pending'][number]): void {
  what(folder.names);
  folder.pending.push(what);
}

function writeContent(file: MemoryFile, at: number, data: Buffer): void {
  file.content = patched(file.content, at, data);
  for (let from = 0; from < data.byteLength; ) {
    const length = Math.min(data.byteLength - from, sector - ((at + from) % sector));
    file.pending.push({ at: at + from, data: Buffer.from(data.subarray(from, from + length)) });
    from += length;
  }
}

function cutContent(file: MemoryFile, length: number): void {
  file.content = resized(file.content, length);
  file.pending.push({ length });
}

function syncBelow(folder: MemoryFolder): void {
  folder.durable = new Map(folder.names);
  folder.pending = [];
  for (const node of folder.names.values()) {
    if ('names' in node) syncBelow(node);
    else syncContent(node);
  }
}

function syncContent(file: MemoryFile): void {
  file.durable = Buffer.from(file.content);
  file.pending = [];
}

/**
 * A durable write reaches the medium with the sectors that it touches; what stood unsynced in them, and the length, go with it.
 * Unsynced writes elsewhere stay as they are.
 */
function syncWrite(file: MemoryFile, at: number, data: Buffer): void {
  const from = at - (at % sector);
  const touched = (what: MemoryFile['pending'][number]) =>
    'length' in what || (what.at >= from && what.at < at + data.byteLength);
  for (const what of file.pending.filter(touched)) {
    if ('length' in what) file.durable = resized(file.durable, what.length);
    else {
      if (what.at + what.data.byteLength > file.durable.byteLength)
        file.durable = resized(file.durable, at + data.byteLength);
      what.data.copy(file.durable, what.at);
    }
  }
  file.pending = file.pending.filter((what) => !touched(what));
}

/** Bytes of the files in a folder, each once; what was removed and is not durably gone costs nothing. */
function bytesIn(folder: MemoryFolder, seen: Set<MemoryFile | MemoryFolder>): number {
  let bytes = 0;
  for (const node of folder.names.values()) {
    if (seen.has(node)) continue;
    seen.add(node);
    bytes += 'names' in node ? bytesIn(node, seen) : node.content.byteLength;
  }
  return bytes;
}

function surviving(
  node: MemoryFile | MemoryFolder,
  random: Random,
  seen: Map<MemoryFile | MemoryFolder, MemoryFile | MemoryFolder>,
): MemoryFile | MemoryFolder {
  const before = seen.get(node);
  if (before !== undefined) return before;
  const after = 'names' in node ? newFolder() : fileAfter(node, random);
  seen.set(node, after);
  if ('names' in node && 'names' in after) {
    const names = new Map(node.durable);
    for (const what of node.pending.slice(0, Math.floor(random() * (node.pending.length + 1)))) what(names);
    after.names = new Map([...names].map(([name, inner]) => [name, surviving(inner, random, seen)]));
    after.durable = new Map(after.names);
  }
  return after;
}

function fileAfter(file: MemoryFile, random: Random): MemoryFile {
  let content = Buffer.from(file.durable);
  const luck = random();
  for (const what of file.pending) {
    // Some cuts spare all and some nothing: both ends are worth more cases than an even draw gives them.
    if (luck > 0.75 || (luck > 0.25 && random() < 0.5)) {
      content = 'length' in what ? resized(content, what.length) : patched(content, what.at, what.data);
    }
  }
  return { content, durable: Buffer.from(content), pending: [] };
}

function patched(content: Buffer, at: number, data: Buffer): Buffer<ArrayBuffer> {
  const result = resized(content, Math.max(content.byteLength, at + data.byteLength));
  data.copy(result, at);
  return result;
}

function resized(content: Buffer, length: number): Buffer<ArrayBuffer> {
  const result = Buffer.alloc(length);
  content.copy(result, 0, 0, Math.min(length, content.byteLength));
  return result;
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
