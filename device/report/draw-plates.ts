import sharp from 'sharp';
import { outline, tag } from '../evidence/pictures/annotate.ts';
import { textHeight, textPath, textWidth } from '../evidence/pictures/pixel-font.ts';

import type { PlateSight, Quad, VehicleCrop } from '../plate/plate-reader.ts';
import { writeDrawing } from './write-drawing.ts';

/** Narrower crops are enlarged to about this, so that a person sees the characters. */
const WIDTH = 900;
const GROUND = '#000';
const COLOURS = { read: '#40ff40', rejected: '#ff8c00' } as const;

interface Note {
  readonly quad: Quad;
  readonly colour: string;
  readonly says: string;
}

/**
 * One vehicle with every text region that was found on it, numbered, and below it what became of each. A PNG; the plate's text stands in
 * the picture, never in its name.
 *
 * Throws `usage-invalid` where the file cannot be written, `store-full` where the disk has no room.
 */
export async function drawPlates(crop: VehicleCrop, sight: PlateSight, path: string): Promise<void> {
  const { width, height, data } = crop.pixels;
  const zoom = Math.max(1, Math.min(6, Math.floor(WIDTH / width)));
  const [shownWidth, shownHeight] = [width * zoom, height * zoom];
  const notes = notesOf(sight);
  const scale = Math.max(1, Math.round(shownWidth / 450));
  const rows = notes.length === 0 ? ['no text was found'] : notes.map(({ says }, i) => `${i + 1} ${says}`);
  const rowHeight = textHeight(scale) + 3 * scale;
  const strip = rows.length * rowHeight + 2 * scale;
  const shapes = [
    ...notes.map(({ quad, colour }, i) => {
      const points = quad.map(({ x, y }) => ({ x: (x - crop.origin.x) * zoom, y: (y - crop.origin.y) * zoom }));
      const first = points[0] ?? { x: 0, y: 0 };
      const label = tag(String(i + 1), first.x, first.y - textHeight(scale) - 3 * scale, colour, scale);
      return outline({ name: '', points, closed: true }, scale, colour) + label;
    }),
    `<rect x="0" y="${shownHeight}" width="${shownWidth}" height="${strip}" fill="${GROUND}"/>`,
    ...rows.map((row, i) => {
      const fitting = Math.max(
        1,
        Math.min(scale, Math.floor((shownWidth - 4 * scale) / Math.max(1, textWidth(row, 1)))),
      );
      const path = textPath(row, 2 * scale, shownHeight + 2 * scale + i * rowHeight, fitting);
      return `<path d="${path}" fill="${notes[i]?.colour ?? '#fff'}"/>`;
    }),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${shownWidth}" height="${shownHeight + strip}">${shapes.join('')}</svg>`;
  // Enlarged first: sharp would lay the drawing over the picture before it resizes.
  const enlarged = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(shownWidth, shownHeight, { kernel: 'lanczos3' })
    .extend({ bottom: strip, background: GROUND })
    .png()
    .toBuffer();
  const png = await sharp(enlarged)
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
  await writeDrawing(path, png, 'Give --annotated a folder that has room and that you may write to.');
}

function notesOf({ read, rejected }: PlateSight): Note[] {
  const pixels = (height: number) => `${Math.round(height)} px`;
  const notes: Note[] = rejected.map(({ quad, reason, text, confidence, characterHeight }) => ({
    quad,
    colour: COLOURS.rejected,
    says: `${reason.replaceAll('-', ' ')}: ${text === '' ? 'nothing legible' : text} ${confidence.toFixed(2)}, ${pixels(characterHeight)}`,
  }));
  if (read !== undefined) {
    const { quad, text, format, confidence, characterHeight } = read;
    notes.unshift({
      quad,
      colour: COLOURS.read,
      says: `read: ${text} ${format} ${confidence.toFixed(2)}, ${pixels(characterHeight)}`,
    });
  }
  return notes;
}
