import PDFDocument from 'pdfkit';
import { PdfPage } from './pdf-page.ts';
import { hasCodes } from './pdf-text.ts';
import type { Sheet, SheetPart } from './sheet-model.ts';

/** The sheet as PDF, A4, in the fonts that every reader has; see `printable` for characters that these lack. */
export async function* sheetPdf(sheet: Sheet): AsyncGenerator<Uint8Array> {
  const document = new PDFDocument({
    size: 'A4',
    margin: 0,
    bufferPages: true,
    lang: 'en',
    displayTitle: true,
    info: { Title: `${sheet.id}: ${sheet.title}`, CreationDate: new Date(sheet.made) },
  });
  const page = new PdfPage(document, sheet.id);
  page.text(sheet.title, 'small');
  page.text(sheet.id, 'id');
  page.text(sheet.charge, 'charge');
  page.text(sheet.place, 'place');
  for (const warning of sheet.warnings) page.warning(warning);
  for (const part of sheet.parts) draw(page, part);
  page.rule();
  page.text(sheet.footer, 'note');
  if (textsOf(sheet).some(hasCodes)) {
    page.text('<U+…> stands for a character that the fonts of this document lack; sheet.html shows it.', 'note');
  }
  page.finish();
  yield* document as AsyncIterable<Uint8Array>;
}

function draw(page: PdfPage, part: SheetPart): void {
  page.heading(part.title, part.kind === 'pictures' ? part.pictures[0] : undefined);
  switch (part.kind) {
    case 'facts':
      for (const [name, value] of part.facts) page.fact(name, value);
      for (const note of part.notes) page.text(note, 'note');
      break;
    case 'pictures':
      for (const picture of part.pictures) page.picture(picture);
      break;
    case 'findings':
      for (const { name, value, against, says } of part.findings) {
        const head = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}: ${value}`;
        page.item([
          [against === undefined ? head : `${head}, held against ${against}`, 'strong'],
          [says, 'body'],
        ]);
      }
      break;
    case 'files':
      for (const { name, says, sha256 } of part.files) {
        page.item([
          [name, 'strong'],
          [says, 'body'],
          [sha256, 'code'],
        ]);
      }
      for (const note of part.notes) page.text(note, 'note');
      break;
  }
}

function textsOf({ title, id, charge, place, warnings, parts }: Sheet): string[] {
  return [title, id, charge, place, ...warnings, ...parts.flatMap(textsOfPart)];
}

function textsOfPart(part: SheetPart): string[] {
  switch (part.kind) {
    case 'facts':
      return [...part.facts.flat(), ...part.notes];
    case 'pictures':
      return part.pictures.map(({ caption }) => caption);
    case 'findings':
      return part.findings.flatMap(({ name, value, against = '', says }) => [name, value, against, says]);
    case 'files':
      return [...part.files.flatMap(({ name, says }) => [name, says]), ...part.notes];
  }
}
