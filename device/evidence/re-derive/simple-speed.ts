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
  /** How far boxes reach below the wheels on average, as a share of their height. */
  readonly overshoot: number;
  /** First and last frame of the way that is measured. */
  readonly stretch: readonly [number, number];
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
export function simpleSpeed({ track, toRoad, deviations, overshoot, stretch }: SimpleInput): SimpleSpeed {
  const [from, to] = stretch;
  const boxes = track.filter(({ frame, measured, use }) => measured && use === 'held' && frame >= from && frame <= to);
  const first = boxes[0];
  const last = boxes.at(-1);
  if (first === undefined || last === undefined || boxes.length < 5) {
    return { stated: false, says: `${boxes.length} boxes are too few for a line` };
  }
  const times = boxes.map(({ elapsedMs }) => (elapsedMs - first.elapsedMs) / 1000);
  const lineBy = (map: Numbers, overshot: number): Line => {
    const road = boxes.map(({ box }) => onRoad(map, box.x + box.width / 2, box.y + box.height * (1 - overshot)));
    return lineThrough(times, road);
  };
  const line = lineBy(toRoad, overshoot);
  const seconds = (last.elapsedMs - first.elapsedMs) / 1000;
  if (!(line.speed > 0 && Number.isFinite(line.scatter))) return { stated: false, says: 'the boxes stand on no line' };
  const moved = (map: Numbers, overshot: number): number => lineBy(map, overshot).speed - line.speed;
  const clock = Math.max(first.intervalErrorMs, last.intervalErrorMs) / 1000;
  const edges = [moved(toRoad, overshoot + edgeShare), moved(toRoad, overshoot - edgeShare)];
  const parts = {
    scatterKmh: 3.6 * line.scatter,
    edgeKmh: 3.6 * Math.max(...edges.map(Math.abs)),
    mapKmh: 3.6 * Math.sqrt(deviations.reduce((sum, map) => sum + moved(map, overshoot) ** 2, 0)),
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
