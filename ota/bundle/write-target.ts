import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { makeFolders, partEnding, storeFault, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import { type Files, systemFiles } from '../../device/kernel/files.ts';
import { parse } from '../../device/kernel/schema.ts';
import { compressArchive } from '../archive/compressed.ts';
import { type ArchiveFile, writeArchive } from '../archive/write-archive.ts';
import type { BundleManifest } from '../contract/bundle.ts';
import { type Target, type TargetDescription, type TreeDigest, target as targetSchema } from '../contract/target.ts';
import { wholeName } from './name-target.ts';

/** Beside a target's file: what a publisher signs of it. */
export const targetFileName = (name: string): string => `${name.replace(/\.tar\.zst$/, '')}.target.json`;

export interface WriteOptions {
  /** Where it goes; made where it is missing. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Of the compression, 1 to 19; 19 unless told. */
  readonly level?: number;
  readonly files?: Files;
}

/**
 * Writes a bundle as a whole target, and `NAME.target.json` beside it. The same files give the same bytes, whatever their order. Durable when it
 * resolves; nothing stands under its name before. Throws what `writeArchive` throws, `document-refused` where another content stands there,
 * `store-full` and `store-failed`.
 */
export async function writeWholeTarget(
  content: readonly ArchiveFile[],
  { kind, name, version, release, hardware, unit }: BundleManifest,
  { folder, signal, level, files = systemFiles }: WriteOptions,
): Promise<Target> {
  const named = { name, version, release, hardware: [...new Set(hardware)].sort() };
  const file = wholeName(named);
  const tree = new Measure();
  const archive = compressArchive(tree.of(writeArchive(content)), level === undefined ? {} : { level });
  const written = await writeStream(files, folder, file, archive, signal);
  return writeTargetFile(files, folder, file, written, {
    ...{ kind, ...named, tree: tree.digest() },
    ...(unit === undefined ? {} : { unit }),
  });
}

/** Writes what a publisher signs of a file that lies in `folder`: `NAME.target.json`. */
export async function writeTargetFile(
  files: Files,
  folder: string,
  file: string,
  { sha256, length }: Pick<Target, 'sha256' | 'length'>,
  description: TargetDescription,
): Promise<Target> {
  const made = parse(targetSchema, { target: file, length, sha256, description }, file, 'usage-invalid');
  await writeWholeFile(
    files,
    join(folder, targetFileName(file)),
    Buffer.from(`${JSON.stringify(made, undefined, 2)}\n`),
  );
  return made;
}

/** Throws `document-refused` where another content stands at `path`: units, patches and people may know it under that name. */
export async function refuseOther(files: Files, path: string, sha256: string): Promise<void> {
  const there = await files.open(path, 'read').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (there === undefined) return;
  const hash = createHash('sha256');
  try {
    const buffer = Buffer.allocUnsafe(1024 * 1024);
    for (let at = 0; ; ) {
      const length = await there.read(buffer, at);
      if (length === 0) break;
      hash.update(buffer.subarray(0, length));
      at += length;
    }
  } finally {
    await there.close();
  }
  if (hash.digest('hex') === sha256) return;
  throw new AtalayaError('document-refused', `${path} is there with other content`, {
    hint: 'A release is never made twice: take the next number, or another folder.',
  });
}

/** SHA-256 and length of what flows through it. */
class Measure {
  readonly #hash = createHash('sha256');
  #length = 0;

  async *of(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const some of bytes) {
      this.#hash.update(some);
      this.#length += some.byteLength;
      yield some;
    }
  }

  digest(): TreeDigest {
    return { sha256: this.#hash.copy().digest('hex'), length: this.#length };
  }
}

async function writeStream(
  files: Files,
  folder: string,
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<TreeDigest> {
  await makeFolders(files, folder);
  const path = join(folder, name);
  const part = `${path}${partEnding}`;
  const measure = new Measure();
  try {
    const file = await files.open(part, 'create');
    try {
      let at = 0;
      for await (const some of measure.of(bytes)) {
        signal.throwIfAborted();
        await file.write([some], at);
        at += some.byteLength;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await refuseOther(files, path, measure.digest().sha256);
    await files.rename(part, path);
    await files.syncFolder(folder);
  } catch (error) {
    await files.remove(part).catch(() => undefined);
    throw systemCode(error) === undefined ? error : storeFault(error, `cannot write ${path}`);
  }
  return measure.digest();
}
