import type { Arrived, ArrivedPart, Gathered, Ingested, Place, Refusal, Watermark, WholeEvent } from './archive.ts';
import {
  assemble,
  crowdedOut,
  gatherParts,
  type NewPart,
  type PartHead,
  partCost,
  type StoredSet,
  type WholeSet,
} from './gather-parts.ts';
import { type LaneName, laneKey, messageOf, nameOf, placeOf } from './place.ts';
import { type IngestPlan, type LaneState, planIngest, type StoredEvent } from './plan-ingest.ts';
import type { Query } from './postgres-connections.ts';

/** Rows behind a gap that are looked at in one go. */
const walkRows = 1000;

/** Does what `planIngest` and `gatherParts` say, in a transaction of PostgreSQL in which the lanes are locked. */
export class PostgresIngest {
  readonly #query: Query;
  readonly #lanes: readonly LaneState[];
  readonly #now: number;

  constructor(query: Query, lanes: readonly LaneState[], now: number) {
    this.#query = query;
    this.#lanes = lanes;
    this.#now = now;
  }

  /** Locks lanes in the order of their numbers, so that no two wait for each other. Those that are not there are left out. */
  static async lock(query: Query, names: readonly LaneName[]): Promise<LaneState[]> {
    const rows = await query<Numbers<LaneState>>(
      `select id, unit, lane, stream, up_to as "upTo", highest, forgotten from atalaya.lanes
       where (unit, lane, stream) in (select * from unnest($1::text[], $2::text[], $3::text[])) order by id for update`,
      [names.map(({ unit }) => unit), names.map(({ lane }) => lane), names.map(({ stream }) => stream)],
    );
    return rows.map((row) => ({
      ...row,
      id: Number(row.id),
      upTo: Number(row.upTo),
      highest: Number(row.highest),
      forgotten: Number(row.forgotten),
    }));
  }

  async ingest(arrived: readonly Arrived[]): Promise<Ingested> {
    const plan = planIngest(arrived, this.#lanes, await this.#stored(arrived));
    const { fresh, duplicates, conflicts } = plan;
    return { fresh, duplicates, conflicts, watermarks: await this.#carryOut(plan) };
  }

  async gather(parts: readonly ArrivedPart[], mostBytes: number): Promise<Gathered> {
    await this.#dropWhole();
    const stored = await this.#stored(parts);
    const gathered = gatherParts(parts, this.#lanes, stored, await this.#heads(parts));
    await this.#store(gathered.store);
    const events: WholeEvent[] = [];
    const damaged: ArrivedPart[] = [];
    for (const set of gathered.whole) {
      const event = await this.#assembled(set);
      if (event === undefined) damaged.push(set.last);
      else events.push(event);
    }
    return {
      whole: events,
      duplicates: gathered.duplicates,
      conflicts: gathered.conflicts,
      mismatches: [...gathered.mismatches, ...damaged.map(placeOf)],
      crowdedOut: gathered.store.length === 0 ? [] : await this.#makeRoom(parts, gathered.whole, mostBytes),
      watermarks: this.#lanes.map((lane) => ({ ...nameOf(lane), upTo: lane.upTo })),
    };
  }

  async discard(places: readonly Place[]): Promise<void> {
    await this.#query(
      'delete from atalaya.parts where (lane_id, sequence) in (select * from unnest($1::int8[], $2::int8[]))',
      [places.map((place) => this.#idOf(place)), places.map(({ sequence }) => sequence)],
    );
  }

  async refuse(refusals: readonly Refusal[]): Promise<readonly Watermark[]> {
    await this.discard(refusals);
    return this.#carryOut(planIngest(refusals, this.#lanes, await this.#stored(refusals)));
  }

  /** What goes may lie in lanes that are not locked here: what another bridge is working on stays for the next time. */
  async #makeRoom(parts: readonly ArrivedPart[], whole: readonly WholeSet[], mostBytes: number): Promise<Place[]> {
    const places: Place[] = [];
    for (const unit of new Set(parts.map((part) => part.unit))) {
      const rows = await this.#query<Numbers<StoredSet>>(
        `select l.unit, l.lane, l.stream, p.sequence, p.lane_id as "laneId", p.sha256, p.count, max(p.arrived) as newest,
           sum(length(p.content) + ${partCost}) as bytes
         from atalaya.lanes l join atalaya.parts p on p.lane_id = l.id
         where l.unit = $1 group by l.id, p.lane_id, p.sequence, p.sha256, p.count`,
        [unit],
      );
      const sets = rows.map((row) => ({
        ...row,
        ...{ laneId: Number(row.laneId), sequence: Number(row.sequence), count: Number(row.count) },
        ...{ bytes: Number(row.bytes), newest: Number(row.newest) },
      }));
      for (const set of crowdedOut(sets, whole, mostBytes)) {
        await this.#query(
          `delete from atalaya.parts where ctid in (select ctid from atalaya.parts
             where lane_id = $1 and sequence = $2 and sha256 = $3 and count = $4 for update skip locked)`,
          [set.laneId, set.sequence, set.sha256, set.count],
        );
        places.push(placeOf(set));
      }
    }
    return places;
  }

  /** Parts of events that are archived mean nothing any more. */
  async #dropWhole(): Promise<void> {
    await this.#query(
      `delete from atalaya.parts p where lane_id = any($1::int8[]) and exists
         (select 1 from atalaya.events e where e.lane_id = p.lane_id and e.sequence = p.sequence and e.refused is null)`,
      [this.#lanes.map(({ id }) => id)],
    );
  }

  async #stored(items: readonly Place[]): Promise<StoredEvent[]> {
    const states = new Map(this.#lanes.map((lane) => [laneKey(lane), lane]));
    const places = items.flatMap((item) => {
      const lane = states.get(laneKey(item));
      return lane === undefined || item.sequence > lane.highest ? [] : [{ lane: lane.id, sequence: item.sequence }];
    });
    if (places.length === 0) return [];
    const rows = await this.#query<Numbers<StoredEvent>>(
      `select lane_id as lane, sequence, previous, kind, at, data, refused is not null as refused from atalaya.events
       where (lane_id, sequence) in (select * from unnest($1::int8[], $2::int8[]))`,
      [places.map(({ lane }) => lane), places.map(({ sequence }) => sequence)],
    );
    return rows.map((row) => ({
      ...row,
      lane: Number(row.lane),
      sequence: Number(row.sequence),
      previous: Number(row.previous),
      at: Number(row.at),
    }));
  }

  async #heads(parts: readonly ArrivedPart[]): Promise<PartHead[]> {
    const rows = await this.#query<Numbers<PartHead>>(
      `select lane_id as lane, sequence, sha256, count, part as "index", digest from atalaya.parts
       where (lane_id, sequence) in (select * from unnest($1::int8[], $2::int8[]))`,
      [parts.map((part) => this.#idOf(part)), parts.map(({ sequence }) => sequence)],
    );
    return rows.map((row) => ({
      ...row,
      lane: Number(row.lane),
      sequence: Number(row.sequence),
      count: Number(row.count),
      index: Number(row.index),
    }));
  }

  async #store(parts: readonly NewPart[]): Promise<void> {
    for (const { lane, sequence, sha256, count, index, digest, content } of parts) {
      await this.#query(
        'insert into atalaya.parts (lane_id, sequence, sha256, count, part, digest, content, arrived) values ($1, $2, $3, $4, $5, $6, $7, $8)',
        [lane, sequence, sha256, count, index, digest, content, this.#now],
      );
    }
  }

  async #assembled({ lane, last }: WholeSet): Promise<WholeEvent | undefined> {
    const { sequence, part } = last;
    const set = [lane, sequence, part.sha256, part.count];
    const rows = await this.#query<{ content: Buffer }>(
      'select content from atalaya.parts where lane_id = $1 and sequence = $2 and sha256 = $3 and count = $4 order by part',
      set,
    );
    const event = assemble(
      last,
      rows.map(({ content }) => content),
    );
    if (event === undefined)
      await this.#query(
        'delete from atalaya.parts where lane_id = $1 and sequence = $2 and sha256 = $3 and count = $4',
        set,
      );
    return event;
  }

  async #carryOut(plan: IngestPlan): Promise<readonly Watermark[]> {
    if (plan.replaced.length > 0)
      await this.#query(
        'delete from atalaya.events where (lane_id, sequence) in (select * from unnest($1::int8[], $2::int8[]))',
        [plan.replaced.map(({ lane }) => lane), plan.replaced.map(({ sequence }) => sequence)],
      );
    for (const { lane, sequence, previous } of plan.lowered)
      await this.#query('update atalaya.events set previous = $3 where lane_id = $1 and sequence = $2', [
        lane,
        sequence,
        previous,
      ]);
    if (plan.inserts.length > 0) await this.#insert(plan);
    const walks = new Set(plan.walks.map(({ id }) => id));
    const lanes: LaneState[] = [];
    for (const lane of plan.lanes) lanes.push(walks.has(lane.id) ? { ...lane, upTo: await this.#walked(lane) } : lane);
    const old = new Map(this.#lanes.map((lane) => [lane.id, lane]));
    const changed = lanes.filter(
      ({ id, upTo, highest }) => old.get(id)?.upTo !== upTo || old.get(id)?.highest !== highest,
    );
    if (changed.length > 0)
      await this.#query(
        `update atalaya.lanes l set up_to = c.up_to, highest = c.highest
         from unnest($1::int8[], $2::int8[], $3::int8[]) as c (id, up_to, highest) where l.id = c.id`,
        [changed.map(({ id }) => id), changed.map(({ upTo }) => upTo), changed.map(({ highest }) => highest)],
      );
    return lanes.map((lane) => ({ ...nameOf(lane), upTo: lane.upTo }));
  }

  async #insert({ inserts, lanes }: IngestPlan): Promise<void> {
    await this.#query(
      `insert into atalaya.events (lane_id, sequence, previous, kind, at, time, data, archived, refused, happened)
       select lane, sequence, previous, kind, at, time, data, $10::int8, refused, happened
       from unnest($1::int8[], $2::int8[], $3::int8[], $4::text[], $5::int8[], $6::text[], $7::text[], $8::text[], $9::int8[])
         with ordinality as t (lane, sequence, previous, kind, at, time, data, refused, happened, n)
       order by n`,
      [
        inserts.map(({ lane }) => lane),
        inserts.map(({ sequence }) => sequence),
        inserts.map(({ previous }) => previous),
        inserts.map(({ kind }) => kind),
        inserts.map(({ at }) => at),
        inserts.map(({ time }) => time),
        inserts.map(({ data }) => data),
        inserts.map(({ reason }) => reason ?? null),
        inserts.map(({ happened }) => happened ?? null),
        this.#now,
      ],
    );
    const names = new Map(lanes.map((lane) => [lane.id, lane]));
    const forwards = inserts.flatMap(({ lane, sequence, forwardTo }) => {
      const name = names.get(lane);
      if (name === undefined) return [];
      return forwardTo.map((queue) => ({ queue, message: messageOf({ ...name, sequence }), lane, sequence }));
    });
    if (forwards.length === 0) return;
    await this.#query(
      `insert into atalaya.forwards (queue, message, position)
       select f.queue, f.message, e.position
       from unnest($1::text[], $2::text[], $3::int8[], $4::int8[]) as f (queue, message, lane, sequence)
       join atalaya.events e on e.lane_id = f.lane and e.sequence = f.sequence
       order by e.position, f.queue on conflict do nothing`,
      [
        forwards.map(({ queue }) => queue),
        forwards.map(({ message }) => message),
        forwards.map(({ lane }) => lane),
        forwards.map(({ sequence }) => sequence),
      ],
    );
  }

  /** How far a lane goes on without a gap, over what lay behind one. */
  async #walked({ id, upTo: start }: LaneState): Promise<number> {
    let upTo = start;
    for (;;) {
      const rows = await this.#query<{ sequence: string; previous: string }>(
        `select sequence, previous from atalaya.events where lane_id = $1 and sequence > $2 order by sequence limit ${walkRows}`,
        [id, upTo],
      );
      const gap = rows.find(({ sequence, previous }) => {
        if (Number(previous) > upTo) return true;
        upTo = Number(sequence);
        return false;
      });
      if (gap === undefined && rows.length === walkRows) continue;
      const [over] = await this.#query<{ sequence: string | null }>(
        `select max(sequence) as sequence from atalaya.events
         where lane_id = $1 and sequence > $2 and previous <= $2 and previous < sequence - 1`,
        [id, upTo],
      );
      if (typeof over?.sequence !== 'string') return upTo;
      upTo = Number(over.sequence);
    }
  }

  #idOf({ unit, lane, stream }: LaneName): number {
    return this.#lanes.find((one) => one.unit === unit && one.lane === lane && one.stream === stream)?.id ?? -1;
  }
}

/** The driver gives 64-bit integers as text. */
type Numbers<Row> = { [Name in keyof Row]: Row[Name] extends number ? number | string : Row[Name] };
