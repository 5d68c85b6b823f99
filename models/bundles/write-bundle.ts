import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '../../device/kernel/hash.ts';
import { parse } from '../../device/kernel/schema.ts';
import { manifestName } from '../contract/bundle.ts';
import { type AnyManifest, manifestSchema } from '../contract/manifest.ts';

/**
 * Writes a bundle beside its place and moves it there in one step, so that no reader ever sees half of one. The same manifest and files
 * give the same bytes. Throws `bundle-invalid` for a manifest that breaks the schema.
 */
export async function writeBundle<M extends AnyManifest>(
  folder: string,
  manifest: Omit<M, 'files'>,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const names = [...files.keys()].sort();
  const listed = names.map(
    (name) => [name, { size: files.get(name)!.byteLength, sha256: sha256(files.get(name)!) }] as const,
  );
  const complete = { ...manifest, files: Object.fromEntries(listed) };
  const { id } = parse(manifestSchema, complete, manifestName, 'bundle-invalid');
  const scratch = join(dirname(folder), `.writing-${process.pid}-${id}`);
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  for (const name of names) await writeFile(join(scratch, name), files.get(name)!, { flush: true });
  await writeFile(join(scratch, manifestName), `${JSON.stringify(complete, null, 2)}\n`, { flush: true });
  await rm(folder, { recursive: true, force: true });
  await rename(scratch, folder);
}
