import { createHash } from 'node:crypto';
import { mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { systemTreeFiles, type TreeFiles } from '../../device/kernel/tree-files.ts';
import { type VirtualArchive, virtualArchive } from '../archive/virtual-archive.ts';
import { reasonOf } from '../contract/refusals.ts';
import type { TreeDigest } from '../contract/target.ts';
import { applyPatch } from './apply-patch.ts';
import { compressFrame } from './compress-frame.ts';
import { numbersOf, type PatchHeader, patchBounds, patchHeader, patchMagic, stepNumbers } from './patch-form.ts';
import { type PlannedPatch, planPatch } from './plan-patch.ts';

export interface PatchOrder {
  /** Folders of trees. */
  readonly base: string;
  readonly result: string;
  /** File that is made. */
  readonly out: string;
  /** A folder for files of the work, on a file system with room for some 30 MB for each of `workers`. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  /** Of zstd, 1 to 22; 22 where it is not told. */
  readonly level?: number;
  /** Frames compressed at once; 2 where it is not told. */
  readonly workers?: number;
  readonly files?: TreeFiles;
}

export interface PatchMade {
  /** Bytes of the file. */
  readonly length: number;
  readonly base: TreeDigest;
  readonly result: TreeDigest;
}

/**
 * Makes the patch between two trees, and tries it before the file gets its name. The same trees and the same release of zstd give the same bytes.
 * Holds both archives and half as much again: for publishers, not for units.
 *
 * Throws `document-refused` where a folder is no tree, or too much changes in too many places; `program-missing` without the program zstd.
 */
export async function makePatch(order: PatchOrder): Promise<PatchMade> {
  const { files = systemTreeFiles, signal } = order;
  const base = await archiveOf(files, order.base);
  const result = await archiveOf(files, order.result);
  const work = await mkdtemp(join(order.scratch, 'patch-'));
  const part = `${order.out}.part`;
  try {
    const bases = await base.digest(signal);
    const results = await result.digest(signal);
    await writePatch(part, await compressed(base, result, order, work));
    await provePatch(files, part, base, bases, results, signal);
    const { size } = await stat(part);
    await rename(part, order.out);
    return { length: size, base: bases, result: results };
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(part, { force: true });
    await base.close();
    await result.close();
  }
}

async function archiveOf(files: TreeFiles, folder: string): Promise<VirtualArchive> {
  const archive = await virtualArchive(files, folder);
  if (!('kind' in archive)) return archive;
  throw new AtalayaError('document-refused', `${folder} is no tree: ${reasonOf(archive)}`, {
    hint: 'Lay the folder of the bundle anew from its plan.',
  });
}

/** Header and frames. */
async function compressed(
  base: VirtualArchive,
  result: VirtualArchive,
  { signal, level = 22, workers = 2 }: PatchOrder,
  work: string,
): Promise<readonly Buffer[]> {
  const bytes = await base.read(0, base.length);
  const plan = planPatch(bytes, await result.read(0, result.length));
  const frames: Buffer[] = [];
  const todo = plan.frames.entries();
  const worker = async (): Promise<void> => {
    for (const [i, frame] of todo) {
      signal.throwIfAborted();
      frames[i] = await compressFrame(frame, bytes, { work, name: `${i}`, level, signal });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: workers }, worker));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
  return [headerBytes(base.length, result.length, plan, frames), ...frames];
}

function headerBytes(base: number, result: number, plan: PlannedPatch, frames: readonly Buffer[]): Buffer {
  const header: PatchHeader = {
    base,
    result,
    steps: stepNumbers(plan.steps),
    frames: plan.frames.map(({ content, prefix }, i) => ({
      content: content.byteLength,
      size: frames[i]?.byteLength ?? 0,
      prefix: numbersOf(prefix),
    })),
  };
  const text = Buffer.from(JSON.stringify(header));
  const packed = zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 19 } });
  const fits = text.byteLength <= patchBounds.headerText && packed.byteLength <= patchBounds.header;
  if (!fits || !patchHeader.safeParse(header).success) {
    throw new AtalayaError('document-refused', 'the trees differ in more places than a patch can list', {
      hint: 'Publish the whole without a patch.',
    });
  }
  const size = Buffer.alloc(4);
  size.writeUInt32LE(packed.byteLength);
  return Buffer.concat([patchMagic, size, packed]);
}

async function writePatch(path: string, parts: readonly Buffer[]): Promise<void> {
  const file = await open(path, 'w', 0o644);
  try {
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Applies the patch as a unit does. */
async function provePatch(
  files: TreeFiles,
  path: string,
  base: VirtualArchive,
  bases: TreeDigest,
  tree: TreeDigest,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256');
  const description = { tree, patchFrom: bases.sha256 };
  for await (const piece of applyPatch({ files, path, base, description, signal })) {
    if ('kind' in piece)
      throw new AtalayaError('internal', `a patch that was just made is refused: ${reasonOf(piece)}`);
    hash.update(piece);
  }
  if (hash.digest('hex') !== tree.sha256)
    throw new AtalayaError('internal', 'a patch makes another tree than it should');
}
