/** An axis-parallel box in unit coordinates of a picture: 0,0 is its top left corner, 1,1 its bottom right one. */
export interface UnitBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Area; 0 for a box that is turned inside out. */
export function area(box: UnitBox): number {
  return Math.max(0, box.right - box.left) * Math.max(0, box.bottom - box.top);
}

/** Intersection over union, 0 to 1; 0 where they share no area. */
export function intersectionOverUnion(a: UnitBox, b: UnitBox): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  if (shared === 0) return 0;
  return shared / (area(a) + area(b) - shared);
}
