import { distance, type Point, selfCrossing, signedArea } from './geometry.ts';
import type { SceneDocument } from './scene-schema.ts';

/** A fault of a scene, named by its place in the file (`lanes[2].polygon`). */
export interface SceneFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Everything about a scene that its schema cannot say: geometry, names, references, schedules. Empty where all is well. */
export function checkScene(scene: SceneDocument): readonly SceneFault[] {
  const faults: SceneFault[] = [];
  const fault = (path: readonly (string | number)[], message: string): void => void faults.push({ path, message });
  const inside = (path: readonly (string | number)[], points: readonly Point[], single = false): void => {
    for (const [i, { x, y }] of points.entries()) {
      // The far edges count as inside: a polygon that covers the picture is drawn with its size.
      if (x >= 0 && y >= 0 && x <= scene.picture.width && y <= scene.picture.height) continue;
      fault(
        single ? path : [...path, i],
        `(${x}, ${y}) lies outside the picture of ${scene.picture.width} x ${scene.picture.height}`,
      );
    }
  };
  const outline = (path: readonly (string | number)[], points: readonly Point[]): void => {
    inside(path, points);
    const crossed = selfCrossing(points);
    if (crossed !== undefined) {
      fault(
        path,
        `sides ${crossed[0] + 1} and ${crossed[1] + 1} of the outline cross: give the corners in order around the area`,
      );
    } else if (Math.abs(signedArea(points)) < 1) fault(path, 'the outline encloses no area');
  };
  const line = (path: readonly (string | number)[], points: readonly Point[]): void => {
    inside(path, points);
    for (const [i, point] of points.entries()) {
      const before = points[i - 1];
      if (before !== undefined && distance(before, point) < 1)
        fault([...path, i], 'stands on the point before it: the way has no direction here');
    }
  };

  for (const list of ['lanes', 'signals', 'stopLines', 'countingLines', 'noStopping', 'boxJunctions'] as const) {
    const seen = new Set<string>();
    for (const [i, { name }] of (scene[list] ?? []).entries()) {
      if (seen.has(name)) fault([list, i, 'name'], `the name ${name} is used twice`);
      seen.add(name);
    }
  }
  for (const [i, lane] of (scene.lanes ?? []).entries()) {
    outline(['lanes', i, 'polygon'], lane.polygon);
    if (lane.direction !== undefined) line(['lanes', i, 'direction'], lane.direction);
  }
  for (const [i, stop] of (scene.stopLines ?? []).entries()) {
    line(['stopLines', i, 'points'], stop.points);
    line(['stopLines', i, 'direction'], stop.direction);
    if (sineBetween(stop.points, stop.direction) < leastCrossing) {
      fault(
        ['stopLines', i, 'direction'],
        'runs along the stop line, so nobody would ever pass it: draw it in the way of the traffic',
      );
    }
    if (!scene.signals?.some((head) => head.name === stop.signal)) {
      fault(['stopLines', i, 'signal'], `there is no signal head ${stop.signal} in \`signals\``);
    }
    for (const [j, name] of (stop.lanes ?? []).entries()) {
      if (!scene.lanes?.some((lane) => lane.name === name))
        fault(['stopLines', i, 'lanes', j], `there is no lane ${name} in \`lanes\``);
    }
  }
  for (const [i, one] of (scene.countingLines ?? []).entries()) {
    line(['countingLines', i, 'points'], one.points);
    if ((one.directions?.left ?? 'left') === (one.directions?.right ?? 'right')) {
      fault(['countingLines', i, 'directions'], 'the two ways have the same name');
    }
  }
  for (const list of ['noStopping', 'boxJunctions'] as const) {
    for (const [i, zone] of (scene[list] ?? []).entries()) outline([list, i, 'polygon'], zone.polygon);
  }
  for (const [i, area] of (scene.ignore ?? []).entries()) outline(['ignore', i], area);
  if (Array.isArray(scene.regions)) {
    for (const [i, { x, y, width, height }] of scene.regions.entries()) {
      inside(
        ['regions', i],
        [
          { x, y },
          { x: x + width, y: y + height },
        ],
      );
    }
  }
  for (const [i, format] of (scene.plates?.formats ?? []).entries()) {
    if (scene.plates?.formats.indexOf(format) !== i) fault(['plates', 'formats', i], `${format} is named twice`);
  }
  if (scene.speed?.area !== undefined) outline(['speed', 'area'], scene.speed.area);
  for (const [i, pair] of (scene.calibration?.points ?? []).entries()) {
    inside(['calibration', 'points', i, 'image'], [pair.image], true);
  }
  const limited = (scene.lanes ?? []).findIndex((lane) => lane.limitKmh !== undefined);
  if (scene.speed !== undefined && scene.calibration === undefined) {
    fault(['speed'], 'speed is measured in metres: `calibration` is missing');
  }
  if (limited >= 0 && scene.speed === undefined) {
    fault(['lanes', limited, 'limitKmh'], 'a limit needs `speed` (and `calibration`)');
  }
  for (const [i, head] of (scene.signals ?? []).entries()) {
    if ('input' in head.phases && head.phases.input.red === undefined) {
      const path = ['signals', i, 'phases', 'input', 'red'];
      fault(path, 'the input line that is active at red is missing: without it nobody is ever accused');
    }
    if (!('schedule' in head.phases)) continue;
    const spans = head.phases.schedule.map((span, at) => ({ ...span, at })).sort((a, b) => a.from - b.from);
    for (const [k, span] of spans.entries()) {
      const before = spans[k - 1];
      if (before !== undefined && before.to > span.from) {
        fault(
          ['signals', i, 'phases', 'schedule', span.at],
          `${span.phase} from ${span.from} s overlaps ${before.phase} until ${before.to} s`,
        );
      }
    }
  }
  if (scene.timeZone !== undefined && !isTimeZone(scene.timeZone))
    fault(['timeZone'], `${scene.timeZone} is no time zone`);
  return faults;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/** Sine of the flattest angle at which traffic may cross a stop line in the picture: about 10 degrees. */
const leastCrossing = 0.17;

/** Sine of the angle between the chords of two lines; 1 where one of them has none, which is another fault. */
function sineBetween(a: readonly Point[], b: readonly Point[]): number {
  const chord = (points: readonly Point[]) => {
    const [first, last] = [points[0], points.at(-1)];
    return first === undefined || last === undefined ? { x: 0, y: 0 } : { x: last.x - first.x, y: last.y - first.y };
  };
  const [u, v] = [chord(a), chord(b)];
  const lengths = Math.hypot(u.x, u.y) * Math.hypot(v.x, v.y);
  return lengths === 0 ? 1 : Math.abs(u.x * v.y - u.y * v.x) / lengths;
}
