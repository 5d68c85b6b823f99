import type { SceneDocument } from './scene-schema.ts';

/** Fields without a place in the picture. */
const placeless: ReadonlySet<string> = new Set([
  'name',
  'picture',
  'timeZone',
  'plates',
] satisfies (keyof SceneDocument)[]);

/**
 * Whether a scene has a place in a picture: a point, a line, an area, a calibration. One that has none fits pictures of every size and shape,
 * and judges nothing; a unit that nobody has drawn a scene for yet runs with such a one.
 */
export function isDrawn(scene: SceneDocument): boolean {
  return Object.keys(scene).some((field) => !placeless.has(field));
}
