import { z } from 'zod';
import { objectClasses } from '../detect/detection.ts';
import { milliseconds, utcMilliseconds } from '../kernel/units.ts';
import { pointUses, type RawData, type RawPoint } from './raw-data.ts';

/** Raw data as they stand in an evidence record: plain data, every number as it was. */

const number = z.number();
const votes = z.partialRecord(z.enum(objectClasses), number);

const rawPoint = z.strictObject({
  frame: z.int().nonnegative(),
  /** Since the source began. */
  elapsedMs: number,
  /** Bound of the error of an interval by this time's clock, 1 sigma, and what clock it is. */
  intervalErrorMs: number.nonnegative(),
  clock: z.enum(['system', 'recording', 'nominal']),
  /** Pixels of the full picture, as the detector gave it. */
  box: z.strictObject({ x: number, y: number, width: number, height: number }),
  score: number,
  measured: z.boolean(),
  use: z.enum(pointUses),
  track: z.int(),
  /** The detections' scores by class; absent where the box was predicted. */
  votes: votes.exactOptional(),
});

const stretch = z.union([
  z.strictObject({
    phase: z.enum(['red', 'amber', 'green', 'off']),
    fromMs: number,
    source: z.enum(['schedule', 'input-line']),
  }),
  z.strictObject({ phase: z.literal('unknown'), fromMs: number, reason: z.string() }),
]);

/** The fields of `auxiliary` in an evidence record that come from the judge. */
export const rawRecord = z.strictObject({
  track: z.array(rawPoint),
  omitted: z.int().nonnegative(),
  votes,
  phases: z.array(stretch),
});

export type RawRecord = z.infer<typeof rawRecord>;

export function rawRecordOf({ points, omitted, votes, phases }: RawData): RawRecord {
  return {
    track: points.map(({ frame, time, box, score, measured, use, track, votes }) => ({
      frame,
      elapsedMs: time.elapsed,
      intervalErrorMs: time.clock.intervalError,
      clock: time.clock.source,
      box: { x: box.x, y: box.y, width: box.width, height: box.height },
      score,
      measured,
      use,
      track,
      ...(votes !== undefined && { votes: { ...votes } }),
    })),
    omitted,
    votes: Object.fromEntries(votes),
    phases: phases.map((stretch) => ({ ...stretch })),
  };
}

/** A moment of the same source whose date is known. */
export interface Reference {
  readonly utc: string;
  readonly elapsedMs: number;
  readonly clock: { readonly synchronised: boolean; readonly dated: boolean };
}

/** The points again. A point's own date is not in the record; it is the reference's, moved by the interval between the two. */
export function rawPointsOf(record: Pick<RawRecord, 'track'>, reference: Reference): readonly RawPoint[] {
  const zero = Date.parse(reference.utc) - reference.elapsedMs;
  const { synchronised, dated } = reference.clock;
  return record.track.map(({ elapsedMs, intervalErrorMs, clock, votes, ...point }) => ({
    ...point,
    time: {
      utc: utcMilliseconds(zero + elapsedMs),
      elapsed: milliseconds(elapsedMs),
      clock: { source: clock, synchronised, dated, intervalError: milliseconds(intervalErrorMs) },
    },
    ...(votes !== undefined && { votes }),
  }));
}

/** The votes again, in the order of the classes that a track gives them in. */
export const votesOf = (votes: RawRecord['votes']): RawData['votes'] =>
  new Map(
    objectClasses.flatMap((name) => {
      const share = votes[name];
      return share === undefined ? [] : [[name, share] as const];
    }),
  );
