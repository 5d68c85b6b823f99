import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import { type FrameFault, ZstdFrame } from './zstd-frame.ts';

/** Bytes of a stream, which may end in the reason why it is refused. A piece is its reader's only until the next is asked for. */
export type ArchiveBytes = AsyncIterable<Uint8Array | UpdateRefused>;

/** The window of a target, as a power of two: 8 MiB of the memory of whoever unpacks it. */
const windowLog = 23;
/** Bytes given to a coder at a time: the same cuts make the same file. */
const pieceSize = 256 * 1024;

/**
 * The file of a whole target: one Zstandard frame. The same bytes give the same file, however they were cut. `level`, 1 to 19, is 19 where it is
 * not told; 200 MB take minutes then.
 */
export async function* compressArchive(
  bytes: AsyncIterable<Uint8Array>,
  { level = 19 }: { readonly level?: number } = {},
): AsyncGenerator<Buffer, void, undefined> {
  const coder = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: windowLog },
  });
  const feeding = pipeline(inPieces(bytes), coder);
  feeding.catch(() => undefined);
  for await (const piece of coder) yield piece as Buffer;
  await feeding;
}

async function* inPieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let piece = Buffer.alloc(pieceSize);
  let filled = 0;
  for await (const part of bytes) {
    for (let at = 0; at < part.byteLength; ) {
      const length = Math.min(pieceSize - filled, part.byteLength - at);
      piece.set(part.subarray(at, at + length), filled);
      filled += length;
      at += length;
      if (filled < pieceSize) continue;
      yield piece;
      piece = Buffer.alloc(pieceSize);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

/** A refusal on its way through streams that know only errors. */
class Refusal extends Error {
  readonly refused: UpdateRefused;

  constructor(refused: UpdateRefused) {
    super(refused.detail);
    this.refused = refused;
  }
}

const frameRefusals: Record<FrameFault, UpdateRefused> = {
  malformed: refusedUpdate('archive-malformed', 'the file is no single Zstandard frame'),
  trailing: refusedUpdate('archive-malformed', 'the file goes on after its Zstandard frame'),
  'too-large': refusedUpdate('archive-bomb', `the file asks for a window of more than ${2 ** windowLog} bytes`),
};

/**
 * The archive in the file of a whole target. Holds a window of 8 MiB and a few pieces, whatever is in the file, and gives no byte beyond
 * `expected.length`. Refused: `archive-malformed`, `archive-incomplete`, `archive-bomb`. Throws `store-failed`, and the signal's reason.
 */
export async function* openCompressed(
  files: Files,
  path: string,
  expected: { readonly length: number },
  signal?: AbortSignal,
): AsyncGenerator<Buffer | UpdateRefused, void, undefined> {
  const options = {
    chunkSize: pieceSize,
    // It asks for the next piece of the file when it is done with the one before, which is in the same place.
    writableHighWaterMark: 1,
    params: { [constants.ZSTD_d_windowLogMax]: windowLog },
  };
  const decoder = createZstdDecompress(options);
  const feeding = pipeline(frameOf(files, path, signal), decoder);
  feeding.catch(() => undefined);
  let length = 0;
  try {
    for await (const piece of decoder) {
      length += (piece as Buffer).byteLength;
      if (length > expected.length) {
        yield refusedUpdate('archive-bomb', `the file unpacks to more than its ${expected.length} bytes`);
        return;
      }
      yield piece as Buffer;
    }
  } catch (error) {
    const refused = refusalOf(error);
    if (refused === undefined) throw error;
    yield refused;
  } finally {
    decoder.destroy();
    await feeding.catch(() => undefined);
  }
}

function refusalOf(error: unknown): UpdateRefused | undefined {
  if (error instanceof Refusal) return error.refused;
  const code = systemCode(error);
  if (code?.startsWith('ZSTD_error_') === true || code === 'Z_BUF_ERROR') {
    return refusedUpdate('archive-malformed', 'the Zstandard frame cannot be decoded');
  }
  return undefined;
}

/** The file's bytes, as long as they are one frame. */
async function* frameOf(files: Files, path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const frame = new ZstdFrame(2 ** windowLog);
  for await (const piece of fileBytes(files, path, signal)) {
    const fault = frame.take(piece);
    if (fault !== undefined) throw new Refusal(frameRefusals[fault]);
    yield piece;
  }
  if (!frame.ended) throw new Refusal(refusedUpdate('archive-incomplete', 'the file ends inside its Zstandard frame'));
}

/** A file in pieces, each good until the next is asked for. Throws `store-failed`, and the signal's reason. */
async function* fileBytes(files: Files, path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const failed = (cause: unknown): AtalayaError =>
    new AtalayaError('store-failed', `${path} cannot be read (${systemCode(cause)})`, { cause });
  const file = await files.open(path, 'read').catch((cause: unknown) => {
    throw failed(cause);
  });
  // One for all: what the collector has not come to yet counts as memory of the unit.
  const piece = Buffer.alloc(pieceSize / 4);
  try {
    for (let at = 0; ; ) {
      signal?.throwIfAborted();
      const filled = await file.read(piece, at).catch((cause: unknown) => {
        throw failed(cause);
      });
      if (filled > 0) yield piece.subarray(0, filled);
      if (filled < piece.byteLength) return;
      at += filled;
    }
  } finally {
    await file.close();
  }
}
