import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import type { EventKind } from '../../../contract/topics.ts';
import type { ActEntry, ArchivedEvent, Document, Forward } from '../archive.ts';
import { type NewPart, type PartHead, partCost, type StoredSet, type WholeSet } from '../gather-parts.ts';
import { nameOf } from '../place.ts';
import type { LaneState, NewEvent } from '../plan-ingest.ts';

export interface Row extends NewEvent {
  readonly position: number;
  readonly archived: number;
}

export interface KeptPart extends NewPart {
  readonly arrived: number;
}

export interface Waiting extends Omit<Forward, 'payload'> {
  readonly position: number | undefined;
  readonly payload: JsonValue;
  readonly until: number;
}

/** What archives of one memory share. */
export class ArchiveContent {
  readonly lanes: LaneState[] = [];
  readonly laneIds = new Map<string, number>();
  readonly events = new Map<string, Row>();
  parts: KeptPart[] = [];
  readonly documents = new Map<string, Document & { readonly gone: boolean }>();
  readonly acts: ActEntry[] = [];
  forwards: Waiting[] = [];
  position = 0;
  forward = 0;
}

export function eventOf(row: Row, lane: LaneState): ArchivedEvent {
  const { position, sequence, previous, kind, time, data, archived } = row;
  return {
    position,
    ...nameOf(lane),
    sequence,
    previous,
    kind: kind as EventKind,
    time,
    data: JSON.parse(data),
    archived: new Date(archived).toISOString(),
  };
}

export function documentOf({ kind, key, version, value }: Document): Document {
  return { kind, key, version, value: copy(value) };
}

export function isOf(part: NewPart, { lane, last }: WholeSet): boolean {
  const { sha256, count } = last.part;
  return part.lane === lane && part.sequence === last.sequence && part.sha256 === sha256 && part.count === count;
}

export function setKey({ lane, sequence, sha256, count }: Omit<PartHead, 'index' | 'digest'>): string {
  return `${lane}/${sequence}/${sha256}/${count}`;
}

export function setsOf(parts: readonly KeptPart[], laneOf: (id: number) => LaneState): StoredSet[] {
  return [...Map.groupBy(parts, setKey).values()].map((set) => {
    const { lane, sequence, sha256, count } = set[0] as KeptPart;
    const bytes = set.reduce((sum, { content }) => sum + content.byteLength + partCost, 0);
    const newest = Math.max(...set.map(({ arrived }) => arrived));
    return { ...nameOf(laneOf(lane)), sequence, laneId: lane, sha256, count, bytes, newest };
  });
}

export function copy(value: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

export function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
