import { inspect } from 'node:util';
import type { CaptureTime } from '../../capture/frame.ts';
import type { Clock } from '../../kernel/clock.ts';
import { type Fraction, fraction } from '../../kernel/units.ts';
import type { PlateOnTrack, TrackPlate } from '../vote/track-plate.ts';
import { type Neighbour, neighbours, plateCode } from './plate-code.ts';
import type { WatchList } from './watch-list.ts';

/** That a plate is on a list, without saying which plate it is. */
export interface ListMatch {
  /** Name of the list. */
  readonly list: string;
  /** Id of the entry. */
  readonly entry: string;
  readonly match: 'exact' | 'one-off';
  /**
   * How far the vehicle can be taken to bear the entry's plate. `exact`: confidence of the vote. `one-off`: what the vote leaves for any
   * other text that differs there, so the most that it can be; of a plate that was altered by hand this says nothing.
   */
  readonly confidence: Fraction;
}

/** A match with who it was, and when and on which frame the plate was read best. */
export interface ListAlert extends ListMatch {
  readonly track: number;
  readonly frame: number;
  readonly time: CaptureTime;
}

/** Pairs that readers, and people who write lists, take for one another. */
const lookalikes: ReadonlySet<string> = new Set(
  ['O0', 'Q0', 'D0', 'OQ', 'OD', 'I1', 'B8', 'S5', 'Z2', 'G6'].flatMap((pair) => [pair, `${pair[1]}${pair[0]}`]),
);

/** From here on a text or a character counts as read for sure: 2 in 100 wrong is what a reader is allowed. */
const sure = 0.98;
/** Characters that two texts must have in common at the least, so that short plates do not resemble everything. */
const leastCommon = 4;

/**
 * The watch lists in use.
 *
 * `exact`: the text is an entry's. Else `one-off`, where at least four characters are the same: one character is another one; or the text,
 * read with less than 0.98, has one more or one less at an end (an edge or a bolt read as a character, or one that the picture cuts off). A list
 * whose `oneOff` is `doubtful` asks the former to be doubtful too: a character read with less than 0.98, or a pair such as O and 0; with
 * `never` it has exact matches only. A plate that is an entry of any list is nobody's one-off: the vehicle is known. What was not read matches nothing.
 */
export class WatchLists {
  readonly #lists: readonly WatchList[];
  readonly #clock: Pick<Clock, 'utc'>;

  constructor(lists: readonly WatchList[], clock: Pick<Clock, 'utc'>) {
    this.#lists = lists;
    this.#clock = clock;
  }

  /** Lists that have expired while in use: they match nothing any more. */
  expired(): readonly WatchList[] {
    const now = this.#clock.utc();
    return this.#lists.filter(({ head }) => head.expires !== undefined && head.expires <= now);
  }

  /** In the order of the lists; of the one-offs of a list the likeliest first. */
  match(plate: TrackPlate): readonly ListMatch[] {
    if (plate.kind !== 'read') return [];
    const code = plateCode(plate.text);
    if (code === undefined) return [];
    const now = this.#clock.utc();
    const lists = this.#lists.filter(({ head }) => head.expires === undefined || now < head.expires);
    const exact = lists.flatMap((list): ListMatch[] => {
      const entry = list.idOf(code);
      const { confidence } = plate;
      return entry === undefined ? [] : [{ list: list.head.name, entry, match: 'exact', confidence }];
    });
    return exact.length > 0 ? exact : oneOffs(plate, lists);
  }

  /** The matches of a road user's plate as alerts. */
  alertsOf(track: number, plate: TrackPlate): readonly ListAlert[] {
    if (plate.kind !== 'read') return [];
    const { frame, time } = plate.winner;
    return this.match(plate).map((match) => ({ ...match, track, frame, time }));
  }

  [inspect.custom](): string {
    return `WatchLists (${this.#lists.map(({ head }) => `${head.name} ${head.version}`).join(', ')})`;
  }
}

function oneOffs(plate: PlateOnTrack, lists: readonly WatchList[]): readonly ListMatch[] {
  const asked = lists.filter(({ head }) => head.oneOff !== 'never').map((list) => ({ list, found: [] as ListMatch[] }));
  if (asked.length === 0) return [];
  for (const near of neighbours(plate.text)) {
    const doubt = doubtOf(plate, near);
    if (doubt === undefined) continue;
    for (const { list, found } of asked) {
      if (list.head.oneOff === 'doubtful' && !doubt.doubtful) continue;
      const entry = list.idOf(near.code);
      if (entry === undefined) continue;
      found.push({ list: list.head.name, entry, match: 'one-off', confidence: doubt.confidence });
    }
  }
  return asked.flatMap(({ found }) => found.sort((a, b) => b.confidence - a.confidence));
}

/** How doubtful the one character is in which a neighbour differs; undefined where the neighbour does not count. */
function doubtOf(
  { text, confidence, characters }: PlateOnTrack,
  { step, at, character }: Neighbour,
): { readonly doubtful: boolean; readonly confidence: Fraction } | undefined {
  const common = step === 'longer' ? text.length : text.length - 1;
  if (common < leastCommon) return undefined;
  if (step !== 'other') {
    return confidence < sure ? { doubtful: true, confidence: fraction(1 - confidence) } : undefined;
  }
  // The characters are of one frame; the vote, which is of all, is about each of them at least as sure as about the whole.
  const here = Math.max(characters[at]?.confidence ?? 0, confidence);
  return { doubtful: here < sure || lookalikes.has(`${text[at]}${character}`), confidence: fraction(1 - here) };
}
