import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import type { ArrivedPart, Place, WholeEvent } from './archive.ts';
import { laneKey, placeOf } from './place.ts';
import { type LaneState, placeKey, type StoredEvent } from './plan-ingest.ts';

/** Bytes that a part counts beside its content, so that a million parts of three bytes are as bounded as long ones. */
export const partCost = 4096;

/** A part that lies in the archive until its event is whole. A set is what one cutting of one event gives: same digest, same count. */
export interface PartHead {
  readonly lane: number;
  readonly sequence: number;
  readonly sha256: string;
  readonly count: number;
  readonly index: number;
  /** SHA-256 of its content. */
  readonly digest: string;
}

export interface NewPart extends PartHead {
  readonly content: Buffer;
}

/** An event all of whose parts are there once `store` is stored. */
export interface WholeSet {
  readonly lane: number;
  /** The part that made it so, or came again. */
  readonly last: ArrivedPart;
}

export interface GatheredParts {
  readonly store: readonly NewPart[];
  readonly whole: readonly WholeSet[];
  readonly duplicates: number;
  readonly conflicts: readonly Place[];
  readonly mismatches: readonly Place[];
}

/** All parts of one set together, as they lie in the archive. */
export interface StoredSet extends Place {
  readonly laneId: number;
  readonly sha256: string;
  readonly count: number;
  /** With `partCost` for each part. */
  readonly bytes: number;
  /** UTC milliseconds, at which its newest part came. */
  readonly newest: number;
}

/** Sorts the parts of a batch, given the heads of the parts and the events that are there at their places. */
export function gatherParts(
  parts: readonly ArrivedPart[],
  lanes: readonly LaneState[],
  stored: readonly StoredEvent[],
  heads: readonly PartHead[],
): GatheredParts {
  const states = new Map(lanes.map((lane) => [laneKey(lane), lane]));
  const events = new Map(stored.filter((one) => !one.refused).map((one) => [placeKey(one.lane, one.sequence), one]));
  const sets = new Map<string, Map<number, PartHead>>();
  const setOf = (head: Omit<PartHead, 'index' | 'digest'>) => {
    const key = `${placeKey(head.lane, head.sequence)}/${head.sha256}/${head.count}`;
    const set = sets.get(key) ?? new Map<number, PartHead>();
    sets.set(key, set);
    return set;
  };
  for (const head of heads) setOf(head).set(head.index, head);
  const store: NewPart[] = [];
  const whole = new Map<string, WholeSet>();
  const conflicts: Place[] = [];
  const mismatches: Place[] = [];
  let duplicates = 0;
  for (const part of parts) {
    const { id: lane, forgotten } = states.get(laneKey(part)) ?? { id: -1, forgotten: 0 };
    const place = placeKey(lane, part.sequence);
    const event = events.get(place);
    if (event === undefined ? part.kind === 'telemetry' && part.sequence <= forgotten : isOfEvent(part, event)) {
      duplicates += 1;
      continue;
    }
    if (event !== undefined) {
      conflicts.push(placeOf(part));
      continue;
    }
    const { index, count } = part.part;
    const made = { lane, sequence: part.sequence, sha256: part.part.sha256, count, index };
    const set = setOf(made);
    const before = set.get(index);
    const digest = sha256(part.content);
    if (index >= count || (before !== undefined && before.digest !== digest)) {
      mismatches.push(placeOf(part));
      continue;
    }
    if (before !== undefined) duplicates += 1;
    else {
      const fresh = { ...made, digest, content: part.content };
      set.set(index, fresh);
      store.push(fresh);
    }
    if (set.size === count && !whole.has(place)) whole.set(place, { lane, last: part });
  }
  return { store, whole: [...whole.values()], duplicates, conflicts, mismatches };
}

/** What parts give; undefined where that is not what their digest says. */
export function assemble(last: ArrivedPart, contents: readonly Uint8Array[]): WholeEvent | undefined {
  const content = Buffer.concat(contents);
  if (contents.length !== last.part.count || sha256(content) !== last.part.sha256) return undefined;
  const { unit, lane, stream, sequence, previous, kind, time } = last;
  return { unit, lane, stream, sequence, previous, kind, time, content };
}

/** Sets of one unit that have to go for the rest to keep to the bound: the oldest, and of those that came together the ones furthest behind. */
export function crowdedOut(
  sets: readonly StoredSet[],
  whole: readonly WholeSet[],
  mostBytes: number,
): readonly StoredSet[] {
  const given = new Set(whole.map(({ lane, last }) => placeKey(lane, last.sequence)));
  const waiting = sets.filter(({ laneId, sequence }) => !given.has(placeKey(laneId, sequence)));
  let bytes = waiting.reduce((sum, set) => sum + set.bytes, 0);
  const gone: StoredSet[] = [];
  for (const set of waiting.toSorted((a, b) => a.newest - b.newest || b.sequence - a.sequence)) {
    if (bytes <= mostBytes) break;
    bytes -= set.bytes;
    gone.push(set);
  }
  return gone;
}

/** The unit digests its own text of the data; where it came whole before, the text here is JSON of the same value and may differ in the order of keys. */
function isOfEvent({ part: { sha256: digest } }: ArrivedPart, { data }: StoredEvent): boolean {
  return sha256(data) === digest || sha256(canonicalJson(JSON.parse(data) as JsonValue)) === digest;
}
