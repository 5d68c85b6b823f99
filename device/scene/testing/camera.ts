import type { Box } from '../../detect/detection.ts';
import type { Point } from '../geometry.ts';

/** A pinhole camera over a flat road, for tests: what it projects is exact, so everything measured from it can be held against it. */
export interface TestCamera {
  readonly width: number;
  readonly height: number;
  /** Pixels. */
  readonly focal: number;
  /** Metres above the road. */
  readonly above: number;
  /** Downward angle of the optical axis, radians. */
  readonly pitch: number;
  /** Turn of the optical axis to the right of the road's y axis, radians. */
  readonly yaw: number;
  readonly at: Point;
}

export const testCamera: TestCamera = {
  width: 1280,
  height: 720,
  focal: 1500,
  above: 6.5,
  pitch: 0.2,
  yaw: 0,
  at: { x: 0, y: 0 },
};

/** Pixels of a point in the world: x and y on the road, z above it, metres. */
export function project(camera: TestCamera, x: number, y: number, z = 0): Point {
  const dx = x - camera.at.x;
  const dy = y - camera.at.y;
  const right = dx * Math.cos(camera.yaw) - dy * Math.sin(camera.yaw);
  const ahead = dx * Math.sin(camera.yaw) + dy * Math.cos(camera.yaw);
  const below = camera.above - z;
  const depth = ahead * Math.cos(camera.pitch) + below * Math.sin(camera.pitch);
  const down = below * Math.cos(camera.pitch) - ahead * Math.sin(camera.pitch);
  return {
    x: camera.width / 2 + (camera.focal * right) / depth,
    y: camera.height / 2 + (camera.focal * down) / depth,
  };
}

/** Length, width and height of a body in metres. */
export interface Body {
  readonly length: number;
  readonly width: number;
  readonly height: number;
}

export const carBody: Body = { length: 4.4, width: 1.8, height: 1.45 };

/**
 * The box of a body whose middle stands at (x, y) and that looks along `heading` (radians, anticlockwise from x): its lower edge is that of
 * the wheels, which stand 0.8 m inside the bumpers.
 */
export function boxOf(camera: TestCamera, x: number, y: number, heading: number, body: Body = carBody): Box {
  const xs: number[] = [];
  const ys: number[] = [];
  const corner = (ahead: number, left: number, z: number): Point =>
    project(
      camera,
      x + ahead * Math.cos(heading) - left * Math.sin(heading),
      y + ahead * Math.sin(heading) + left * Math.cos(heading),
      z,
    );
  for (const side of [-1, 1]) {
    for (const end of [-1, 1]) {
      for (const z of [0.4, body.height]) {
        const point = corner((end * body.length) / 2, (side * body.width) / 2, z);
        xs.push(point.x);
        ys.push(point.y);
      }
      const wheel = corner(end * (body.length / 2 - 0.8), side * (body.width / 2 - 0.1), 0);
      xs.push(wheel.x);
      ys.push(wheel.y);
    }
  }
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { x: left, y: top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** Deterministic numbers from 0 to 1 (mulberry32), and normal ones made of them. */
export function randomNumbers(seed: number): { uniform(): number; normal(): number } {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
