import { dirname } from 'node:path';
import { makeFolders } from '../../device/kernel/durable-file.ts';
import type { TreeFiles } from '../../device/kernel/tree-files.ts';

const chunk = 1 << 20;

/**
 * Copies files and folders; what is neither is left out, so that whoever compares the trees sees it. Not durable: `Slots.complete` makes it.
 * Copied rather than linked: two slots that share their files would share their damage. Throws the system's own errors and the signal's reason.
 */
export async function copyTree(files: TreeFiles, from: string, to: string, signal: AbortSignal): Promise<void> {
  await makeFolders(files, dirname(to));
  await copy(files, from, to, signal);
}

async function copy(files: TreeFiles, from: string, to: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const node = await files.look(from);
  if (node?.kind === 'folder') {
    await files.makeFolder(to);
    for (const name of await files.list(from)) await copy(files, `${from}/${name}`, `${to}/${name}`, signal);
  } else if (node?.kind === 'file') {
    await copyFile(files, from, to, signal);
    if (node.executable) await files.makeExecutable(to);
  }
}

async function copyFile(files: TreeFiles, from: string, to: string, signal: AbortSignal): Promise<void> {
  const [source, sink] = [await files.open(from, 'read'), await files.open(to, 'create')];
  try {
    const size = await source.size();
    const piece = Buffer.allocUnsafe(Math.min(chunk, size));
    for (let at = 0; at < size; ) {
      signal.throwIfAborted();
      const read = await source.read(piece, at);
      if (read === 0) break;
      await sink.write([piece.subarray(0, read)], at);
      at += read;
    }
  } finally {
    await source.close();
    await sink.close();
  }
}
