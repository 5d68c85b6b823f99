import { join } from 'node:path';
import { sheetHtml } from '../../../device/audit/sheet-html.ts';
import { sheetPdf } from '../../../device/audit/sheet-pdf.ts';
import { readWholeFile } from '../../../device/kernel/durable-file.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import type { DocumentSigner } from '../../../device/kernel/signed/sign-document.ts';
import { type Acceptance, acceptanceFiles, signAcceptance } from '../../accept/acceptance.ts';
import { writeOutput } from '../write-output.ts';
import { acceptanceSheet } from './acceptance-sheet.ts';

/**
 * Writes sheets and document into the folder where the pictures lie, the document last: while it is not there, or is of an earlier call,
 * the sheets are not what it names, and `accept verify` says so. Throws `store-full`, `store-failed`.
 */
export async function writeAcceptance(
  folder: string,
  said: Omit<Acceptance, 'files'>,
  signer: DocumentSigner,
): Promise<void> {
  const held = (name: string) => readWholeFile(systemFiles, join(folder, name));
  const picture = said.picture === null ? undefined : await held(acceptanceFiles.picture);
  const calibration = await held(acceptanceFiles.calibration);
  const sheet = acceptanceSheet(said, { picture, calibration });
  const pdf: Uint8Array[] = [];
  for await (const piece of sheetPdf(sheet)) pdf.push(piece);
  const made = [
    [acceptanceFiles.html, Buffer.from(sheetHtml(sheet))],
    [acceptanceFiles.pdf, Buffer.concat(pdf)],
  ] as const;
  for (const [name, content] of made) await writeOutput(join(folder, name), content);
  const pictures = [
    [acceptanceFiles.picture, picture],
    [acceptanceFiles.calibration, calibration],
  ] as const;
  const files = [...made, ...pictures].flatMap(([name, content]) =>
    content === undefined ? [] : [{ name, bytes: content.byteLength, sha256: sha256(content) }],
  );
  const bytes = await signAcceptance({ ...said, files }, signer);
  await writeOutput(join(folder, acceptanceFiles.document), bytes);
}
