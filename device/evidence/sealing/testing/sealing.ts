import { type Files, listIfThere } from '../../../kernel/files.ts';
import { BlobStore } from '../blob-store.ts';
import { createIdentity } from '../identity.ts';
import { type ClearFile, PackageSealer } from '../package-sealer.ts';
import type { Recipients } from '../recipients.ts';

/** An authority and an operator with their keys, for trials. */
export interface Parties {
  readonly authority: string;
  readonly operator: string;
  readonly recipients: Recipients;
}

export async function makeParties(): Promise<Parties> {
  const authority = await createIdentity();
  const operator = await createIdentity();
  return {
    authority: authority.identity,
    operator: operator.identity,
    recipients: { authority: [authority.recipient], operators: [operator.recipient] },
  };
}

export async function openSealer(files: Files, folder: string, recipients: Recipients) {
  const bodies = await BlobStore.open(files, `${folder}/blobs`);
  const keys = await BlobStore.open(files, `${folder}/keys`);
  return { bodies, keys, sealer: new PackageSealer(bodies, keys, recipients) };
}

export function clear(name: string, content: ClearFile['content'], forOperators = false): ClearFile {
  return { name, content, forOperators };
}

export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

export async function* inPieces(content: Uint8Array, bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < content.byteLength; at += bytes) yield content.subarray(at, at + bytes);
}

/** Paths of all files below a folder of which the inner ones have names of two digits, as blobs have. */
export async function everyName(files: Files, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await listIfThere(files, folder)) {
    const path = `${folder}/${name}`;
    if (/^([0-9a-f]{2}|blobs|keys)$/.test(name)) found.push(...(await everyName(files, path)));
    else found.push(path);
  }
  return found;
}

/** Files that tell of each fsync before it is done: what is synced, a file or the names in a folder. */
export function tellingSyncs(files: Files, tell: (what: 'file' | 'folder', path: string) => void): Files {
  return {
    open: async (path, mode) => {
      const file = await files.open(path, mode);
      const synced = (sync: () => Promise<void>) => (): Promise<void> => {
        tell('file', path);
        return sync();
      };
      return {
        write: (chunks, position) => file.write(chunks, position),
        datasync: synced(() => file.datasync()),
        sync: synced(() => file.sync()),
        truncate: (length) => file.truncate(length),
        read: (target, position) => file.read(target, position),
        size: () => file.size(),
        close: () => file.close(),
      };
    },
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    makeFolder: (path) => files.makeFolder(path),
    list: (path) => files.list(path),
    space: (path) => files.space(path),
    syncFolder: (path) => {
      tell('folder', path);
      return files.syncFolder(path);
    },
  };
}
