import { createHash, type Hash, hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding, Ledger } from './finding.ts';
import { absentCode, openPlain, readUpTo } from './read-file.ts';
import type { Evidence, SealedFile } from './record-shape.ts';
import { reasonOf } from './text-forms.ts';

/** Folder and name of a file that is named by its hash. */
export const storedPath = (kind: 'blobs' | 'keys', digest: string): string => `${kind}/${digest.slice(0, 2)}/${digest}`;

const ageMark = 'age-encryption.org/v1\n';
const chunkBytes = 1024 * 1024;

/**
 * The files of a package that was not erased: the key file, each body, and each age file as the one before the other. `here` is told
 * of every file that is there.
 */
export async function auditPackage(
  folder: string,
  { files, sealing, sequence }: Evidence,
  ledger: Ledger,
  here: (kind: 'blobs' | 'keys', digest: string) => void,
): Promise<void> {
  if (sealing === null) return;
  const keys = await readKeys(folder, sealing.keys, sequence, ledger, here);
  let at = 0;
  for (const file of files) {
    const header = keys?.subarray(at, at + file.header);
    at += file.header;
    const where = { part: 'key-file' as const, path: storedPath('keys', sealing.keys.sha256), entry: sequence };
    if (header !== undefined && !header.toString('latin1').startsWith(ageMark)) {
      const says = `What stands at the place of the header of ${file.name} is no age header.`;
      ledger.fail({ ...where, byte: at - file.header, check: 'age-encryption.org/v1', says });
    }
    await auditFile(folder, file, header, sequence, ledger, here);
  }
}

async function readKeys(
  folder: string,
  { bytes, sha256 }: { readonly bytes: number; readonly sha256: string },
  entry: number,
  ledger: Ledger,
  here: (kind: 'keys', digest: string) => void,
): Promise<Buffer | undefined> {
  const path = storedPath('keys', sha256);
  const fail = (says: string) =>
    ledger.fail({ part: 'key-file', path, entry, check: 'spec: key file of a package', says });
  const content = await readUpTo(join(folder, path), bytes + 1);
  if (content === 'absent') {
    fail(`The key file of entry ${entry} is missing, and no entry says that the package was erased.`);
    return undefined;
  }
  here('keys', sha256);
  if (!Buffer.isBuffer(content)) {
    fail(content.says);
    return undefined;
  }
  ledger.counts.bytes += content.byteLength;
  if (content.byteLength !== bytes) fail(`The key file has not the ${bytes} bytes that its record names.`);
  else if (hash('sha256', content, 'hex') !== sha256)
    fail(`One or more of its ${bytes} bytes are not those that were sealed.`);
  else return content;
  return undefined;
}

async function auditFile(
  folder: string,
  file: SealedFile,
  header: Buffer | undefined,
  entry: number,
  ledger: Ledger,
  here: (kind: 'blobs', digest: string) => void,
): Promise<void> {
  const path = storedPath('blobs', file.body);
  const where = { part: 'blob' as const, path, entry, check: 'spec: age file of a package' };
  const expected = file.bytes - file.header;
  let found: { bytes: number; body: string; whole: string };
  try {
    await using blob = await openPlain(join(folder, path));
    here('blobs', file.body);
    found = await hashBoth(blob, header ?? Buffer.alloc(0), expected);
  } catch (error) {
    const says = absentCode(error)
      ? `The body of ${file.name} of entry ${entry} is missing, and no entry says that the package was erased.`
      : `The file cannot be read (${reasonOf(error)}).`;
    ledger.fail({ ...where, says });
    return;
  }
  ledger.counts.bytes += found.bytes;
  if (found.bytes !== expected) {
    ledger.fail({ ...where, says: `It has not the ${expected} bytes of the body of ${file.name} of entry ${entry}.` });
  } else if (found.body !== file.body) {
    const says = `One or more of its ${expected} bytes are not those of the body of ${file.name} of entry ${entry}.`;
    ledger.fail({ ...where, says });
  } else if (header !== undefined) {
    if (found.whole === file.sha256) ledger.counts.files += 1;
    else {
      const says = `Header and body of ${file.name} of entry ${entry} are not the age file that its record names.`;
      ledger.fail({ ...where, part: 'file', says });
    }
  }
}

/** SHA-256 of a file, and of a header with the file after it; reads at most one byte more than expected. */
async function hashBoth(
  file: FileHandle,
  header: Buffer,
  expected: number,
): Promise<{ bytes: number; body: string; whole: string }> {
  const body = createHash('sha256');
  const whole = createHash('sha256').update(header);
  const bytes = await readInto(file, 0, expected + 1, [body, whole]);
  return { bytes, body: body.digest('hex'), whole: whole.digest('hex') };
}

/** Hashes at most `most` bytes of a file from `from` on; how many there were. */
async function readInto(file: FileHandle, from: number, most: number, hashes: readonly Hash[]): Promise<number> {
  const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, most));
  let bytes = 0;
  while (bytes < most) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.byteLength, most - bytes), from + bytes);
    if (bytesRead === 0) break;
    bytes += bytesRead;
    for (const one of hashes) one.update(chunk.subarray(0, bytesRead));
  }
  return bytes;
}

/** The age file of a pack against its record; its header is returned, where there is one. */
export async function auditAgeFile(
  folder: string,
  path: string,
  file: SealedFile,
  ledger: Ledger,
): Promise<Buffer | undefined> {
  const where: Omit<Finding, 'severity' | 'says'> = { part: 'file', path, check: 'spec: age file of a package' };
  try {
    await using handle = await openPlain(join(folder, path));
    const header = Buffer.alloc(file.header);
    const { bytesRead } = await handle.read(header, 0, file.header, 0);
    const { bytes, whole } = await hashBoth(handle, Buffer.alloc(0), file.bytes);
    ledger.counts.bytes += bytes;
    if (bytes !== file.bytes)
      ledger.fail({ ...where, says: `It has not the ${file.bytes} bytes that the record names.` });
    else if (whole !== file.sha256) {
      ledger.fail({ ...where, says: `One or more of its ${bytes} bytes are not those that the record names.` });
    } else if (!(await bodyIs(handle, file))) {
      ledger.fail({ ...where, byte: file.header, says: 'Its body is not the one that the record names.' });
    } else ledger.counts.files += 1;
    return bytesRead === file.header ? header : undefined;
  } catch (error) {
    const says = absentCode(error) ? 'The file is missing.' : `The file cannot be read (${reasonOf(error)}).`;
    ledger.fail({ ...where, says });
    return undefined;
  }
}

async function bodyIs(file: FileHandle, { header, bytes, body }: SealedFile): Promise<boolean> {
  const hashed = createHash('sha256');
  await readInto(file, header, bytes - header, [hashed]);
  return hashed.digest('hex') === body;
}
