import { type Ballot, middle, probability } from './ballot.ts';
import type { VoteSettings } from './settings.ts';

/** Frames that show the same pixels but for noise: one look, however many there are. The weightiest comes first. */
export type Look = readonly [Ballot, ...Ballot[]];

/**
 * Groups ballots, which come in descending order of weight. Each joins the first look whose weightiest ballot it resembles, or begins one;
 * so a ballot that resembles no other changes no other's look.
 */
export function looksOf(ballots: readonly Ballot[], { sameLook }: VoteSettings): readonly Look[] {
  const looks: [Ballot, ...Ballot[]][] = [];
  for (const ballot of ballots) {
    const same = looks.find(([first]) => isSameLook(first, ballot, sameLook));
    if (same === undefined) looks.push([ballot]);
    else same.push(ballot);
  }
  return looks;
}

/**
 * Log odds of one text against another over all looks. A rival of undefined stands for any text that no frame names.
 *
 * A look says the mean of what its frames say, by weight, times what they weigh together. Looks for the text and looks against it are
 * each added up in descending order, every further one counting `nextLook` times as much; so one more look for it never lowers the
 * sum, and one more against it never raises it.
 */
export function logOdds(
  looks: readonly Look[],
  text: string,
  rival: string | undefined,
  { lookWeight, nextLook }: VoteSettings,
): number {
  const support: number[] = [];
  const against: number[] = [];
  for (const look of looks) {
    let weight = 0;
    let sum = 0;
    for (const ballot of look) {
      weight += ballot.weight;
      sum += ballot.weight * Math.log(probability(ballot, text) / probability(ballot, rival));
    }
    const value = sum * Math.min(1, (lookWeight * look[0].weight) / weight);
    (value >= 0 ? support : against).push(Math.abs(value));
  }
  return faded(support, nextLook) - faded(against, nextLook);
}

function faded(values: number[], factor: number): number {
  values.sort((a, b) => b - a);
  return values.reduceRight((rest, value) => value + factor * rest, 0);
}

function isSameLook({ read: a }: Ballot, { read: b }: Ballot, same: VoteSettings['sameLook']): boolean {
  const taller = Math.max(a.characterHeight, b.characterHeight);
  if (Math.abs(a.characterHeight - b.characterHeight) > same.height * taller) return false;
  const [one, other] = [middle(a.quad), middle(b.quad)];
  return Math.hypot(one.x - other.x, one.y - other.y) <= same.place * taller;
}
