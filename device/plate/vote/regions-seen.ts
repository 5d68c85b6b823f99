import { type Fraction, fraction } from '../../kernel/units.ts';
import type { RejectReason } from '../plate-reader.ts';
import { weightOf } from './ballot.ts';
import type { VoteSettings } from './settings.ts';
import type { Sighting, TrackRead, UnreadReason } from './track-plate.ts';

/** How much a rejected region tells of why there is no plate, the most telling first, and how that is said of the whole track. */
const telling: readonly (readonly [RejectReason, UnreadReason])[] = [
  ['unclear', 'unclear'],
  ['no-format-fits', 'no-format-fits'],
  ['cut-off', 'unclear'],
  ['too-small', 'too-small'],
  ['another-vehicle', 'another-vehicle'],
  ['second-best', 'no-text-found'],
  ['not-plate-shaped', 'no-text-found'],
];

/** How close a sighting came to a plate: 0 is a read, then the order of `telling`; what has no region at all comes last. */
export function closeness({ sight }: Sighting): number {
  if (sight.read !== undefined) return 0;
  const found = telling.findIndex(([reason]) => sight.rejected.some((one) => one.reason === reason));
  return found < 0 ? telling.length + 1 : found + 1;
}

/** Why sightings of which none can be stated give no plate. */
export function unreadReason(sightings: readonly Sighting[]): UnreadReason {
  if (sightings.length === 0) return 'never-looked';
  const closest = Math.min(...sightings.map(closeness));
  return closest === 0 ? 'unclear' : (telling[closest - 1]?.[1] ?? 'no-text-found');
}

/** What became of every region, the `mostReads` weightiest in the order of the frames, and how many are left out. */
export function regionsSeen(
  sightings: readonly Sighting[],
  leading: string | undefined,
  settings: VoteSettings,
): { readonly reads: readonly TrackRead[]; readonly omitted: number } {
  const all = sightings.flatMap((sighting) => regionsOf(sighting, leading, settings));
  const kept = all.sort((a, b) => b.read.weight - a.read.weight || b.height - a.height || inOrder(a.read, b.read));
  const reads = kept.slice(0, settings.mostReads).map(({ read }) => read);
  return { reads: reads.sort(inOrder), omitted: all.length - reads.length };
}

interface Region {
  readonly read: TrackRead;
  readonly height: number;
}

function regionsOf({ frame, time, sight }: Sighting, leading: string | undefined, settings: VoteSettings): Region[] {
  const none: Fraction = fraction(0);
  const rejected = sight.rejected.map(({ reason, quad, text, confidence, characterHeight }) => ({
    read: { frame, time, text, confidence, reason, weight: none, quad },
    height: characterHeight,
  }));
  if (sight.read === undefined) return rejected;
  const { text, confidence, quad, characterHeight } = sight.read;
  const reason = text === leading ? ('counted' as const) : ('outvoted' as const);
  const weight = weightOf(sight.read, settings);
  return [{ read: { frame, time, text, confidence, reason, weight, quad }, height: characterHeight }, ...rejected];
}

const inOrder = (a: TrackRead, b: TrackRead): number =>
  a.frame - b.frame ||
  b.weight - a.weight ||
  (a.text < b.text ? -1 : a.text > b.text ? 1 : b.confidence - a.confidence);
