import { type Fraction, fraction } from '../../kernel/units.ts';
import type { PlateRead, Quad } from '../plate-reader.ts';
import type { VoteSettings } from './settings.ts';
import type { Sighting } from './track-plate.ts';

/** What one frame says, as far as the vote needs it. */
export interface Ballot {
  readonly sighting: Sighting;
  readonly read: PlateRead;
  /** From `leastWeight` to 1. */
  readonly weight: Fraction;
  /** Probability of every text that the frame names, never below the floor. */
  readonly named: ReadonlyMap<string, number>;
  /** Probability that it leaves to any one text which it does not name. */
  readonly unnamed: number;
}

/** The ballots of the sightings that read something, in an order that does not depend on the order of the sightings. */
export function ballotsOf(sightings: readonly Sighting[], settings: VoteSettings): readonly Ballot[] {
  return sightings
    .flatMap((sighting) =>
      sighting.sight.read === undefined ? [] : [ballotOf(sighting, sighting.sight.read, settings)],
    )
    .sort(
      (a, b) =>
        b.weight - a.weight ||
        a.sighting.frame - b.sighting.frame ||
        a.sighting.track - b.sighting.track ||
        (a.read.text < b.read.text ? -1 : a.read.text > b.read.text ? 1 : b.read.confidence - a.read.confidence),
    );
}

/** What a read weighs against others of the same vehicle: the geometric mean of how tall and how sharp it is, each up to 1. */
export function weightOf(read: PlateRead, settings: VoteSettings): Fraction {
  const tall = share(read.characterHeight, settings.fullHeight);
  const sharp = share(read.sharpness, settings.fullSharpness);
  return fraction(Math.max(settings.leastWeight, Math.sqrt(tall * sharp)));
}

/** What a frame says of a text, between the floor and 1. */
export function probability(ballot: Ballot, text: string | undefined): number {
  return (text === undefined ? undefined : ballot.named.get(text)) ?? ballot.unnamed;
}

/** What the frame itself says of a text; 0 where it does not name it. */
export function stated({ read }: Ballot, text: string): number {
  if (read.text === text) return sane(read.confidence);
  const found = read.alternatives.find((one) => one.text === text);
  return found === undefined ? 0 : sane(found.confidence);
}

/**
 * A text that a frame does not name gets half of the probability that is left over, as far as that is not more than the least of
 * those named have: a frame that is sure of nothing speaks against nothing.
 */
function ballotOf(sighting: Sighting, read: PlateRead, settings: VoteSettings): Ballot {
  const named = new Map<string, number>();
  for (const { text, confidence } of [read, ...read.alternatives]) {
    if (!named.has(text)) named.set(text, sane(confidence));
  }
  const sum = [...named.values()].reduce((total, one) => total + one, 0);
  const least = Math.min(...named.values());
  const unnamed = Math.max(settings.floor, Math.min(least, (1 - sum) / 2));
  for (const [text, one] of named) named.set(text, Math.max(settings.floor, one));
  return { sighting, read, weight: weightOf(read, settings), named, unnamed };
}

/** The middle of a text line. */
export function middle(quad: Quad): { readonly x: number; readonly y: number } {
  const sum = quad.reduce((total, { x, y }) => ({ x: total.x + x, y: total.y + y }), { x: 0, y: 0 });
  return { x: sum.x / quad.length, y: sum.y / quad.length };
}

const share = (value: number, full: number): number => (value > 0 ? Math.min(1, value / full) : 0);

/** A probability out of whatever number a reader may give. */
const sane = (value: number): number => (value > 0 ? Math.min(1, value) : 0);
