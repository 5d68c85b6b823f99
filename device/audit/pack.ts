import { readFile } from 'node:fs/promises';
import type { EvidenceRecord } from '../evidence/record/record.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { type PackDisk, PackFolder, systemDisk, type WrittenFile } from './pack-folder.ts';
import { packNames } from './pack-names.ts';
import type { PackParts } from './pack-parts.ts';
import { clipText, hashLines, inclusionText } from './proof-text.ts';
import { buildSheet } from './sheet.ts';
import { sheetHtml } from './sheet-html.ts';
import { sheetPdf } from './sheet-pdf.ts';
import { Keeper } from './shown-files.ts';
import { verifyGuide } from './verify-guide.ts';

export interface WrittenPack {
  readonly folder: string;
  /** Every file of the pack, `SHA256SUMS` last. */
  readonly files: readonly WrittenFile[];
}

/**
 * Writes the audit pack of one evidence into a new folder, which is there whole or not at all.
 *
 * Throws `usage-invalid` where the folder is not new; `store-damaged` where a ciphertext is not the one that the record names;
 * `internal` where the parts are not those of the record; `store-full` and `store-failed`. Nothing is left behind then.
 */
export async function writePack(folder: string, parts: PackParts, disk: PackDisk = systemDisk): Promise<WrittenPack> {
  checkParts(parts);
  const pack = await PackFolder.begin(folder, disk);
  try {
    await writeAll(pack, parts);
    await pack.finish();
  } catch (error) {
    await pack.abandon();
    throw error;
  }
  return { folder: pack.path, files: pack.written };
}

async function writeAll(pack: PackFolder, parts: PackParts): Promise<void> {
  const { record, checkpoint, since, erasure, publicKey } = parts;
  const text = (path: string, content: string) => pack.write(path, [Buffer.from(content)]);
  await pack.write('record.json', [parts.recordBytes]);
  await pack.write('record.sig', [parts.signature]);
  await pack.write('leaf', [parts.leaf]);
  await text('log/checkpoint', checkpoint);
  await text('log/inclusion', inclusionText(parts.inclusion, checkpoint));
  if (since !== undefined) {
    await text('log/since', since.checkpoint);
    await text('log/consistency', hashLines(since.consistency));
  }
  await text('keys/unit.pem', publicKey.pem);
  await text('keys/unit.vkey', `${publicKey.vkey.trimEnd()}\n`);
  if (erasure !== undefined) {
    await pack.write('erasure/record.json', [erasure.recordBytes]);
    await pack.write('erasure/record.sig', [erasure.signature]);
    await pack.write('erasure/leaf', [erasure.leaf]);
    await text('erasure/inclusion', inclusionText(erasure.inclusion, checkpoint));
  }
  const clip = clipText(record);
  if (clip !== undefined) await text('clip.txt', clip);
  const opened = await writeFiles(pack, parts);
  const sheet = buildSheet(parts, opened);
  await text('sheet.html', sheetHtml(sheet));
  await pack.write('sheet.pdf', sheetPdf(sheet));
  await text('VERIFY.md', verifyGuide(parts));
  await pack.write('verify.sh', [await readFile(new URL('./verify.sh', import.meta.url))]);
  await text('SHA256SUMS', pack.written.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(''));
}

/** Writes the sealed files and the opened ones; returns of the opened ones what the sheet shows. */
async function writeFiles(pack: PackFolder, { record, files }: PackParts): Promise<Keeper> {
  const keeper = new Keeper();
  const names = packNames(record.files.map(({ name }) => name));
  for (const [i, file] of files.entries()) {
    const named = record.files[i];
    const name = names[i];
    if (named === undefined || name === undefined) break;
    const { sha256, bytes } = await pack.write(`files/${name}.age`, file.ciphertext());
    if (sha256 !== named.sha256 || bytes !== named.bytes) {
      throw new AtalayaError(
        'store-damaged',
        `${file.name} of ${record.id} is ${bytes} bytes with SHA-256 ${sha256}; its record names ${named.bytes} and ${named.sha256}`,
        { hint: 'Verify the store: it says what of it is damaged.' },
      );
    }
    if (file.opened !== undefined) await pack.write(`opened/${name}`, keeper.keep(named, file.opened()));
  }
  return keeper;
}

function checkParts({ record, recordBytes, files, erasure, inclusion }: PackParts): void {
  if (canonicalJson(record) !== recordBytes.toString()) throw mismatch(record, 'the record is not that of its bytes');
  const expected = erasure === undefined ? record.files.map(({ name }) => name) : [];
  if (files.length !== expected.length || files.some(({ name }, i) => name !== expected[i])) {
    throw mismatch(record, 'the files are not those that its record names');
  }
  if (inclusion.index !== record.sequence - 1) throw mismatch(record, 'the proof is about another entry');
}

const mismatch = ({ id }: EvidenceRecord, what: string): AtalayaError =>
  new AtalayaError('internal', `${id} cannot be exported: ${what}`);
