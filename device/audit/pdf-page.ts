import type PDFDocument from 'pdfkit';
import { type Document, type OpenedPicture, openPicture } from './pdf-picture.ts';
import { printable } from './pdf-text.ts';
import type { SheetPicture } from './sheet-model.ts';

/** Points of 1/72 inch, A4. */
const left = 48;
const width = 595.28 - 2 * left;
const top = 46;
const bottom = 841.89 - 52;
const nameWidth = 150;
const tallestPicture = 380;
/** A heading with its rule. */
const headingRoom = 40;

const ink = '#14181f';
const soft = '#4a5361';
const bad = '#a01217';
const badGround = '#fdeceb';
const hairline = '#c9ced6';

const styles = {
  small: { font: 'Helvetica-Bold', size: 10, colour: soft, after: 2 },
  id: { font: 'Courier-Bold', size: 11, colour: ink, after: 6 },
  place: { font: 'Helvetica', size: 11, colour: ink, after: 6 },
  charge: { font: 'Helvetica-Bold', size: 15, colour: ink, after: 6 },
  heading: { font: 'Helvetica-Bold', size: 12, colour: ink, after: 5 },
  warning: { font: 'Helvetica-Bold', size: 10, colour: bad, after: 0 },
  strong: { font: 'Helvetica-Bold', size: 9.5, colour: ink, after: 1 },
  body: { font: 'Helvetica', size: 9.5, colour: ink, after: 1 },
  name: { font: 'Helvetica', size: 9.5, colour: soft, after: 0 },
  note: { font: 'Helvetica', size: 8.5, colour: soft, after: 3 },
  code: { font: 'Courier', size: 8, colour: ink, after: 2 },
} as const;

export type TextStyle = keyof typeof styles;

const longest = 3000;

/** A text as it is printed: one that would fill a page is cut, and says so. */
const brought = (text: string): string =>
  text.length <= longest ? printable(text) : `${printable(text.slice(0, longest))} … (cut; whole in record.json)`;

const digest = /^[0-9a-f]{64}$/;

/** Puts one thing under the other, from page to page; what belongs together is not torn apart. */
export class PdfPage {
  readonly #document: Document;
  readonly #id: string;
  #y = top;

  constructor(document: InstanceType<typeof PDFDocument>, id: string) {
    this.#document = document as Document;
    this.#id = id;
  }

  text(text: string, style: TextStyle): void {
    this.#room(this.#height(text, style, width));
    this.#put(text, style, left, width);
  }

  rule(): void {
    this.#y += 10;
    this.#room(30);
    this.#line(ink, 1);
    this.#y += 6;
  }

  /** A heading, with room for something under it: for the picture that comes first, where there is one. */
  heading(text: string, first?: SheetPicture): void {
    const under = first === undefined ? 0 : this.#layOut(first).whole;
    this.#room(Math.max(80, headingRoom + under));
    if (this.#y > top) this.rule();
    this.#put(text, 'heading', left, width);
  }

  warning(text: string): void {
    const inner = width - 20;
    const height = this.#height(text, 'warning', inner) + 12;
    this.#room(height);
    this.#document.rect(left, this.#y, width, height).fill(badGround);
    this.#document.rect(left, this.#y, 4, height).fill(bad);
    const y = this.#y;
    this.#y += 6;
    this.#put(text, 'warning', left + 12, inner);
    this.#y = y + height + 6;
  }

  fact(name: string, value: string): void {
    const style = digest.test(value) ? 'code' : 'strong';
    const valueLeft = left + nameWidth;
    const valueWidth = width - nameWidth;
    const height = Math.max(this.#height(name, 'name', nameWidth - 10), this.#height(value, style, valueWidth));
    this.#room(height + 6);
    const y = this.#y;
    this.#put(name, 'name', left, nameWidth - 10);
    this.#y = y;
    this.#put(value, style, valueLeft, valueWidth);
    this.#y = y + height + 3;
    this.#line(hairline, 0.5);
    this.#y += 3;
  }

  /** Lines that stay together, with a hairline under them. */
  item(lines: readonly (readonly [text: string, style: TextStyle])[]): void {
    const heights = lines.map(([text, style]) => this.#height(text, style, width) + styles[style].after);
    this.#room(heights.reduce((sum, height) => sum + height, 0) + 6);
    for (const [text, style] of lines) this.#put(text, style, left, width);
    this.#y += 2;
    this.#line(hairline, 0.5);
    this.#y += 4;
  }

  picture(given: SheetPicture): void {
    const { drawn, height, whole } = this.#layOut(given);
    this.#room(whole);
    if (typeof drawn === 'string') {
      this.#document.rect(left, this.#y, width, height).dash(4, { space: 3 }).lineWidth(1).stroke(hairline).undash();
      const y = this.#y;
      this.#y += 8;
      this.#put(drawn, 'name', left + 10, width - 20);
      this.#y = y + height + 3;
    } else {
      this.#document.image(drawn, left, this.#y, { width: (drawn.width * height) / drawn.height, height });
      this.#y += height + 3;
    }
    this.#put(given.caption, 'note', left, width);
    this.#y += 8;
  }

  /** A picture, or what is said in its place: how tall it is, and how tall with its caption. */
  #layOut({ caption, shown }: SheetPicture): { drawn: OpenedPicture | string; height: number; whole: number } {
    const under = this.#height(caption, 'note', width) + 14;
    const picture = shown.kind === 'picture' ? openPicture(this.#document, shown) : undefined;
    if (picture === undefined) {
      const says =
        shown.kind === 'words' ? shown.says : 'Not of a kind that is printed here; it is among the opened files.';
      const height = this.#height(says, 'name', width - 20) + 16;
      return { drawn: says, height, whole: height + under };
    }
    // Never larger than the page is wide, and a small picture at twice its size at most unless it says more, so that its pixels stay pixels.
    const most = shown.kind === 'picture' && shown.across !== undefined ? shown.across / picture.width : 2;
    const height = picture.height * Math.min(width / picture.width, tallestPicture / picture.height, most);
    return { drawn: picture, height, whole: height + under };
  }

  /** Numbers the pages and ends the document. */
  finish(): void {
    const { count } = this.#document.bufferedPageRange();
    for (let i = 0; i < count; i += 1) {
      this.#document.switchToPage(i);
      this.#y = bottom + 16;
      this.#put(`${this.#id} · page ${i + 1} of ${count}`, 'note', left, width);
    }
    this.#document.end();
  }

  #height(text: string, style: TextStyle, within: number): number {
    const { font, size } = styles[style];
    return this.#document.font(font).fontSize(size).heightOfString(brought(text), { width: within });
  }

  #put(text: string, style: TextStyle, x: number, within: number): void {
    const { font, size, colour, after } = styles[style];
    const height = this.#height(text, style, within);
    this.#document.font(font).fontSize(size).fillColor(colour).text(brought(text), x, this.#y, { width: within });
    this.#y += height + after;
  }

  #line(colour: string, thickness: number): void {
    this.#document
      .moveTo(left, this.#y)
      .lineTo(left + width, this.#y)
      .lineWidth(thickness)
      .stroke(colour);
  }

  /** A new page where less than this is left of the page. */
  #room(height: number): void {
    if (this.#y + height <= bottom || this.#y === top) return;
    this.#document.addPage();
    this.#y = top;
  }
}
