import type { Homography } from './homography.ts';

/** Where the camera stands: metres on the road, and above it. */
export interface Viewpoint {
  readonly x: number;
  readonly y: number;
  readonly above: number;
}

/** Roadside cameras stand between these heights; anything else is a calibration that does not tell. */
const lowest = 1;
const highest = 60;

/**
 * The camera's place from the road-to-picture homography of a camera with square pixels whose axis meets the middle of the picture: the
 * focal length follows from the two constraints on the image of the absolute conic, and the columns of the homography are then the
 * rotation and the translation (Zhang, A flexible new technique for camera calibration, 2000, sections 2.3 and 3.1). `undefined` where the
 * constraints give no focal length, as for a view from straight above, or an impossible height.
 */
export function viewpointOf(
  toImage: Homography,
  picture: { readonly width: number; readonly height: number },
): Viewpoint | undefined {
  const [cx, cy] = [picture.width / 2, picture.height / 2];
  const column = (i: 0 | 1 | 2): readonly [number, number, number] => {
    const w = toImage[(6 + i) as 6 | 7 | 8];
    return [toImage[i] - cx * w, toImage[(3 + i) as 3 | 4 | 5] - cy * w, w];
  };
  const [h1, h2, h3] = [column(0), column(1), column(2)];
  const a1 = h1[0] * h2[0] + h1[1] * h2[1];
  const b1 = h1[2] * h2[2];
  const a2 = (h1[0] ** 2 + h1[1] ** 2 - h2[0] ** 2 - h2[1] ** 2) / 2;
  const b2 = (h1[2] ** 2 - h2[2] ** 2) / 2;
  const inverseSquare = -(a1 * b1 + a2 * b2) / (a1 * a1 + a2 * a2);
  if (!(inverseSquare > 0)) return undefined;
  const focal = 1 / Math.sqrt(inverseSquare);
  const ray = ([x, y, z]: readonly [number, number, number]): readonly [number, number, number] => [
    x / focal,
    y / focal,
    z,
  ];
  const [r1, r2, t] = [ray(h1), ray(h2), ray(h3)];
  const length = Math.sqrt(Math.hypot(...r1) * Math.hypot(...r2));
  const inner = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  const r3 = [r1[1] * r2[2] - r1[2] * r2[1], r1[2] * r2[0] - r1[0] * r2[2], r1[0] * r2[1] - r1[1] * r2[0]];
  const above = Math.abs(inner(r3, t)) / length ** 3;
  if (!(above >= lowest && above <= highest)) return undefined;
  return { x: -inner(r1, t) / length ** 2, y: -inner(r2, t) / length ** 2, above };
}
