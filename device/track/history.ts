import type { TrackPoint } from './track.ts';

/**
 * Shortens a history that has grown beyond `limit` points. The newest `limit / 2` stay as they are. Of the older ones the predicted go
 * and every second of the measured; the very first stays. Applied each time the limit is passed, the spacing doubles with age, so that
 * a vehicle that stands for hours costs no more than one that stands for a minute.
 */
export function thinOut<Point extends TrackPoint>(points: readonly Point[], limit: number): readonly Point[] {
  if (points.length <= limit) return points;
  const recent = points.length - Math.floor(limit / 2);
  const old = points.slice(0, recent).filter((point, index) => point.measured || index === 0);
  return [...old.filter((_, index) => index % 2 === 0), ...points.slice(recent)];
}

/** The history up to the last measured point: what was predicted after it was never confirmed by anything. */
export function withoutTail(points: readonly TrackPoint[]): readonly TrackPoint[] {
  const last = points.findLastIndex((point) => point.measured);
  return points.slice(0, last + 1);
}

/**
 * Speed over the last `window` ms, in px/s: the way between the means of the measured points in its older and its newer half, over the
 * time between those means. A mean over many boxes is steadier than any filter that must also follow a braking car.
 *
 * @returns undefined where the measured points span less than four fifths of the window
 */
export function recentSpeed(points: readonly TrackPoint[], window: number): number | undefined {
  const end = points.at(-1)?.time.elapsed;
  if (end === undefined) return undefined;
  const older = { x: 0, y: 0, time: 0, count: 0 };
  const newer = { x: 0, y: 0, time: 0, count: 0 };
  let first: number = end;
  for (let i = points.length - 1; i >= 0; i--) {
    const point = points[i];
    if (point === undefined || end - point.time.elapsed > window) break;
    if (!point.measured) continue;
    first = point.time.elapsed;
    const half = end - point.time.elapsed > window / 2 ? older : newer;
    half.x += point.box.x + point.box.width / 2;
    half.y += point.box.y + point.box.height / 2;
    half.time += point.time.elapsed - end;
    half.count++;
  }
  if (end - first < 0.8 * window || older.count === 0 || newer.count === 0) return undefined;
  const seconds = (newer.time / newer.count - older.time / older.count) / 1000;
  const dx = newer.x / newer.count - older.x / older.count;
  const dy = newer.y / newer.count - older.y / older.count;
  return Math.hypot(dx, dy) / seconds;
}
