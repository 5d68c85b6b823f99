import { fraction } from '../../kernel/units.ts';
import type { CharacterRead, PlateRead } from '../plate-reader.ts';
import { type Ballot, ballotsOf, probability, stated } from './ballot.ts';
import { type Look, logOdds, looksOf } from './looks.ts';
import { closeness, regionsSeen, unreadReason } from './regions-seen.ts';
import type { VoteSettings } from './settings.ts';
import type { NoPlate, PlateOnTrack, Sighting, TrackPlate } from './track-plate.ts';

/** Texts that are held against all others; the sum of their weighted log probabilities picks them. */
const MOST_CANDIDATES = 8;

/**
 * The plate of one road user, by vote over the frames that the reader has looked at.
 *
 * With p_i(t) the probability that frame i gives to text t (at least `floor`; a text that the frame does not name gets half of what it
 * leaves over) and w_i its weight from character height and sharpness, the log odds of t against a rival r are
 *
 *     L(t, r) = sum over looks of w_i ln(p_i(t) / p_i(r))
 *
 * where frames of nearly the same pixels are one look with a capped weight and each further look counts less (`logOdds`). The text
 * whose least L over all rivals, named or not, is greatest leads. Its confidence is the least of
 *
 *     1 / (1 + exp(-min L)),    1 - product over looks of (1 - p(t)),    mostConfidence
 *
 * with p(t) the most that a frame of the look itself states. So one read is never surer than its reader was; an independent look
 * that agrees never lowers the confidence; an independent look that does not name the text never raises it; the order of the sightings
 * does not matter; a text that no frame names cannot lead. The plate is stated where the confidence reaches `leastConfidence` and L
 * reaches `leastLead` against each text that another frame reads; else it is unread: `frames-disagree` where there is such a text,
 * `unclear` where there is none. It is bound to the frame that by itself says it best, of those whose crop is there; where no crop is
 * there for any frame that names a text, that text cannot lead.
 */
export function voteOn(sightings: readonly Sighting[], settings: VoteSettings): TrackPlate {
  const ballots = ballotsOf(sightings, settings);
  const looks = looksOf(ballots, settings);
  const leading = leader(ballots, looks, settings);
  const about = { ...regionsSeen(sightings, leading?.text, settings), looked: sightings.length, dropped: 0 };
  if (leading === undefined) return unread(sightings, unreadReason(sightings), about);
  const rivals = new Set(ballots.map(({ read }) => read.text).filter((text) => text !== leading.text));
  const lead = Math.min(...[...rivals].map((rival) => logOdds(looks, leading.text, rival, settings)));
  const confidence = Math.min(oddsToConfidence(leading.odds), atMost(looks, leading.text), settings.mostConfidence);
  if (confidence < settings.leastConfidence || lead < settings.leastLead) {
    return unread(sightings, rivals.size > 0 ? 'frames-disagree' : 'unclear', about);
  }
  return { ...bound(ballots, looks, leading.text), confidence: fraction(confidence), ...about };
}

interface Leader {
  readonly text: string;
  /** Log odds against its strongest rival. */
  readonly odds: number;
}

function leader(ballots: readonly Ballot[], looks: readonly Look[], settings: VoteSettings): Leader | undefined {
  const texts = new Set(ballots.flatMap(({ named }) => [...named.keys()]));
  const shown = new Set(
    ballots.flatMap(({ sighting, named }) => (sighting.crop === undefined ? [] : [...named.keys()])),
  );
  const score = (text: string) =>
    ballots.reduce((sum, ballot) => sum + ballot.weight * Math.log(probability(ballot, text)), 0);
  const candidates = [...shown]
    .map((text) => ({ text, score: score(text) }))
    .sort((a, b) => b.score - a.score || (a.text < b.text ? -1 : 1))
    .slice(0, MOST_CANDIDATES);
  let best: Leader | undefined;
  for (const { text } of candidates) {
    let odds = logOdds(looks, text, undefined, settings);
    for (const rival of texts) {
      if (rival !== text) odds = Math.min(odds, logOdds(looks, text, rival, settings));
    }
    if (best === undefined || odds > best.odds) best = { text, odds };
  }
  return best;
}

const oddsToConfidence = (odds: number): number => 1 / (1 + Math.exp(-odds));

/** What the looks could carry if each were right or wrong by itself: the probability that not all that name the text are wrong. */
function atMost(looks: readonly Look[], text: string): number {
  return 1 - looks.reduce((wrong, look) => wrong * (1 - Math.max(...look.map((ballot) => stated(ballot, text)))), 1);
}

type Bound = Pick<PlateOnTrack, 'kind' | 'text' | 'format' | 'characters' | 'agreeing' | 'winner'>;

/** The text with the one frame that shows it best. */
function bound(ballots: readonly Ballot[], looks: readonly Look[], text: string): Bound {
  const shown = ballots.flatMap((ballot) => {
    const { crop } = ballot.sighting;
    return crop === undefined ? [] : [{ ballot, crop, support: ballot.weight * stated(ballot, text) }];
  });
  const saying = shown.filter(({ ballot }) => ballot.read.text === text);
  const [first, ...others] = saying.length > 0 ? saying : shown;
  if (first === undefined) throw new RangeError('a text leads that no crop shows');
  const { ballot, crop } = others.reduce((best, one) => (one.support > best.support ? one : best), first);
  const { frame, time } = ballot.sighting;
  const said = ballot.read.text === text ? 'read' : 'alternative';
  return {
    kind: 'read',
    text,
    format: (ballots.find(({ read }) => read.text === text) ?? alike(ballots, text) ?? ballot).read.format,
    characters: said === 'read' ? ballot.read.characters : charactersOf(ballot.read, text, stated(ballot, text)),
    agreeing: looks.filter((look) => look.some(({ read }) => read.text === text)).length,
    winner: { frame, time, quad: ballot.read.quad, crop, said },
  };
}

/** The weightiest ballot whose read has letters and digits in the places where the text has them. */
function alike(ballots: readonly Ballot[], text: string): Ballot | undefined {
  return ballots.find(({ read }) => shape(read.text) === shape(text));
}

const shape = (text: string): string => text.replace(/[0-9]/g, '0').replace(/[A-Z]/g, 'A');

/** Characters of a text that the frame names beside its read: where the two differ, no surer than the text is there. */
function charactersOf(read: PlateRead, text: string, confidence: number): readonly CharacterRead[] {
  return [...text].map((character, index) => {
    const own = read.text.length === text.length ? read.characters[index] : undefined;
    return own?.character === character ? own : { character, confidence: fraction(confidence) };
  });
}

function unread(
  sightings: readonly Sighting[],
  reason: NoPlate['reason'],
  about: Pick<NoPlate, 'reads' | 'omitted' | 'looked' | 'dropped'>,
): NoPlate {
  const best = closest(sightings);
  return { kind: 'unread', reason, ...(best === undefined ? {} : { best }), ...about };
}

/** The frame that came closest to a plate, the one that shows the vehicle largest before others; undefined where no crop is there. */
function closest(sightings: readonly Sighting[]): NoPlate['best'] {
  const [first] = sightings
    .flatMap((sighting) => (sighting.crop === undefined ? [] : [{ sighting, crop: sighting.crop }]))
    .map((one) => ({
      ...one,
      distance: closeness(one.sighting),
      size: one.crop.vehicle.width * one.crop.vehicle.height,
    }))
    .sort((a, b) => a.distance - b.distance || b.size - a.size || a.sighting.frame - b.sighting.frame);
  if (first === undefined) return undefined;
  const { frame, time, sight } = first.sighting;
  const quad = sight.read?.quad ?? [...sight.rejected].sort((a, b) => b.characterHeight - a.characterHeight)[0]?.quad;
  return { frame, time, crop: first.crop, ...(quad === undefined ? {} : { quad }) };
}
