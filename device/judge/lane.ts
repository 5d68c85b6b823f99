import type { Point } from '../scene/geometry.ts';
import { laneAt, type Scene } from '../scene/scene.ts';

/** Name of the lane under a point, for records. */
export const laneOf = (scene: Scene, point: Point): string | undefined => laneAt(scene, point)?.name;
