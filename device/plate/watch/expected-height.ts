import type { Box, ObjectClass } from '../../detect/detection.ts';

/** Height of a plate's characters, metres: those of a Mercosur plate. They range from 60 to 80 mm between countries. */
const CHARACTER = 0.065;

/** How wide and tall a vehicle of each class looks from the front or from behind, metres; absent what carries no plate. */
const sizes: Readonly<Partial<Record<ObjectClass, { readonly width: number; readonly height: number }>>> = {
  car: { width: 1.8, height: 1.5 },
  motorcycle: { width: 0.8, height: 1.6 },
  bus: { width: 2.5, height: 3 },
  truck: { width: 2.5, height: 3 },
};

/**
 * Height that the characters of a vehicle's plate may be expected to have in the picture, pixels: a rough figure that puts crops in order.
 * A box is wider where a vehicle shows its side, so the smaller scale of the two counts. Undefined for a class without plates.
 */
export function expectedHeight(objectClass: ObjectClass, { width, height }: Box): number | undefined {
  const size = sizes[objectClass];
  return size === undefined ? undefined : CHARACTER * Math.min(width / size.width, height / size.height);
}

/** True where the picture's edge cuts the vehicle at a side or below, where its plate may be. */
export function isCut(box: Box, picture: { readonly width: number; readonly height: number }): boolean {
  const edge = Math.max(2, 0.01 * box.width);
  return box.x < edge || box.x + box.width > picture.width - edge || box.y + box.height > picture.height - edge;
}
