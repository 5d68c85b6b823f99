import type PDFDocument from 'pdfkit';
import type { SheetPicture } from './sheet-model.ts';

type Shown = Extract<SheetPicture['shown'], { readonly kind: 'picture' }>;

export interface OpenedPicture {
  readonly width: number;
  readonly height: number;
}

/** What the document can do with pictures; its published types leave it out. */
export type Document = InstanceType<typeof PDFDocument> & {
  openImage(content: Buffer): OpenedPicture;
  image(picture: OpenedPicture, x: number, y: number, size: { width: number; height: number }): unknown;
};

/** The picture as the document takes it over; undefined where it is not one that it can hold as it is. */
export function openPicture(document: Document, { mediaType, content }: Shown): OpenedPicture | undefined {
  if (mediaType === 'image/png' && !isPlainPng(content)) return undefined;
  try {
    const picture = document.openImage(content);
    return picture.width > 0 && picture.height > 0 ? picture : undefined;
  } catch {
    return undefined;
  }
}

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const palette = 3;
const alpha = 4;

/**
 * Whether a PNG's pixels go into a PDF as they are: no palette, no alpha, not interlaced. Others are decoded by the PDF library, which
 * throws out of reach where they are damaged; the unit writes none.
 */
function isPlainPng(content: Buffer): boolean {
  if (content.byteLength < 33 || !content.subarray(0, 8).equals(signature)) return false;
  const colours = content.readUInt8(25);
  const interlaced = content.readUInt8(28);
  return colours !== palette && (colours & alpha) === 0 && interlaced === 0 && !content.includes('tRNS');
}
