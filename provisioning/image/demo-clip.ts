import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { AtalayaError } from '../../device/kernel/errors.ts';

/** Of the sources: paths from the root of the program. */
const clip = 'device/capture/street/street.mjpeg';
const scene = 'provisioning/image/demo/street.yaml';

/** Names in the folder of the demonstration. */
const shorter = 'street.mjpeg';
const itsScene = 'street.yaml';

/** Of 15 frames a second one in so many: enough to follow the vehicles of the street. */
const oneIn = 3;
/** Pixels. The scene is scaled to what its source delivers. */
const width = 640;

/** Writes the demonstration into a folder: its clip, 640x360 at five frames a second, and its scene. */
export async function writeDemonstration(source: string, folder: string): Promise<void> {
  const times = JSON.parse(readFileSync(join(source, `${clip}.times.json`), 'utf8')) as { readonly times: number[] };
  const pictures = splitPictures(readFileSync(join(source, clip)));
  if (pictures.length !== times.times.length) {
    throw new AtalayaError(
      'source-truncated',
      `${clip} has ${pictures.length} pictures and ${times.times.length} times`,
    );
  }
  const kept = <T>(all: readonly T[]): T[] => all.filter((_, index) => index % oneIn === 0);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(source, scene), join(folder, itsScene));
  const small = kept(pictures).map((picture) => sharp(picture).resize(width).jpeg({ quality: 80 }).toBuffer());
  writeFileSync(join(folder, shorter), Buffer.concat(await Promise.all(small)));
  writeFileSync(join(folder, `${shorter}.times.json`), `${JSON.stringify({ ...times, times: kept(times.times) })}\n`);
}

/** JPEG pictures that lie one after the other, none with another one in its metadata: the end of one and the beginning of the next. */
export function splitPictures(bytes: Buffer): readonly Buffer[] {
  const seam = Buffer.from([0xff, 0xd9, 0xff, 0xd8]);
  const pictures: Buffer[] = [];
  for (let from = 0; from < bytes.byteLength; ) {
    const found = bytes.indexOf(seam, from);
    const end = found === -1 ? bytes.byteLength : found + 2;
    pictures.push(bytes.subarray(from, end));
    from = end;
  }
  return pictures;
}
