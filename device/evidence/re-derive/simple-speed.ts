/**
 * A speed by school mathematics, to hold the unit's own against: the middle of each box's lower edge is put on the road by the recorded
 * matrix, and a straight line is laid through the positions over time by ordinary least squares. No weights, no vehicle model, no
 * smoothing, and not one line of code in common with the unit's method: an error of that one does not come back in here.
 */

type Numbers = readonly number[];

export interface SimpleInput {
  readonly track: readonly {
    readonly frame: number;
    readonly elapsedMs: number;
    readonly intervalErrorMs: number;
    readonly measured: boolean;
    readonly use: string;
    readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  }[];
  /** Picture to road, nine numbers by rows, and the same moved along each of its eight independent errors. */
  readonly toRoad: Numbers;
  readonly deviations: readonly Numbers[];
  /** The lens that bends the picture before the matrix holds, and the same moved along its independent errors; absent for a straight one. */
  readonly lens?: SimpleLens & { readonly deviations: readonly (LensNumbers & { readonly toRoad: Numbers })[] };
  /** How far boxes reach below the wheels on average, as a share of their height. */
  readonly overshoot: number;
  /** First and last frame of the way that is measured. */
  readonly stretch: readonly [number, number];
}

interface LensNumbers {
  readonly k1: number;
  readonly k2: number;
}

interface SimpleLens extends LensNumbers {
  readonly centre: { readonly x: number; readonly y: number };
  readonly radius: number;
}

export type SimpleSpeed =
  | {
      readonly stated: true;
      readonly speedKmh: number;
      /** One standard uncertainty: the root of the sum of the squares of the parts. */
      readonly uncertaintyKmh: number;
      readonly parts: {
        /** Scatter of the positions about the line. */
        readonly scatterKmh: number;
        /** All lower edges off by a twentieth of the box's height the same way. */
        readonly edgeKmh: number;
        readonly mapKmh: number;
        readonly clockKmh: number;
      };
      readonly points: number;
      readonly wayM: number;
      readonly seconds: number;
    }
  | { readonly stated: false; readonly says: string };

/** Standard uncertainty of a lower edge against the wheels, as a share of the box's height. */
const edgeShare = 0.05;

/** States no speed for fewer than five boxes, or where a box stands on no road. */
export function simpleSpeed({ track, toRoad, deviations, lens, overshoot, stretch }: SimpleInput): SimpleSpeed {
  const [from, to] = stretch;
  const boxes = track.filter(({ frame, measured, use }) => measured && use === 'held' && frame >= from && frame <= to);
  const first = boxes[0];
  const last = boxes.at(-1);
  if (first === undefined || last === undefined || boxes.length < 5) {
    return { stated: false, says: `${boxes.length} boxes are too few for a line` };
  }
  const times = boxes.map(({ elapsedMs }) => (elapsedMs - first.elapsedMs) / 1000);
  const lineBy = (map: Numbers, overshot: number, glass: SimpleLens | undefined = lens): Line => {
    const road = boxes.map(({ box }) => {
      const [x, y] = seenStraight(glass, box.x + box.width / 2, box.y + box.height * (1 - overshot));
      return onRoad(map, x, y);
    });
    return lineThrough(times, road);
  };
  const line = lineBy(toRoad, overshoot);
  const seconds = (last.elapsedMs - first.elapsedMs) / 1000;
  if (!(line.speed > 0 && Number.isFinite(line.scatter))) return { stated: false, says: 'the boxes stand on no line' };
  const moved = (map: Numbers, overshot: number): number => lineBy(map, overshot).speed - line.speed;
  const otherLenses = (lens?.deviations ?? []).map(
    ({ toRoad: map, ...numbers }) => lineBy(map, overshoot, lens && { ...lens, ...numbers }).speed - line.speed,
  );
  const otherMaps = [...deviations.map((map) => moved(map, overshoot)), ...otherLenses];
  const clock = Math.max(first.intervalErrorMs, last.intervalErrorMs) / 1000;
  const edges = [moved(toRoad, overshoot + edgeShare), moved(toRoad, overshoot - edgeShare)];
  const parts = {
    scatterKmh: 3.6 * line.scatter,
    edgeKmh: 3.6 * Math.max(...edges.map(Math.abs)),
    mapKmh: 3.6 * Math.sqrt(otherMaps.reduce((sum, by) => sum + by ** 2, 0)),
    clockKmh: (3.6 * line.speed * clock) / seconds,
  };
  const uncertaintyKmh = Math.sqrt(Object.values(parts).reduce((sum, part) => sum + part * part, 0));
  if (!Number.isFinite(uncertaintyKmh)) return { stated: false, says: 'the map has no road under a box' };
  return {
    stated: true,
    speedKmh: 3.6 * line.speed,
    uncertaintyKmh,
    parts,
    points: boxes.length,
    wayM: line.speed * seconds,
    seconds,
  };
}

type Position = readonly [x: number, y: number];

/**
 * Where a point would be without the lens. The lens takes a point at r halves of the picture's diagonal from its centre to
 * r (1 + k1 r^2 + k2 r^4); the r that gives the delivered one is found by halving.
 */
function seenStraight(lens: SimpleLens | undefined, x: number, y: number): Position {
  if (lens === undefined) return [x, y];
  const [dx, dy] = [x - lens.centre.x, y - lens.centre.y];
  const delivered = Math.sqrt(dx * dx + dy * dy) / lens.radius;
  if (delivered === 0) return [x, y];
  let [near, far] = [0, 1];
  const at = (r: number): number => r * (1 + lens.k1 * r ** 2 + lens.k2 * r ** 4);
  while (at(far) < delivered && far < 1.6) far += 0.01;
  for (let half = 0; half < 60; half++) {
    const middle = (near + far) / 2;
    if (at(middle) < delivered) near = middle;
    else far = middle;
  }
  const share = near / delivered;
  return [lens.centre.x + dx * share, lens.centre.y + dy * share];
}

/** x' = (m0 x + m1 y + m2) / (m6 x + m7 y + m8), y' = (m3 x + m4 y + m5) / (m6 x + m7 y + m8). */
function onRoad([m0, m1, m2, m3, m4, m5, m6, m7, m8]: Numbers, x: number, y: number): Position {
  const row = (a = Number.NaN, b = Number.NaN, c = Number.NaN): number => a * x + b * y + c;
  const w = row(m6, m7, m8);
  return [row(m0, m1, m2) / w, row(m3, m4, m5) / w];
}

interface Line {
  /** Metres per second. */
  readonly speed: number;
  /** Standard error of the speed from the residuals along the way. */
  readonly scatter: number;
}

/** Slope = sum (t - mean t)(x - mean x) / sum (t - mean t)^2 of either coordinate; the speed is the length of the two. */
function lineThrough(times: Numbers, road: readonly Position[]): Line {
  const mean = (values: Numbers): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const t = mean(times);
  const centre = [0, 1].map((axis) => mean(road.map((position) => position[axis] ?? 0)));
  const spread = times.reduce((sum, time) => sum + (time - t) ** 2, 0);
  const slope = (axis: number): number =>
    times.reduce((sum, time, i) => sum + (time - t) * ((road[i]?.[axis] ?? 0) - (centre[axis] ?? 0)), 0) / spread;
  const [vx, vy] = [slope(0), slope(1)];
  const speed = Math.sqrt(vx * vx + vy * vy);
  const squares = times.reduce((sum, time, i) => {
    const dx = (road[i]?.[0] ?? 0) - (centre[0] ?? 0) - vx * (time - t);
    const dy = (road[i]?.[1] ?? 0) - (centre[1] ?? 0) - vy * (time - t);
    return sum + ((dx * vx + dy * vy) / speed) ** 2;
  }, 0);
  return { speed, scatter: Math.sqrt(squares / (times.length - 2) / spread) };
}
