import { eventName } from '../../../device/kernel/log/log.ts';
import type { Archive, Arrived, ArrivedPart, Place, Refusal, Watermark, WholeEvent } from '../archive/archive.ts';
import type { Sentence } from './batch.ts';
import type { Refusals } from './refusals.ts';
import { takeInHalves } from './take-in-halves.ts';

export interface PieceOptions {
  readonly archive: Pick<Archive, 'gather' | 'discard'>;
  /** What is to be made of an event that came in pieces, as of any other. */
  readonly judge: (event: WholeEvent) => Sentence | Promise<Sentence>;
  readonly refusals: Refusals;
  readonly onConflict: (place: Place) => Promise<void>;
}

/** Bytes of pieces of one unit whose events are not whole: more than the longest event of each of its lanes. */
const mostOfUnit = 32 * 1024 * 1024;
/** Events whose pieces are gathered in one go, so that no more are in memory as a whole. */
const mostAtOnce = 3;

/** What pieces have come to. */
export interface Harvest {
  readonly events: readonly Arrived[];
  readonly refused: readonly Refusal[];
  readonly marks: readonly Watermark[];
  /** Events that were whole, whatever was made of them: when that is durable, their pieces are of no more use. */
  readonly judged: readonly Place[];
}

/**
 * Puts events together that travel in pieces. The pieces lie in the archive, so that it makes no difference which bridge they come to; an
 * event that is whole is judged here as if it had come as one, before it is archived.
 */
export class PieceGathering {
  readonly #options: PieceOptions;

  constructor(options: PieceOptions) {
    this.#options = options;
  }

  /** Pieces in the order in which they came, by so many events as are gathered in one go. */
  groups(parts: readonly ArrivedPart[]): readonly (readonly ArrivedPart[])[] {
    const events = [...Map.groupBy(parts, keyOf).values()];
    return Array.from({ length: Math.ceil(events.length / mostAtOnce) }, (_, i) =>
      events.slice(i * mostAtOnce, (i + 1) * mostAtOnce).flat(),
    );
  }

  /** Keeps the pieces and judges the events that they make. Throws what the archive throws where it takes none of them. */
  async gather(parts: readonly ArrivedPart[]): Promise<Harvest> {
    const { archive, judge, refusals, onConflict } = this.#options;
    const { done, left } = await takeInHalves(parts, (some) => archive.gather(some, mostOfUnit));
    for (const { item, error } of left) {
      refusals.count(item.unit, 'not-archivable', `the archive does not take it: ${error.code}`, eventOf(item));
    }
    const events: Arrived[] = [];
    const refused: Refusal[] = [];
    const judged: Place[] = [];
    for (const { result } of done) {
      for (const place of new Map(result.conflicts.map((one) => [keyOf(one), one])).values()) await onConflict(place);
      for (const place of result.mismatches) {
        refusals.count(place.unit, 'part-mismatch', 'the pieces do not make what they promise', eventOf(place));
      }
      for (const place of result.crowdedOut) {
        const detail = `more than ${mostOfUnit} bytes of pieces wait for the rest of their events`;
        refusals.count(place.unit, 'too-much', detail, eventOf(place));
      }
      for (const event of result.whole) {
        const sentence = await judge(event);
        if (sentence.kind === 'archive') events.push(sentence.event);
        if (sentence.kind === 'refuse') refused.push(sentence.refusal);
        judged.push(event);
      }
    }
    return { events, refused, marks: done.flatMap(({ result }) => result.watermarks), judged };
  }

  /** When what was made of the events is durable. */
  async settled({ judged }: Harvest): Promise<void> {
    if (judged.length > 0) await this.#options.archive.discard(judged);
  }
}

const keyOf = ({ unit, lane, stream, sequence }: Place): string => `${unit}/${lane}/${stream}/${sequence}`;
const eventOf = ({ lane, stream, sequence }: Place) => ({ event: eventName(lane, stream, sequence) });
