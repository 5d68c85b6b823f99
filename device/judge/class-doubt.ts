import type { ObjectClass } from '../detect/detection.ts';
import type { Track } from '../track/track.ts';

/**
 * The class of a track is a vote, and a detector takes a bus for a lorry in half of its pictures. Classes that have together got this
 * share of the vote may be the true one, and the road user is judged as if they were.
 */
export const doubtShare = 0.15;

/** The share of the track's vote that the classes have got together, 0 to 1. */
export const shareOf = ({ votes }: Track, classes: readonly ObjectClass[]): number =>
  classes.reduce((sum, one) => sum + (votes.get(one) ?? 0), 0);

/** The greatest value of `mildness` that the road user may claim: its classes with that value or more are not to be ruled out. */
export function mildest(track: Pick<Track, 'class' | 'votes'>, mildness: (kind: ObjectClass) => number): number {
  const sorted = [...track.votes].map(([kind, share]) => ({ value: mildness(kind), share }));
  sorted.sort((a, b) => b.value - a.value);
  let sum = 0;
  for (const { value, share } of sorted) {
    sum += share;
    if (sum >= doubtShare) return value;
  }
  return mildness(track.class);
}
