import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Arrived, Ingested, Refusal } from './archive.ts';
import { happenedAt } from './happened.ts';
import { type LaneName, laneKey, nameOf } from './place.ts';

/** A lane as it stands; locked, so that nobody else changes it meanwhile. */
export interface LaneState extends LaneName {
  readonly id: number;
  readonly upTo: number;
  /** The highest sequence that has a row; 0 where there is none. */
  readonly highest: number;
  /** Telemetry up to here may have been removed by age. */
  readonly forgotten: number;
}

/** What stands at a place of a lane. */
export interface StoredEvent {
  readonly lane: number;
  readonly sequence: number;
  readonly previous: number;
  readonly kind: string;
  /** UTC milliseconds. */
  readonly at: number;
  /** JSON text. */
  readonly data: string;
  readonly refused: boolean;
}

/** A row to be written. */
export interface NewEvent extends StoredEvent {
  readonly time: string;
  /** Of an infraction: when it happened, UTC milliseconds. */
  readonly happened: number | undefined;
  readonly forwardTo: readonly string[];
  readonly reason: string | undefined;
}

export interface IngestPlan {
  /** In the order in which they came. */
  readonly inserts: readonly NewEvent[];
  /** Refused ones in whose place something good has come: to be removed before the inserts. */
  readonly replaced: readonly { readonly lane: number; readonly sequence: number }[];
  /** The unit declares now a wider gap before an event than when it first sent it. */
  readonly lowered: readonly { readonly lane: number; readonly sequence: number; readonly previous: number }[];
  readonly lanes: readonly LaneState[];
  /** Lanes in which rows lie behind the watermark that this batch did not bring: whether it goes on there is to be looked up. */
  readonly walks: readonly LaneState[];
  readonly fresh: number;
  readonly duplicates: number;
  readonly conflicts: Ingested['conflicts'];
}

type Item = Arrived | Refusal;
const isRefusal = (item: Item): item is Refusal => 'reason' in item;

/**
 * What a batch changes, given the lanes that it is about and whatever stands at its places already.
 *
 * The watermark of a lane goes to an event whose `previous` it has reached: what a unit declares as dropped is no gap, everything else is,
 * and the mark waits before it however long. A stream of telemetry of which nothing has come yet begins at the `previous` of its first
 * event, since its bound may have dropped the beginning before the centre ever saw it. A lane of infractions or alerts has no such bound:
 * there the beginning is waited for, and a unit that no longer has it must say so with `previous: 0`.
 */
export function planIngest(
  items: readonly Item[],
  lanes: readonly LaneState[],
  stored: readonly StoredEvent[],
): IngestPlan {
  const states = new Map(lanes.map((lane) => [laneKey(lane), lane]));
  const places = new Map(stored.map((event) => [placeKey(event.lane, event.sequence), event]));
  const inserts: NewEvent[] = [];
  const replaced: { lane: number; sequence: number }[] = [];
  const lowered = new Map<string, { lane: number; sequence: number; previous: number }>();
  const conflicts: IngestPlan['conflicts'][number][] = [];
  const touched = new Map<number, { sequence: number; previous: number }[]>();
  const touch = (lane: number, sequence: number, previous: number) => {
    const list = touched.get(lane);
    if (list === undefined) touched.set(lane, [{ sequence, previous }]);
    else list.push({ sequence, previous });
  };
  let [fresh, duplicates] = [0, 0];
  for (const item of items) {
    const lane = states.get(laneKey(item));
    if (lane === undefined) throw new AtalayaError('internal', `no lane for ${laneKey(item)}`);
    const { sequence, previous } = item;
    const key = placeKey(lane.id, sequence);
    const there = places.get(key);
    if (there !== undefined && (!there.refused || isRefusal(item))) {
      if (isRefusal(item)) continue;
      const alike = same(there, item);
      if (alike) duplicates += 1;
      else conflicts.push({ ...nameOf(item), sequence });
      if (alike && previous < (lowered.get(key)?.previous ?? there.previous)) {
        lowered.set(key, { lane: lane.id, sequence, previous });
        touch(lane.id, sequence, previous);
      }
      continue;
    }
    if (there === undefined && !isRefusal(item) && item.kind === 'telemetry' && sequence <= lane.forgotten) {
      duplicates += 1;
      continue;
    }
    if (there !== undefined) replaced.push({ lane: lane.id, sequence });
    const row = rowOf(lane, item);
    places.set(key, row);
    inserts.push(row);
    touch(lane.id, sequence, previous);
    if (!isRefusal(item)) fresh += 1;
  }
  const after = lanes.map((lane) => advanced(lane, touched.get(lane.id) ?? []));
  return {
    inserts,
    replaced,
    lowered: [...lowered.values()],
    lanes: after,
    walks: after.filter((lane) => lane.upTo < lane.highest && touched.has(lane.id)),
    fresh,
    duplicates,
    conflicts,
  };
}

/** The lane after new rows. */
function advanced(lane: LaneState, rows: { sequence: number; previous: number }[]): LaneState {
  rows.sort((a, b) => a.sequence - b.sequence);
  const [first] = rows;
  let { upTo, highest } = lane;
  if (highest === 0 && lane.lane === 'telemetry' && first !== undefined) upTo = Math.max(upTo, first.previous);
  for (const { sequence, previous } of rows) {
    if (previous <= upTo && sequence > upTo) upTo = sequence;
    highest = Math.max(highest, sequence);
  }
  return { ...lane, upTo, highest };
}

function rowOf(lane: LaneState, item: Item): NewEvent {
  const { sequence, previous } = item;
  if (isRefusal(item)) {
    const nothing = { kind: '', at: 0, happened: undefined, time: '', data: 'null', forwardTo: [] };
    return { lane: lane.id, sequence, previous, refused: true, reason: item.reason, ...nothing };
  }
  const { kind, time, data, forwardTo } = item;
  const row = { lane: lane.id, sequence, previous, kind, time, at: instantOf(time), data: JSON.stringify(data) };
  return { ...row, happened: happenedAt(item), forwardTo, refused: false, reason: undefined };
}

function same(there: StoredEvent, item: Arrived): boolean {
  if (there.kind !== item.kind || there.at !== instantOf(item.time)) return false;
  if (there.data === JSON.stringify(item.data)) return true;
  return canonicalJson(JSON.parse(there.data) as JsonValue) === canonicalJson(item.data);
}

/** UTC milliseconds of an ISO 8601 instant. Throws `internal` where it is none: it was to be checked at the edge. */
export function instantOf(time: string): number {
  const at = Date.parse(time);
  if (Number.isNaN(at)) throw new AtalayaError('internal', `${JSON.stringify(time.slice(0, 40))} is no instant`);
  return at;
}

export function placeKey(lane: number, sequence: number): string {
  return `${lane}/${sequence}`;
}
