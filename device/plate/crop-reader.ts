import { type Fraction, fraction } from '../kernel/units.ts';
import type { StripReader, TextFinder } from './engine/plate-engine.ts';
import { findText, type Look, sizeFor } from './find/find-text.ts';
import type { Extent } from './find/working-size.ts';
import { columnCount } from './formats/alphabet.ts';
import { type Decode, type Decoded, decoderFor } from './formats/decode.ts';
import type { PlateFormat } from './formats/plate-format.ts';
import type { PlateRead, PlateSight, Quad, RejectedRead, VehicleCrop } from './plate-reader.ts';
import { type Candidate, candidatesOf } from './read/candidate.ts';
import { choose, type Judged, samePlace } from './read/choose.ts';
import { confidenceOf, othersOf, placeSignsOf, textSignsOf } from './read/confidence.ts';
import { joinViews, type Reading } from './read/reading.ts';
import { sharpnessOf } from './read/sharpness.ts';
import { stripOf, views } from './read/views.ts';

export interface ReadSettings {
  /** A reading below is unread. */
  readonly leastConfidence: Fraction;
  /** Pixels of the full picture; smaller text is not tried. */
  readonly leastCharacterHeight: number;
}

export const readDefaults: ReadSettings = { leastConfidence: fraction(0.6), leastCharacterHeight: 6 };

/** Texts of one crop that are read at all, the likeliest ones, and those that are read in more than one way. */
const mostRead = 8;
const mostReadAgain = 3;
/** A first view with a text so likely, and so much likelier than the next, is not read again. */
const plain = { logProbability: -0.12, lead: 3 } as const;
/** A text read so plainly that has an edge around it is the plate: nothing is looked for more closely. */
const framedEnough = 0.75;
/** A text that is this unlikely is not read again: no further view makes a plate of it. */
const hopeless = -9;
const mostRejected = 16;

/**
 * Reads the plate of one crop on the calling thread, one crop at a time: finds text, rules out what cannot be the plate by place and
 * shape, reads the rest, and takes the likeliest where it is sure enough. Crops whose glance shows no sure plate are searched closer.
 *
 * Any pixels give an answer. Rejects with what the networks reject with.
 */
export class CropReader {
  readonly #finder: TextFinder;
  readonly #readers: readonly StripReader[];
  readonly #formats: readonly PlateFormat[];
  readonly #decode: Decode;
  readonly #settings: ReadSettings;

  /** Every text is read by all of `readers`, at least one: what networks that were taught apart read alike is likelier right. */
  constructor(
    finder: TextFinder,
    readers: readonly StripReader[],
    formats: readonly PlateFormat[],
    settings: ReadSettings,
  ) {
    this.#finder = finder;
    this.#readers = readers;
    this.#formats = formats;
    this.#decode = decoderFor(formats);
    this.#settings = settings;
  }

  async read(crop: VehicleCrop): Promise<PlateSight> {
    const judged = await this.judge(crop);
    const { chosen, rejected } = choose(judged, this.#settings.leastConfidence);
    return {
      read: chosen === undefined ? undefined : stated(chosen, crop),
      rejected: rejected.slice(0, mostRejected).map((one) => rejectedRead(one, crop)),
    };
  }

  /** Every text of the crop that was looked at, before the choice among them. */
  async judge(crop: VehicleCrop): Promise<readonly Judged[]> {
    const glance = await this.#look(crop, 'glance');
    if (glance.some(isPlainPlate)) return glance;
    if (sameSize(sizeFor(crop.pixels, 'glance'), sizeFor(crop.pixels, 'close'))) return glance;
    return withoutTwins([...glance, ...(await this.#look(crop, 'close'))]);
  }

  async #look(crop: VehicleCrop, look: Look): Promise<readonly Judged[]> {
    const regions = await findText(this.#finder, crop.pixels, look);
    const candidates = candidatesOf(regions, crop, this.#formats, this.#settings.leastCharacterHeight);
    const judged: Judged[] = candidates.flatMap((candidate) =>
      candidate.ruledOut === undefined
        ? []
        : [{ candidate, reason: candidate.ruledOut, reading: undefined, confidence: fraction(0) }],
    );
    const open = candidates
      .filter(({ ruledOut }) => ruledOut === undefined)
      .sort((a, b) => b.score * Math.sqrt(b.characterHeight) - a.score * Math.sqrt(a.characterHeight))
      .slice(0, mostRead);
    const first = [];
    for (const candidate of open) {
      const seen = await this.#view(crop, candidate, 0);
      first.push({ candidate, seen, reading: joinViews(seen) });
    }
    first.sort((a, b) => b.reading.logProbability - a.reading.logProbability);
    for (const [rank, { candidate, seen, reading: once }] of first.entries()) {
      let reading = once;
      if (!isPlain(once) && rank < mostReadAgain && once.logProbability > hopeless) {
        for (let view = 1; view < views.length; view += 1) seen.push(...(await this.#view(crop, candidate, view)));
        reading = joinViews(seen);
      }
      const reason = isWord(reading) ? 'no-format-fits' : undefined;
      judged.push({ candidate, reading, confidence: confidenceIn(reading, candidate), reason });
    }
    return judged;
  }

  /** What each network makes of one view. */
  async #view(crop: VehicleCrop, { lines }: Candidate, view: number): Promise<Decoded[]> {
    const { data, width } = stripOf(crop.pixels, lines, views[view] ?? views[0]);
    const seen: Decoded[] = [];
    for (const reader of this.#readers) {
      const { logits, steps } = await reader.read(data, 1, width);
      seen.push(this.#decode(logits.subarray(0, steps * columnCount), steps));
    }
    return seen;
  }
}

function confidenceIn(reading: Reading, candidate: Candidate): Fraction {
  return reading.best === undefined
    ? fraction(0)
    : confidenceOf(textSignsOf(reading, candidate), placeSignsOf(candidate));
}

function isPlain({ logProbability, others }: Reading): boolean {
  return (
    logProbability > plain.logProbability && logProbability - (others[0]?.logProbability ?? -Infinity) > plain.lead
  );
}

/** True where letters alone were read, and only a format that allows anything makes a digit of one of them: a word, not a plate. */
const isWord = ({ best, raw }: Reading): boolean => best?.generic === true && !/\d/.test(raw.text);

const isPlainPlate = ({ reading, candidate }: Judged): boolean =>
  reading?.best !== undefined && isPlain(reading) && candidate.framed >= framedEnough;

const sameSize = (a: Extent, b: Extent): boolean => a.width === b.width && a.height === b.height;

/** Of two that lie on the same pixels and say the same the surer one: a glance and a close look see the same text. */
function withoutTwins(judged: readonly Judged[]): readonly Judged[] {
  return judged.filter(
    (one, i) =>
      !judged.some((other, k) => {
        if (k === i || !samePlace(one.candidate.quad, other.candidate.quad)) return false;
        if (one.reading?.best?.text !== other.reading?.best?.text) return false;
        return other.confidence > one.confidence || (other.confidence === one.confidence && k < i);
      }),
  );
}

function stated(
  { candidate, reading, confidence }: Judged & { readonly reading: object },
  crop: VehicleCrop,
): PlateRead {
  const best = reading.best!;
  return {
    text: best.text,
    format: best.format,
    confidence,
    characters: best.characters,
    alternatives: othersOf(reading, confidence),
    quad: placed(candidate.quad, crop),
    characterHeight: candidate.characterHeight,
    sharpness: sharpnessOf(stripOf(crop.pixels, candidate.lines, views[0])),
  };
}

function rejectedRead({ candidate, reading, confidence, reason }: Judged, crop: VehicleCrop): RejectedRead {
  return {
    reason: reason ?? 'unclear',
    quad: placed(candidate.quad, crop),
    text: reading?.raw.text ?? '',
    confidence,
    characterHeight: candidate.characterHeight,
  };
}

function placed(quad: Quad, { origin }: VehicleCrop): Quad {
  const [a, b, c, d] = quad;
  const move = ({ x, y }: { readonly x: number; readonly y: number }) => ({ x: x + origin.x, y: y + origin.y });
  return [move(a), move(b), move(c), move(d)];
}
