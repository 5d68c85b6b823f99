import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../device/kernel/hash.ts';
import type { Arrived, ArrivedPart, Ingested } from './archive.ts';
import { laneKey, nameOf } from './place.ts';
import { type LaneState, placeKey, type StoredEvent } from './plan-ingest.ts';

export const isPart = (one: Arrived | ArrivedPart): one is ArrivedPart => 'part' in one;
export const isWhole = (one: Arrived | ArrivedPart): one is Arrived => !('part' in one);

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
  readonly conflicts: Ingested['conflicts'];
}

/** Sorts the parts of a batch, given the heads of the parts and the events that are there at their places. */
export function gatherParts(
  parts: readonly ArrivedPart[],
  lanes: readonly LaneState[],
  stored: readonly StoredEvent[],
  heads: readonly PartHead[],
): GatheredParts {
  const states = new Map(lanes.map((lane) => [laneKey(lane), lane.id]));
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
  const conflicts: GatheredParts['conflicts'][number][] = [];
  let duplicates = 0;
  for (const part of parts) {
    const lane = states.get(laneKey(part)) ?? -1;
    const place = placeKey(lane, part.sequence);
    const event = events.get(place);
    const conflict = () => conflicts.push({ ...nameOf(part), sequence: part.sequence });
    if (event !== undefined) {
      if (hasDigest(event.data, part.part.sha256)) duplicates += 1;
      else conflict();
      continue;
    }
    const { index, count } = part.part;
    const made = { lane, sequence: part.sequence, sha256: part.part.sha256, count, index };
    const set = setOf(made);
    const before = set.get(index);
    const digest = sha256(part.content);
    if (index >= count || (before !== undefined && before.digest !== digest)) {
      conflict();
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
  return { store, whole: [...whole.values()], duplicates, conflicts };
}

/** The event that parts give; undefined where they are not what their digest says, or no JSON. */
export function assemble(last: ArrivedPart, contents: readonly Uint8Array[]): Arrived | undefined {
  const text = Buffer.concat(contents);
  if (contents.length !== last.part.count || sha256(text) !== last.part.sha256) return undefined;
  const { unit, lane, stream, sequence, previous, kind, time, forwardTo } = last;
  try {
    const data = JSON.parse(text.toString('utf8')) as JsonValue;
    return { unit, lane, stream, sequence, previous, kind, time, data, forwardTo };
  } catch {
    return undefined;
  }
}

/** The unit digests its own text of the data; where it came whole before, the text here is JSON of the same value and may differ in the order of keys. */
function hasDigest(data: string, digest: string): boolean {
  return sha256(data) === digest || sha256(canonicalJson(JSON.parse(data) as JsonValue)) === digest;
}
