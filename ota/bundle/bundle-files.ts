import { createReadStream } from 'node:fs';
import { canonicalJson } from '../../device/kernel/canonical-json.ts';
import { parse } from '../../device/kernel/schema.ts';
import type { ArchiveFile } from '../archive/write-archive.ts';
import { type BundleManifest, bundleManifest, manifestName } from '../contract/bundle.ts';

/** A file of a bundle that is made and not copied. */
export function madeFile(path: string, content: string | Uint8Array, executable = false): ArchiveFile {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return {
    path,
    executable,
    size: bytes.byteLength,
    read: async function* () {
      yield bytes;
    },
  };
}

/** A file of a bundle that lies on the disk at `from` and had `size` bytes when it was looked at. */
export function diskFile(
  path: string,
  from: string,
  { size, executable }: Pick<ArchiveFile, 'size' | 'executable'>,
): ArchiveFile {
  return {
    path,
    executable,
    size,
    read: async function* () {
      for await (const bytes of createReadStream(from, { highWaterMark: 256 * 1024 })) yield bytes as Buffer;
    },
  };
}

/** `bundle.json`. Throws `usage-invalid` naming the field that cannot stand there. */
export function manifestFile(manifest: BundleManifest): ArchiveFile {
  const checked = parse(bundleManifest, manifest, manifestName, 'usage-invalid');
  // Through JSON: what is absent has no field.
  return madeFile(manifestName, `${canonicalJson(JSON.parse(JSON.stringify(checked)))}\n`);
}
