import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Arrived, ArrivedPart, Gathered, Ingested, Place, Refusal, Watermark, WholeEvent } from './archive.ts';
import {
  assemble,
  crowdedOut,
  gatherParts,
  type PartHead,
  partCost,
  type StoredSet,
  type WholeSet,
} from './gather-parts.ts';
import { type LaneName, laneKey, lanesOf, messageOf, nameOf, placeOf } from './place.ts';
import { type IngestPlan, type LaneState, planIngest, type StoredEvent } from './plan-ingest.ts';

const statements = {
  newLane: 'insert into lanes (unit, lane, stream) values (?, ?, ?) on conflict do nothing',
  lane: 'select id, up_to as upTo, highest, forgotten from lanes where unit = ? and lane = ? and stream = ?',
  saveLane: 'update lanes set up_to = ?, highest = ? where id = ?',
  event:
    'select lane_id as lane, sequence, previous, kind, at, data, refused is not null as refused from events where lane_id = ? and sequence = ?',
  insert:
    'insert into events (lane_id, sequence, previous, kind, at, time, data, archived, refused, happened) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  remove: 'delete from events where lane_id = ? and sequence = ?',
  lower: 'update events set previous = ? where lane_id = ? and sequence = ?',
  behind: 'select sequence, previous from events where lane_id = ? and sequence > ? order by sequence',
  overGap:
    'select max(sequence) as sequence from events where lane_id = ? and sequence > ? and previous <= ? and previous < sequence - 1',
  forward: 'insert into forwards (queue, message, position) values (?, ?, ?) on conflict do nothing',
  heads:
    'select lane_id as lane, sequence, sha256, count, part as "index", digest from parts where lane_id = ? and sequence = ?',
  part: 'insert into parts (lane_id, sequence, sha256, count, part, digest, content, arrived) values (?, ?, ?, ?, ?, ?, ?, ?)',
  contents: 'select content from parts where lane_id = ? and sequence = ? and sha256 = ? and count = ? order by part',
  sets:
    'select l.unit, l.lane, l.stream, p.sequence, p.lane_id as laneId, p.sha256, p.count, max(p.arrived) as newest, ' +
    `sum(length(p.content) + ${partCost}) as bytes from lanes l join parts p on p.lane_id = l.id ` +
    'where l.unit = ? group by p.lane_id, p.sequence, p.sha256, p.count',
  dropSet: 'delete from parts where lane_id = ? and sequence = ? and sha256 = ? and count = ?',
  dropPlace: 'delete from parts where lane_id = ? and sequence = ?',
  dropWhole:
    'delete from parts where lane_id = ? and exists (select 1 from events e where e.lane_id = parts.lane_id and e.sequence = parts.sequence and e.refused is null)',
} as const;

type Prepared = { readonly [Name in keyof typeof statements]: StatementSync };

/** Does what `planIngest` and `gatherParts` say, on an SQLite file, inside a transaction that the caller has begun. */
export class SqliteIngest {
  readonly #sql: Prepared;

  constructor(database: DatabaseSync) {
    this.#sql = Object.fromEntries(
      Object.entries(statements).map(([name, text]) => [name, database.prepare(text)]),
    ) as Prepared;
  }

  ingest(arrived: readonly Arrived[], now: number): Ingested {
    const lanes = this.#lanes(arrived);
    const plan = planIngest(arrived, lanes, this.#stored(arrived, lanes));
    const { fresh, duplicates, conflicts } = plan;
    return { fresh, duplicates, conflicts, watermarks: this.#carryOut(plan, lanes, now) };
  }

  gather(parts: readonly ArrivedPart[], mostBytes: number, now: number): Gathered {
    const lanes = this.#lanes(parts);
    this.#dropWhole(lanes);
    const stored = this.#stored(parts, lanes);
    const gathered = gatherParts(parts, lanes, stored, this.#heads(parts, lanes));
    for (const { lane, sequence, sha256, count, index, digest, content } of gathered.store)
      this.#sql.part.run(lane, sequence, sha256, count, index, digest, content, now);
    const made = gathered.whole.map((set) => ({ last: set.last, event: this.#assembled(set) }));
    const damaged = made.filter(({ event }) => event === undefined);
    return {
      whole: made.flatMap(({ event }) => event ?? []),
      duplicates: gathered.duplicates,
      conflicts: gathered.conflicts,
      mismatches: [...gathered.mismatches, ...damaged.map(({ last }) => placeOf(last))],
      crowdedOut: gathered.store.length === 0 ? [] : this.#makeRoom(parts, gathered.whole, mostBytes),
      watermarks: lanes.map((lane) => ({ ...nameOf(lane), upTo: lane.upTo })),
    };
  }

  discard(places: readonly Place[]): void {
    const lanes = this.#lanes(places);
    for (const place of places) this.#sql.dropPlace.run(idOf(lanes, place), place.sequence);
  }

  refuse(refusals: readonly Refusal[], now: number): readonly Watermark[] {
    const lanes = this.#lanes(refusals);
    for (const refusal of refusals) this.#sql.dropPlace.run(idOf(lanes, refusal), refusal.sequence);
    return this.#carryOut(planIngest(refusals, lanes, this.#stored(refusals, lanes)), lanes, now);
  }

  #makeRoom(parts: readonly ArrivedPart[], whole: readonly WholeSet[], mostBytes: number): Place[] {
    return [...new Set(parts.map(({ unit }) => unit))].flatMap((unit) => {
      const gone = crowdedOut(this.#sql.sets.all(unit) as unknown as StoredSet[], whole, mostBytes);
      for (const { laneId, sequence, sha256, count } of gone) this.#sql.dropSet.run(laneId, sequence, sha256, count);
      return gone.map(placeOf);
    });
  }

  /** Parts of events that are archived mean nothing any more. */
  #dropWhole(lanes: readonly LaneState[]): void {
    for (const { id } of lanes) this.#sql.dropWhole.run(id);
  }

  #lanes(items: readonly LaneName[]): LaneState[] {
    return lanesOf(items).map((name) => {
      const { unit, lane, stream } = name;
      let row = this.#sql.lane.get(unit, lane, stream);
      if (row === undefined) {
        this.#sql.newLane.run(unit, lane, stream);
        row = this.#sql.lane.get(unit, lane, stream);
      }
      return { ...name, ...(row as unknown as Omit<LaneState, 'unit' | 'lane' | 'stream'>) };
    });
  }

  #stored(items: readonly Place[], lanes: readonly LaneState[]): StoredEvent[] {
    const states = new Map(lanes.map((lane) => [laneKey(lane), lane]));
    return items.flatMap((item) => {
      const lane = states.get(laneKey(item));
      if (lane === undefined || item.sequence > lane.highest) return [];
      const row = this.#sql.event.get(lane.id, item.sequence) as unknown as StoredEvent | undefined;
      return row === undefined ? [] : [{ ...row, refused: Boolean(row.refused) }];
    });
  }

  #heads(parts: readonly ArrivedPart[], lanes: readonly LaneState[]): PartHead[] {
    const places = new Map(parts.map((part) => [messageOf(part), part]));
    return [...places.values()].flatMap(
      (part) => this.#sql.heads.all(idOf(lanes, part), part.sequence) as unknown as PartHead[],
    );
  }

  #assembled({ lane, last }: WholeSet): WholeEvent | undefined {
    const { sequence, part } = last;
    const rows = this.#sql.contents.all(lane, sequence, part.sha256, part.count);
    const event = assemble(
      last,
      rows.map((row) => (row as unknown as { content: Uint8Array }).content),
    );
    if (event === undefined) this.#sql.dropSet.run(lane, sequence, part.sha256, part.count);
    return event;
  }

  #carryOut(plan: IngestPlan, before: readonly LaneState[], now: number): readonly Watermark[] {
    for (const { lane, sequence } of plan.replaced) this.#sql.remove.run(lane, sequence);
    for (const { lane, sequence, previous } of plan.lowered) this.#sql.lower.run(previous, lane, sequence);
    const names = new Map(plan.lanes.map((lane) => [lane.id, lane]));
    for (const row of plan.inserts) {
      const { lane, sequence, previous, kind, at, time, data, reason, forwardTo, happened } = row;
      const { lastInsertRowid: position } = this.#sql.insert.run(
        lane,
        sequence,
        previous,
        kind,
        at,
        time,
        data,
        now,
        reason ?? null,
        happened ?? null,
      );
      const name = names.get(lane);
      if (name === undefined) continue;
      for (const queue of forwardTo) this.#sql.forward.run(queue, messageOf({ ...name, sequence }), position);
    }
    const walks = new Set(plan.walks.map(({ id }) => id));
    const old = new Map(before.map((lane) => [lane.id, lane]));
    const lanes = plan.lanes.map((lane) => (walks.has(lane.id) ? { ...lane, upTo: this.#walked(lane) } : lane));
    for (const { id, upTo, highest } of lanes) {
      const was = old.get(id);
      if (was?.upTo !== upTo || was.highest !== highest) this.#sql.saveLane.run(upTo, highest, id);
    }
    return lanes.map((lane) => ({ ...nameOf(lane), upTo: lane.upTo }));
  }

  /** How far a lane goes on without a gap, over what lay behind one. */
  #walked(lane: LaneState): number {
    let { upTo } = lane;
    for (;;) {
      for (const row of this.#sql.behind.iterate(lane.id, upTo)) {
        const { sequence, previous } = row as unknown as { sequence: number; previous: number };
        if (previous > upTo) break;
        upTo = sequence;
      }
      const over = this.#sql.overGap.get(lane.id, upTo, upTo) as { sequence: number | null } | undefined;
      if (typeof over?.sequence !== 'number') return upTo;
      upTo = over.sequence;
    }
  }
}

function idOf(lanes: readonly LaneState[], { unit, lane, stream }: LaneName): number {
  return lanes.find((one) => one.unit === unit && one.lane === lane && one.stream === stream)?.id ?? -1;
}
