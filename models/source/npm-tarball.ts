import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';

export interface NpmSource {
  readonly package: string;
  readonly version: string;
  /** `sha512-<base64>`, as the registry states it. */
  readonly integrity: string;
}

/**
 * The files of a package's tarball, from `cache` where it lies there, else from the npm registry. Nothing is installed, no script of the
 * package runs, and its dependencies are not looked at.
 *
 * Throws `bundle-source-unavailable` where npm cannot fetch it and `bundle-hash-mismatch` where the bytes are not the pinned ones.
 */
export async function fetchTarball(source: NpmSource, cache: string): Promise<Map<string, Uint8Array>> {
  const name = `${source.package.replace('@', '').replace('/', '-')}-${source.version}.tgz`;
  const path = join(cache, name);
  const cached = await readCached(path);
  const bytes = cached ?? (await pack(source, cache, name));
  const actual = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  if (actual !== source.integrity) {
    throw new AtalayaError('bundle-hash-mismatch', `${name} has integrity ${actual}; ${source.integrity} is pinned`, {
      hint: `Delete ${path} and try again. If it stays, the registry serves something else than what was reviewed.`,
    });
  }
  return readTar(gunzipSync(bytes));
}

async function readCached(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const packDeadline = 120_000;

async function pack(source: NpmSource, cache: string, name: string): Promise<Buffer> {
  const scratch = join(cache, `fetch-${process.pid}`);
  await mkdir(scratch, { recursive: true });
  try {
    await promisify(execFile)(
      'npm',
      ['pack', `${source.package}@${source.version}`, '--silent', '--pack-destination', scratch],
      {
        timeout: packDeadline,
      },
    );
    await rename(join(scratch, name), join(cache, name));
    return await readFile(join(cache, name));
  } catch (cause) {
    throw new AtalayaError(
      'bundle-source-unavailable',
      `npm could not fetch ${source.package}@${source.version}: ${reason(cause)}`,
      {
        hint: `Connect to an npm registry once, or put ${name} into ${cache}.`,
        cause,
      },
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function reason(cause: unknown): string {
  if (systemCode(cause) === 'ENOENT') return 'the program npm is missing';
  if (cause instanceof Error && 'stderr' in cause && typeof cause.stderr === 'string' && cause.stderr.trim() !== '') {
    return cause.stderr.trim().split('\n').slice(-3).join(' ');
  }
  return cause instanceof Error ? cause.message : String(cause);
}

/** Regular files of a POSIX tar archive (IEEE 1003.1, ustar: 512-byte header, octal size at 124, type at 156, prefix at 345). */
export function readTar(archive: Uint8Array): Map<string, Uint8Array> {
  const text = (from: number, length: number): string => {
    const end = archive.subarray(from, from + length).indexOf(0);
    return Buffer.from(archive.subarray(from, from + (end < 0 ? length : end))).toString('utf8');
  };
  const files = new Map<string, Uint8Array>();
  let offset = 0;
  while (offset + 512 <= archive.length && archive[offset] !== 0) {
    const size = Number.parseInt(text(offset + 124, 12).trim(), 8);
    if (!Number.isInteger(size) || offset + 512 + size > archive.length) {
      throw new AtalayaError('bundle-invalid', `the tar archive is damaged at byte ${offset}`);
    }
    const prefix = text(offset + 345, 155);
    const name = text(offset, 100);
    const type = archive[offset + 156];
    if (type === 0x30 || type === 0)
      files.set(prefix === '' ? name : `${prefix}/${name}`, archive.subarray(offset + 512, offset + 512 + size));
    offset += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
