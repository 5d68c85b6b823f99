import { type Pixels, scalePicture } from './scale-picture.ts';
import { joinedLines, regionsOf, type TextRegion } from './text-regions.ts';
import { type Extent, workingSize } from './working-size.ts';

/** What the search needs of the network. */
export interface ProbabilityMap {
  find(picture: Uint8Array, width: number, height: number): Promise<Float32Array>;
}

/** A glance finds most plates; a close look is for those whose characters it left too small. */
export const looks = {
  glance: { longest: 448, enlargement: 2 },
  close: { longest: 736, enlargement: 2.5 },
} as const;
export type Look = keyof typeof looks;

/** The size at which a crop is searched; the same for both looks where a crop is small. */
export const sizeFor = (crop: Extent, look: Look): Extent =>
  workingSize(crop, looks[look].longest, looks[look].enlargement);

/** The text regions of a crop, broken lines also joined, in pixels of the crop. Rejects with what the network rejects with. */
export async function findText(finder: ProbabilityMap, crop: Pixels, look: Look): Promise<readonly TextRegion[]> {
  const size = sizeFor(crop, look);
  const map = await finder.find(scalePicture(crop, size.width, size.height), size.width, size.height);
  const pieces = regionsOf(map, size, crop);
  return [...pieces, ...joinedLines(pieces)];
}
