import { zstdCompressSync } from 'node:zlib';
import { MemoryTreeFiles } from '../../../device/kernel/testing/memory-tree-files.ts';
import { archiveFiles, bytesOf, layTree, type MadeTree, targetOf } from '../../archive/testing/made-archive.ts';
import { virtualArchive } from '../../archive/virtual-archive.ts';
import { writeArchive } from '../../archive/write-archive.ts';
import type { Target } from '../../contract/target.ts';
import { applyPatch } from '../apply-patch.ts';
import { type PatchHeader, patchMagic } from '../patch-form.ts';

/** Patches of a test, made by hand without the program zstd. */

export interface MadeParts {
  readonly header: unknown;
  readonly frames?: readonly Uint8Array[];
  /** What stands in the place of the length of the header. */
  readonly size?: number;
  readonly magic?: Uint8Array;
}

export function madePatch({ header, frames = [], size, magic = patchMagic }: MadeParts): Buffer {
  const packed = Buffer.isBuffer(header) ? header : zstdCompressSync(Buffer.from(JSON.stringify(header)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size ?? packed.byteLength);
  return Buffer.concat([magic, length, packed, ...frames]);
}

/** Header and frame of a patch that copies nothing. */
export function freshPatch(
  base: number,
  result: Uint8Array,
): { readonly header: PatchHeader; readonly frames: Buffer[] } {
  const frame = zstdCompressSync(result);
  return {
    header: {
      base,
      result: result.byteLength,
      steps: [result.byteLength, 0, 0],
      frames: [{ content: result.byteLength, size: frame.byteLength, prefix: [] }],
    },
    frames: [frame],
  };
}

export interface Trial {
  readonly files: MemoryTreeFiles;
  readonly base: Target;
  readonly result: Target;
  readonly baseBytes: Buffer;
  readonly resultBytes: Buffer;
}

/** A base in `/base`, and what is to become of it. */
export async function trialOf(base: MadeTree, result: MadeTree): Promise<Trial> {
  const files = new MemoryTreeFiles();
  await layTree(files, '/base', base);
  await layTree(files, '/result', result);
  const description = await targetOf(files, '/base');
  return {
    files,
    base: description,
    result: await targetOf(files, '/result', { patchFrom: description.description.tree.sha256 }),
    baseBytes: await bytesOf(writeArchive(archiveFiles(base))),
    resultBytes: await bytesOf(writeArchive(archiveFiles(result))),
  };
}

/** Writes a file under a name that nobody else has, and gives the name. */
export async function layFile(files: MemoryTreeFiles, bytes: Uint8Array): Promise<string> {
  const path = `/patch-${files.operations}`;
  const file = await files.open(path, 'create');
  await file.write([bytes], 0);
  await file.close();
  return path;
}

export type Applied =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string; readonly before: number };

/** What a patch makes of `/base`, and how many bytes came before a refusal. */
export async function applied({ files, result }: Trial, patch: Uint8Array, target: Target = result): Promise<Applied> {
  const path = await layFile(files, patch);
  const base = await virtualArchive(files, '/base');
  if ('kind' in base) throw new Error(base.detail);
  const { signal } = new AbortController();
  const parts: Uint8Array[] = [];
  for await (const part of applyPatch({ files, path, base, description: target.description, signal })) {
    if ('kind' in part) return { ...part, before: Buffer.concat(parts).byteLength };
    parts.push(Buffer.from(part));
  }
  await base.close();
  return { kind: 'bytes', bytes: Buffer.concat(parts) };
}
