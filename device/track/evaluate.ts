import type { Box } from '../detect/detection.ts';
import { assign } from './assign.ts';
import { iou } from './boxes.ts';

/** One road user's box in one frame, true or computed. */
export interface Observation {
  readonly frame: number;
  readonly id: number;
  readonly box: Box;
}

/**
 * How well identities are kept: Ristani, Solera, Zou, Cucchiara, Tomasi, "Performance Measures and a Data Set for Multi-Target,
 * Multi-Camera Tracking", 2016, section 3.1. True and computed trajectories are paired one to one over the whole sequence so that the
 * fewest boxes are wrong; counts are of boxes.
 */
export interface IdentityScore {
  readonly idtp: number;
  readonly idfp: number;
  readonly idfn: number;
  readonly idPrecision: number;
  readonly idRecall: number;
  /** 2 idtp / (2 idtp + idfp + idfn); 1 where there is nothing to find and nothing was found. */
  readonly idf1: number;
}

/** @param leastIou IoU from which a computed box covers a true one */
export function identityScore(
  truth: readonly Observation[],
  computed: readonly Observation[],
  leastIou = 0.5,
): IdentityScore {
  const trueIds = [...new Set(truth.map((o) => o.id))];
  const computedIds = [...new Set(computed.map((o) => o.id))];
  const rows = indexOf(trueIds);
  const columns = indexOf(computedIds);
  const shared = new Float64Array(trueIds.length * computedIds.length);
  const computedAt = byFrame(computed);
  for (const t of truth) {
    for (const c of computedAt.get(t.frame) ?? []) {
      if (iou(t.box, c.box) < leastIou) continue;
      const cell = (rows.get(t.id) ?? 0) * computedIds.length + (columns.get(c.id) ?? 0);
      shared[cell] = (shared[cell] ?? 0) + 1;
    }
  }
  // A pair saves its shared boxes from being false both ways, so the least error is the most shared boxes.
  const pairs = assign(
    shared.map((boxes) => -boxes),
    trueIds.length,
    computedIds.length,
    0,
  );
  const idtp = pairs.reduce((sum, { row, column }) => sum + (shared[row * computedIds.length + column] ?? 0), 0);
  const idfp = computed.length - idtp;
  const idfn = truth.length - idtp;
  return {
    idtp,
    idfp,
    idfn,
    idPrecision: ratio(idtp, computed.length),
    idRecall: ratio(idtp, truth.length),
    idf1: ratio(2 * idtp, truth.length + computed.length),
  };
}

/**
 * The CLEAR MOT measures: Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance", EURASIP Journal on Image and
 * Video Processing 2008, section 2.1. A correspondence of the frame before is kept as long as it is valid; the rest is paired anew.
 */
export interface ClearScore {
  readonly misses: number;
  readonly falsePositives: number;
  /** Times a true road user's computed id differs from the one it last had. */
  readonly switches: number;
  /** 1 - (misses + falsePositives + switches) / true boxes; may be negative, and is -Infinity where boxes were computed and none is true. */
  readonly mota: number;
  /** Mean IoU of the pairs (1 is perfect). */
  readonly motp: number;
}

/** @param leastIou IoU from which a computed box corresponds to a true one */
export function clearScore(
  truth: readonly Observation[],
  computed: readonly Observation[],
  leastIou = 0.5,
): ClearScore {
  const trueAt = byFrame(truth);
  const computedAt = byFrame(computed);
  const frames = [...new Set([...trueAt.keys(), ...computedAt.keys()])].sort((a, b) => a - b);
  const lastId = new Map<number, number>();
  let paired = 0;
  let overlap = 0;
  let switches = 0;
  for (const frame of frames) {
    for (const { true: t, computed: c } of correspond(
      trueAt.get(frame) ?? [],
      computedAt.get(frame) ?? [],
      lastId,
      leastIou,
    )) {
      paired++;
      overlap += iou(t.box, c.box);
      const last = lastId.get(t.id);
      if (last !== undefined && last !== c.id) switches++;
      lastId.set(t.id, c.id);
    }
  }
  const misses = truth.length - paired;
  const falsePositives = computed.length - paired;
  return {
    misses,
    falsePositives,
    switches,
    mota:
      truth.length === 0
        ? computed.length === 0
          ? 1
          : -Infinity
        : 1 - (misses + falsePositives + switches) / truth.length,
    motp: ratio(overlap, paired),
  };
}

interface Correspondence {
  readonly true: Observation;
  readonly computed: Observation;
}

/** Correspondences of one frame: kept ones first, then the pairing of the rest that covers most. */
function correspond(
  truth: readonly Observation[],
  computed: readonly Observation[],
  lastId: ReadonlyMap<number, number>,
  leastIou: number,
): readonly Correspondence[] {
  const kept = truth.flatMap((t) => {
    const c = computed.find((o) => o.id === lastId.get(t.id));
    return c !== undefined && iou(t.box, c.box) >= leastIou ? [{ true: t, computed: c }] : [];
  });
  const single = kept.filter((pair, i) => kept.findIndex((other) => other.computed === pair.computed) === i);
  const freeTrue = truth.filter((t) => !single.some((pair) => pair.true === t));
  const freeComputed = computed.filter((c) => !single.some((pair) => pair.computed === c));
  const costs = new Float64Array(freeTrue.length * freeComputed.length);
  freeTrue.forEach((t, row) => {
    freeComputed.forEach((c, column) => {
      const overlap = iou(t.box, c.box);
      costs[row * freeComputed.length + column] = overlap >= leastIou ? 1 - overlap : Infinity;
    });
  });
  // Leaving one alone costs more than all pairs together, so that as many as possible are paired.
  const fresh = assign(costs, freeTrue.length, freeComputed.length, freeTrue.length + 1).flatMap(({ row, column }) => {
    const t = freeTrue[row];
    const c = freeComputed[column];
    return t !== undefined && c !== undefined ? [{ true: t, computed: c }] : [];
  });
  return [...single, ...fresh];
}

function byFrame(observations: readonly Observation[]): ReadonlyMap<number, readonly Observation[]> {
  return Map.groupBy(observations, (o) => o.frame);
}

function indexOf(ids: readonly number[]): ReadonlyMap<number, number> {
  return new Map(ids.map((id, index) => [id, index]));
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}
