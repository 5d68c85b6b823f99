import type { Point } from '../../scene/geometry.ts';

/** A connected piece of the probability map. */
export interface Component {
  /** Outer corners of its outermost pixels in each row: enough for its convex hull. */
  readonly outline: readonly Point[];
  /** Pixels. */
  readonly area: number;
  /** Mean probability of its pixels. */
  readonly score: number;
}

/** Pixels of one row that stand side by side: `left` to `right`, `right` itself left out. */
interface Run {
  readonly row: number;
  readonly left: number;
  readonly right: number;
  /** Sum of their probabilities. */
  readonly sum: number;
  /** A run of the same piece that was found no later; itself where none is known. */
  piece: Run;
  readonly index: number;
}

/**
 * Connected components (8 neighbours) of the pixels at or above `threshold` in a map of `width` x `height`, largest first, at most `most`;
 * those below `leastArea` are left out. Each pixel is looked at once: runs of a row are joined with those that they touch in the row above.
 */
export function componentsOf(
  map: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
  { threshold, leastArea, most }: { readonly threshold: number; readonly leastArea: number; readonly most: number },
): readonly Component[] {
  const runs: Run[] = [];
  let above = 0;
  for (let row = 0; row < height; row += 1) {
    const first = runs.length;
    addRuns(map, row, width, threshold, runs);
    joinRows(runs, above, first);
    above = first;
  }
  const pieces = Map.groupBy(runs, pieceOf);
  return [...pieces.values()]
    .map(componentOf)
    .filter(({ area }) => area >= leastArea)
    .sort((a, b) => b.area - a.area)
    .slice(0, most);
}

function addRuns(map: Float32Array, row: number, width: number, threshold: number, runs: Run[]): void {
  const [start, end] = [row * width, (row + 1) * width];
  for (let at = start; at < end; at += 1) {
    if (!(map[at]! >= threshold)) continue;
    const left = at;
    let sum = 0;
    for (; at < end && map[at]! >= threshold; at += 1) sum += map[at]!;
    runs.push(runOf(row, left - start, at - start, sum, runs.length));
  }
}

function runOf(row: number, left: number, right: number, sum: number, index: number): Run {
  const run = { row, left, right, sum, index } as Omit<Run, 'piece'> & { piece: Run };
  run.piece = run;
  return run;
}

/** Joins the runs from `first` on, of one row, with those from `above` to `first`, of the row before, that touch them. */
function joinRows(runs: readonly Run[], above: number, first: number): void {
  let upper = above;
  for (let lower = first; lower < runs.length; lower += 1) {
    const run = runs[lower]!;
    // One that ends left of this one can still touch none of the next.
    while (upper < first && runs[upper]!.right < run.left) upper += 1;
    for (let i = upper; i < first && runs[i]!.left <= run.right; i += 1) join(runs[i]!, run);
  }
}

function join(one: Run, other: Run): void {
  const [a, b] = [pieceOf(one), pieceOf(other)];
  if (a.index < b.index) b.piece = a;
  else a.piece = b;
}

/** The first run of the same piece. */
function pieceOf(run: Run): Run {
  let one = run;
  while (one.piece !== one) {
    one.piece = one.piece.piece;
    one = one.piece;
  }
  return one;
}

/** Of runs in order of their rows. */
function componentOf(runs: readonly Run[]): Component {
  const top = runs[0]!.row;
  const rows = runs.at(-1)!.row - top + 1;
  const leftmost = new Float64Array(rows + 1).fill(Number.POSITIVE_INFINITY);
  const rightmost = new Float64Array(rows + 1).fill(Number.NEGATIVE_INFINITY);
  let [area, sum] = [0, 0];
  for (const { row, left, right, sum: own } of runs) {
    area += right - left;
    sum += own;
    // A pixel has corners on the line above it and on that below.
    for (let line = row - top; line <= row - top + 1; line += 1) {
      leftmost[line] = Math.min(leftmost[line]!, left);
      rightmost[line] = Math.max(rightmost[line]!, right);
    }
  }
  const outline: Point[] = [];
  for (let line = 0; line <= rows; line += 1)
    outline.push({ x: leftmost[line]!, y: top + line }, { x: rightmost[line]!, y: top + line });
  return { outline, area, score: sum / area };
}
