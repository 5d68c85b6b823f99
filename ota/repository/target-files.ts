import { createHash } from 'node:crypto';
import { makeFolders, partEnding, readWholeFile, storeFault } from '../../device/kernel/durable-file.ts';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { Files, OpenFile } from '../../device/kernel/files.ts';
import { parse } from '../../device/kernel/schema.ts';
import { type Target, target as targetSchema } from '../contract/target.ts';
import { parseJson } from './metadata.ts';
import { placesIn } from './repository-folder.ts';

/** The files that targets stand for, in `targets/`. One that no metadata names is litter, and is harmless. */

/** What `NAME.target.json` says of the file `NAME` beside it. Throws `document-refused`. */
export async function readTargetFile(files: Files, path: string): Promise<Target> {
  const bytes = await readWholeFile(files, path);
  if (bytes === undefined) {
    throw new AtalayaError('document-refused', `${path} does not exist`, {
      hint: 'Name a file that ends in .target.json.',
    });
  }
  return parse(targetSchema, parseJson(bytes, path, 256 * 1024), path, 'document-refused') as Target;
}

const piece = 1024 * 1024;

/**
 * Copies a file into the repository, durably, where it is not there already. Throws `document-refused` where it is not what the target says,
 * `store-full`, `store-failed`.
 */
export async function keepTarget(files: Files, folder: string, target: Target, from: string): Promise<void> {
  const places = placesIn(folder);
  const to = places.target(target);
  await makeFolders(files, places.targets);
  if ((await targetFault(files, folder, target)) === undefined) return;
  const source = await files.open(from, 'read').catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw storeFault(error, `cannot read ${from}`);
    throw new AtalayaError('document-refused', `${from} does not exist`, { hint: 'It lies beside its .target.json.' });
  });
  const part = `${to}${partEnding}`;
  try {
    const copy = await files.open(part, 'create');
    try {
      const found = await readThrough(source, (bytes, at) => copy.write([bytes], at));
      const fault = differs(target, found);
      if (fault !== undefined) {
        throw new AtalayaError('document-refused', `${from} ${fault}`, {
          hint: 'Make the bundle again; nothing was staged.',
        });
      }
      await copy.sync();
    } finally {
      await copy.close();
    }
    await files.rename(part, to);
    await files.syncFolder(places.targets);
  } catch (error) {
    await files.remove(part).catch(() => undefined);
    throw storeFault(error, `cannot write ${to}`);
  } finally {
    await source.close();
  }
}

/** What is wrong with the file of a target; undefined where it is whole, or by `depth` has the right length. */
export async function targetFault(
  files: Files,
  folder: string,
  target: Target,
  depth: 'hash' | 'length' = 'hash',
): Promise<string | undefined> {
  const file = await files.open(placesIn(folder).target(target), 'read').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw storeFault(error, `cannot read ${target.target}`);
  });
  if (file === undefined) return 'is missing';
  try {
    if ((await file.size()) !== target.length) return `has ${await file.size()} bytes, not ${target.length}`;
    if (depth === 'length') return undefined;
    return differs(target, await readThrough(file, async () => undefined));
  } finally {
    await file.close();
  }
}

async function readThrough(
  file: OpenFile,
  each: (bytes: Uint8Array, at: number) => Promise<void>,
): Promise<{ length: number; sha256: string }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(piece);
  let at = 0;
  for (;;) {
    const bytes = buffer.subarray(0, await file.read(buffer, at));
    if (bytes.byteLength === 0) return { length: at, sha256: hash.digest('hex') };
    hash.update(bytes);
    await each(bytes, at);
    at += bytes.byteLength;
  }
}

function differs(target: Target, found: { readonly length: number; readonly sha256: string }): string | undefined {
  if (found.length !== target.length) return `has ${found.length} bytes, not ${target.length}`;
  return found.sha256 === target.sha256 ? undefined : `has another SHA-256 than ${target.sha256.slice(0, 16)}`;
}
