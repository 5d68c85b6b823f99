import { promisify } from 'node:util';
import { constants, zstdDecompress } from 'node:zlib';
import type { Files } from '../../device/kernel/files.ts';
import type { VirtualArchive } from '../archive/virtual-archive.ts';
import { ZstdFrame } from '../archive/zstd-frame.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { TargetDescription } from '../contract/target.ts';
import { patchBounds, prefixBeginning } from './patch-form.ts';
import { type PatchFrame, type PatchPlan, readPatch } from './read-patch.ts';

export interface PatchUse {
  readonly files: Files;
  /** File of the patch. */
  readonly path: string;
  /** The tree that it is applied to. */
  readonly base: VirtualArchive;
  readonly description: Pick<TargetDescription, 'tree' | 'patchFrom'>;
  readonly signal: AbortSignal;
}

type PatchResult = AsyncGenerator<Uint8Array | UpdateRefused, void, undefined>;

const decode = promisify(zstdDecompress);
/** Bytes that are copied at a time. */
const pieceSize = 256 * 1024;

/**
 * The archive that a patch makes, never longer than it should be; whether it is the right one, its hash says. Holds one frame: at most 16 MiB of
 * the base, which the decoder has a second time, and 8 MiB of what it unpacks to, besides the list of steps. A piece is good until the next is asked for.
 *
 * Refused before any byte: `patch-base` where the tree is not the one that the patch is for, which means reading all of it, and `patch-malformed`
 * where header and description do not fit; later `patch-malformed` for a frame. Throws `store-failed`, `store-damaged`, and the signal's reason.
 */
export async function* applyPatch(use: PatchUse): PatchResult {
  const { base, description, signal } = use;
  if (description.patchFrom === undefined) {
    yield refusedUpdate('patch-malformed', 'the target is no patch by its description');
    return;
  }
  const { sha256 } = await base.digest(signal);
  if (sha256 !== description.patchFrom) {
    yield refusedUpdate('patch-base', `the patch is for the tree ${description.patchFrom}, here is ${sha256}`);
    return;
  }
  const patch = await readPatch(use.files, use.path, { base: base.length, result: description.tree.length });
  if ('kind' in patch) {
    yield patch;
    return;
  }
  try {
    yield* resultOf(patch, base, signal);
  } finally {
    await patch.close();
  }
}

async function* resultOf(patch: PatchPlan, base: VirtualArchive, signal: AbortSignal): PatchResult {
  const frames = patch.frames[Symbol.iterator]();
  const prefix = Buffer.alloc(patch.longestPrefix + prefixBeginning.byteLength);
  const copied = Buffer.alloc(pieceSize);
  let content: Buffer = Buffer.alloc(0);
  for (const { fresh, copy } of patch.steps) {
    for (let left = fresh; left > 0; ) {
      signal.throwIfAborted();
      if (content.byteLength === 0) {
        const frame = frames.next();
        if (frame.done === true) throw new RangeError('more is taken from frames than they have');
        const unpacked = await unpack(patch, frame.value, base, prefix);
        if ('kind' in unpacked) {
          yield unpacked;
          return;
        }
        content = unpacked;
      }
      const piece = content.subarray(0, Math.min(left, pieceSize));
      content = content.subarray(piece.byteLength);
      left -= piece.byteLength;
      yield piece;
    }
    for (let at = 0; copy !== undefined && at < copy.length; at += pieceSize) {
      signal.throwIfAborted();
      const piece = copied.subarray(0, copy.length - at);
      await base.fill(piece, copy.offset + at);
      yield piece;
    }
  }
}

async function unpack(
  patch: PatchPlan,
  frame: PatchFrame,
  base: VirtualArchive,
  prefix: Buffer,
): Promise<Buffer | UpdateRefused> {
  const compressed = await patch.read(frame);
  const walk = new ZstdFrame(patchBounds.content);
  if (walk.take(compressed) !== undefined || !walk.ended) {
    return refusedUpdate('patch-malformed', 'a frame of the patch is no single Zstandard frame within its bounds');
  }
  let filled = prefixBeginning.copy(prefix);
  for (const { offset, length } of frame.prefix) {
    await base.fill(prefix.subarray(filled, filled + length), offset);
    filled += length;
  }
  try {
    const content = await decode(compressed, {
      dictionary: prefix.subarray(0, filled),
      // With room for all of it and some more, the decoder needs no window of its own and no second buffer.
      chunkSize: frame.content + 64,
      maxOutputLength: frame.content,
      params: { [constants.ZSTD_d_windowLogMax]: Math.log2(patchBounds.content) },
    });
    if (content.byteLength === frame.content) return content;
  } catch (error) {
    if (!isDecodeError(error)) throw error;
  }
  return refusedUpdate('patch-malformed', `a frame of the patch does not unpack to its ${frame.content} bytes`);
}

function isDecodeError(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return false;
  return error.code.startsWith('ZSTD_error_') || ['Z_BUF_ERROR', 'ERR_BUFFER_TOO_LARGE'].includes(error.code);
}
