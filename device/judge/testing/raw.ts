import type { TrackPoint } from '../../track/track.ts';
import type { RawData } from '../raw-data.ts';

/** Raw data of a car that consist of these points, for tests that have no judge. */
export const rawDataWith = (points: readonly TrackPoint[], track = 1): RawData => ({
  points: points.map((point) => ({ ...point, track, use: point.measured ? 'held' : 'predicted' })),
  omitted: 0,
  votes: new Map([['car', 1]]),
  phases: [],
});
