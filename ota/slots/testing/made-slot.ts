import { makeFolders, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { removeTree, type TreeFiles } from '../../../device/kernel/tree-files.ts';
import type { SlotRecord } from '../../contract/bundle.ts';

/** A record whose program's version is `tag`. */
export const madeRecord = (tag: string): SlotRecord => ({
  schema: 'atalaya/slot/1',
  job: `job-${tag}`,
  at: '2026-01-01T00:00:00.000Z',
  parts: [
    {
      ...{ kind: 'program', name: 'unit', version: tag, release: 1, target: `unit-${tag}.tar.zst` },
      ...{ sha256: '0'.repeat(64), tree: '1'.repeat(64) },
    },
  ],
});

/** What every made program has; each file says which one it is of. */
const names = ['bundle.json', 'device/unit.js', 'node_modules/engine/engine.node', 'start'] as const;

/** Puts a small program in, file by file and without any care for durability, as unpacking does. */
export async function fillSlot(files: TreeFiles, folder: string, tag: string): Promise<void> {
  for (const name of names) {
    const path = `${folder}/${name}`;
    await makeFolders(files, path.slice(0, path.lastIndexOf('/')));
    const file = await files.open(path, 'create');
    await file.write([Buffer.from(`${tag}\n`)], 0);
    await file.close();
  }
  await files.makeExecutable(`${folder}/start`);
}

/** Which program lies there, every file of it; undefined where one is missing, or of another. */
export async function tagOf(files: TreeFiles, folder: string): Promise<string | undefined> {
  const tags = new Set<string | undefined>();
  for (const name of names) tags.add(await textIn(files, `${folder}/${name}`));
  const [tag] = tags;
  return tags.size === 1 ? tag?.trim() : undefined;
}

/** The text of a file; undefined where there is none. */
export async function textIn(files: TreeFiles, path: string): Promise<string | undefined> {
  if ((await files.look(path))?.kind !== 'file') return undefined;
  const file = await files.open(path, 'read');
  try {
    const content = Buffer.alloc(await file.size());
    await file.read(content, 0);
    return content.toString('latin1');
  } finally {
    await file.close();
  }
}

/** Puts anything in a file's place. */
export async function putText(files: TreeFiles, path: string, text: string): Promise<void> {
  await removeTree(files, path);
  await writeWholeFile(files, path, Buffer.from(text, 'latin1'));
}
