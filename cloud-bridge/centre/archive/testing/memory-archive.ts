import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../../device/kernel/clock.ts';
import type { AtalayaError } from '../../../../device/kernel/errors.ts';
import { toIso } from '../../../../device/kernel/units.ts';
import type { EventKind } from '../../../contract/topics.ts';
import { nextAct } from '../act-chain.ts';
import type {
  ActEntry,
  Archive,
  ArchivedEvent,
  Arrived,
  ArrivedPart,
  Document,
  DocumentKind,
  DocumentRange,
  EventQuery,
  Forward,
  Gathered,
  Ingested,
  Place,
  Refusal,
  Watermark,
  WholeEvent,
} from '../archive.ts';
import { assemble, crowdedOut, gatherParts, type WholeSet } from '../gather-parts.ts';
import { forwardedEvent, type LaneName, laneKey, lanesOf, messageOf, nameOf, placeOf } from '../place.ts';
import { type IngestPlan, instantOf, type LaneState, placeKey, planIngest } from '../plan-ingest.ts';
import { ArchiveContent, copy, documentOf, eventOf, isOf, order, type Row, setKey, setsOf } from './memory-content.ts';

export { ArchiveContent } from './memory-content.ts';

/** An archive in memory, for tests of whatever uses one. Nothing survives, and everything else holds. */
export class MemoryArchive implements Archive {
  /** Asked before each call: with what it is to fail. */
  plan: (call: keyof Archive) => AtalayaError | undefined = () => undefined;
  readonly #clock: Clock;
  readonly #content: ArchiveContent;

  constructor(clock: Clock, content: ArchiveContent = new ArchiveContent()) {
    this.#clock = clock;
    this.#content = content;
  }

  async ingest(arrived: readonly Arrived[]): Promise<Ingested> {
    this.#begin('ingest');
    const lanes = lanesOf(arrived).map((name) => this.#lane(name));
    const plan = planIngest(arrived, lanes, this.#stored(arrived));
    const { fresh, duplicates, conflicts } = plan;
    return { fresh, duplicates, conflicts, watermarks: this.#carryOut(plan) };
  }

  async gather(parts: readonly ArrivedPart[], mostBytes: number): Promise<Gathered> {
    this.#begin('gather');
    const lanes = lanesOf(parts).map((name) => this.#lane(name));
    this.#dropWhole();
    const gathered = gatherParts(parts, lanes, this.#stored(parts), this.#content.parts);
    const arrived = this.#clock.utc();
    this.#content.parts.push(...gathered.store.map((part) => ({ ...part, arrived })));
    const made = gathered.whole.map((set) => ({ set, event: this.#assembled(set) }));
    const broken = made.filter(({ event }) => event === undefined).map(({ set }) => set);
    this.#content.parts = this.#content.parts.filter((part) => !broken.some((set) => isOf(part, set)));
    return {
      whole: made.flatMap(({ event }) => event ?? []),
      duplicates: gathered.duplicates,
      conflicts: gathered.conflicts,
      mismatches: [...gathered.mismatches, ...broken.map(({ last }) => placeOf(last))],
      crowdedOut: this.#makeRoom(parts, gathered.whole, mostBytes),
      watermarks: lanes.map((lane) => ({ ...nameOf(lane), upTo: lane.upTo })),
    };
  }

  async discard(places: readonly Place[]): Promise<void> {
    this.#begin('discard');
    this.#dropPlaces(places);
  }

  async refuse(refusals: readonly Refusal[]): Promise<readonly Watermark[]> {
    this.#begin('refuse');
    const lanes = lanesOf(refusals).map((name) => this.#lane(name));
    this.#dropPlaces(refusals);
    return this.#carryOut(planIngest(refusals, lanes, this.#stored(refusals)));
  }

  async refusals(unit: string): Promise<readonly Refusal[]> {
    this.#begin('refusals');
    return this.#rows('sequence').flatMap(({ row: { sequence, previous, reason }, lane }) =>
      lane.unit === unit && reason !== undefined ? [{ ...nameOf(lane), sequence, previous, reason }] : [],
    );
  }

  async watermarks(unit: string, which: 'current' | 'all' = 'current'): Promise<readonly Watermark[]> {
    this.#begin('watermarks');
    const newest = ({ id }: LaneState) =>
      [...this.#content.events.values()].reduce(
        (most, row) => (row.lane === id ? Math.max(most, row.position) : most),
        0,
      );
    const lanes = this.#content.lanes.filter((lane) => lane.unit === unit);
    lanes.sort((a, b) => order(a.lane, b.lane) || newest(b) - newest(a) || b.id - a.id);
    const shown = lanes.filter((lane, i) => which === 'all' || lanes[i - 1]?.lane !== lane.lane);
    return shown.map((lane) => ({ ...nameOf(lane), upTo: lane.upTo }));
  }

  async events(query: EventQuery): Promise<readonly ArchivedEvent[]> {
    this.#begin('events');
    const { unit, lane, stream, kinds, from, to, before, afterPosition = 0, afterSequence = 0 } = query;
    const [start, end] = [
      from === undefined ? -Infinity : instantOf(from),
      to === undefined ? Infinity : instantOf(to),
    ];
    const when = ({ at, happened = at }: Row) => (query.order === 'latest' ? happened : at);
    const found = this.#rows(query.order).filter(
      ({ row, lane: at }) =>
        !row.refused &&
        (unit ?? at.unit) === at.unit &&
        (lane ?? at.lane) === at.lane &&
        (stream ?? at.stream) === at.stream &&
        (kinds === undefined || kinds.includes(row.kind as EventKind)) &&
        (query.order !== 'latest' || row.happened !== undefined) &&
        when(row) >= start &&
        when(row) < end &&
        row.position > afterPosition &&
        row.sequence > afterSequence &&
        (before === undefined || when(row) < before.at || (when(row) === before.at && row.position < before.position)),
    );
    return found.slice(0, Math.max(0, query.limit)).map(({ row, lane: at }) => eventOf(row, at));
  }

  async forgetTelemetry(before: string): Promise<number> {
    this.#begin('forgetTelemetry');
    const instant = instantOf(before);
    let removed = 0;
    for (const [key, row] of this.#content.events) {
      const lane = this.#byId(row.lane);
      const waits = this.#content.forwards.some(({ position }) => position === row.position);
      if (row.refused || row.kind !== 'telemetry' || row.at >= instant || row.sequence > lane.upTo || waits) continue;
      this.#content.events.delete(key);
      this.#save({ ...lane, forgotten: Math.max(lane.forgotten, row.sequence) });
      removed += 1;
    }
    return removed;
  }

  async document(kind: DocumentKind, key: string): Promise<Document | undefined> {
    this.#begin('document');
    const there = this.#content.documents.get(`${kind}/${key}`);
    return there === undefined || there.gone ? undefined : documentOf(there);
  }

  async documents(kind: DocumentKind, prefix = ''): Promise<readonly Document[]> {
    this.#begin('documents');
    return [...this.#content.documents.values()]
      .filter((one) => one.kind === kind && one.key.startsWith(prefix) && !one.gone)
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)))
      .map(documentOf);
  }

  async lastDocuments(kind: DocumentKind, { prefix = '', before, limit }: DocumentRange): Promise<readonly Document[]> {
    this.#begin('lastDocuments');
    const isBefore = (key: string) => before === undefined || Buffer.compare(Buffer.from(key), Buffer.from(before)) < 0;
    return [...this.#content.documents.values()]
      .filter((one) => one.kind === kind && one.key.startsWith(prefix) && isBefore(one.key) && !one.gone)
      .sort((a, b) => Buffer.compare(Buffer.from(b.key), Buffer.from(a.key)))
      .slice(0, Math.max(0, limit))
      .map(documentOf);
  }

  async putDocument(kind: DocumentKind, key: string, value: JsonValue, based: number): Promise<boolean> {
    this.#begin('putDocument');
    return this.#replace(kind, key, based, { value: copy(value), gone: false });
  }

  async removeDocument(kind: DocumentKind, key: string, based: number): Promise<boolean> {
    this.#begin('removeDocument');
    return based !== 0 && this.#replace(kind, key, based, { value: null, gone: true });
  }

  async appendAct(act: JsonValue, outcome: string, about?: string): Promise<ActEntry> {
    this.#begin('appendAct');
    const entry = nextAct(this.#content.acts.at(-1), toIso(this.#clock.utc()), copy(act), outcome, about);
    this.#content.acts.push(entry);
    return entry;
  }

  async acts(from: number, limit: number): Promise<readonly ActEntry[]> {
    this.#begin('acts');
    return this.#content.acts.filter(({ number }) => number >= from).slice(0, Math.max(0, limit));
  }

  async lastActs(before: number | undefined, limit: number): Promise<readonly ActEntry[]> {
    this.#begin('lastActs');
    const acts = this.#content.acts.filter(({ number }) => number < (before ?? Infinity));
    return acts.toReversed().slice(0, Math.max(0, limit));
  }

  async forward(queue: string, message: string, payload: JsonValue): Promise<void> {
    this.#begin('forward');
    this.#wait(queue, message, copy(payload), undefined);
  }

  async takeForwards(limit: number, leaseMs: number): Promise<readonly Forward[]> {
    this.#begin('takeForwards');
    const now = this.#clock.utc();
    const taken = this.#content.forwards.filter(({ until }) => until <= now).slice(0, Math.max(0, limit));
    this.#content.forwards = this.#content.forwards.map((one) =>
      taken.includes(one) ? { ...one, until: now + leaseMs } : one,
    );
    return taken.map(({ id, queue, message, payload }) => ({ id, queue, message, payload }));
  }

  async forwarded(ids: readonly number[]): Promise<void> {
    this.#begin('forwarded');
    this.#content.forwards = this.#content.forwards.filter(({ id }) => !ids.includes(id));
  }

  async close(): Promise<void> {}

  #begin(call: keyof Archive): void {
    const fault = this.plan(call);
    if (fault !== undefined) throw fault;
  }

  #lane(name: LaneName): LaneState {
    const there = this.#content.laneIds.get(laneKey(name));
    if (there !== undefined) return this.#byId(there);
    const made = { ...nameOf(name), id: this.#content.lanes.length + 1, upTo: 0, highest: 0, forgotten: 0 };
    this.#content.lanes.push(made);
    this.#content.laneIds.set(laneKey(name), made.id);
    return made;
  }

  #stored(items: readonly (LaneName & { readonly sequence: number })[]): Row[] {
    return items.flatMap((item) => this.#content.events.get(placeKey(this.#lane(item).id, item.sequence)) ?? []);
  }

  #byId(id: number): LaneState {
    return this.#content.lanes[id - 1] as LaneState;
  }

  #save(lane: LaneState): void {
    this.#content.lanes[lane.id - 1] = lane;
  }

  #makeRoom(parts: readonly ArrivedPart[], whole: readonly WholeSet[], mostBytes: number): Place[] {
    return [...new Set(parts.map(({ unit }) => unit))].flatMap((unit) => {
      const sets = setsOf(this.#content.parts, (id) => this.#byId(id)).filter((set) => set.unit === unit);
      const gone = crowdedOut(sets, whole, mostBytes);
      const keys = new Set(gone.map((set) => setKey({ ...set, lane: set.laneId })));
      this.#content.parts = this.#content.parts.filter((part) => !keys.has(setKey(part)));
      return gone.map(placeOf);
    });
  }

  #dropPlaces(places: readonly Place[]): void {
    const gone = new Set(places.map((one) => placeKey(this.#lane(one).id, one.sequence)));
    this.#content.parts = this.#content.parts.filter(({ lane, sequence }) => !gone.has(placeKey(lane, sequence)));
  }

  #assembled(set: WholeSet): WholeEvent | undefined {
    const parts = this.#content.parts.filter((part) => isOf(part, set)).sort((a, b) => a.index - b.index);
    return assemble(
      set.last,
      parts.map(({ content }) => content),
    );
  }

  #dropWhole(): void {
    const { events } = this.#content;
    this.#content.parts = this.#content.parts.filter(
      ({ lane, sequence }) => events.get(placeKey(lane, sequence))?.refused ?? true,
    );
  }

  #carryOut(plan: IngestPlan): readonly Watermark[] {
    const { events } = this.#content;
    for (const { lane, sequence } of plan.replaced) events.delete(placeKey(lane, sequence));
    for (const { lane, sequence, previous } of plan.lowered) {
      const row = events.get(placeKey(lane, sequence));
      if (row !== undefined) events.set(placeKey(lane, sequence), { ...row, previous });
    }
    for (const row of plan.inserts) {
      this.#content.position += 1;
      const { position } = this.#content;
      const stored = { ...row, position, archived: this.#clock.utc() };
      events.set(placeKey(row.lane, row.sequence), stored);
      const event = row.refused ? undefined : eventOf(stored, this.#byId(row.lane));
      for (const queue of row.forwardTo)
        if (event !== undefined) this.#wait(queue, messageOf(event), forwardedEvent(event), position);
    }
    const walks = new Set(plan.walks.map(({ id }) => id));
    return plan.lanes.map((lane) => {
      const upTo = walks.has(lane.id) ? this.#walked(lane) : lane.upTo;
      this.#save({ ...lane, upTo });
      return { ...nameOf(lane), upTo };
    });
  }

  #walked({ id, upTo: start }: LaneState): number {
    let upTo = start;
    const rows = [...this.#content.events.values()].filter((row) => row.lane === id);
    for (const { sequence, previous } of rows.sort((a, b) => a.sequence - b.sequence))
      if (previous <= upTo) upTo = Math.max(upTo, sequence);
    return upTo;
  }

  #rows(by: EventQuery['order']): { readonly row: Row; readonly lane: LaneState }[] {
    const rows = [...this.#content.events.values()].map((row) => ({ row, lane: this.#byId(row.lane) }));
    return rows.sort((a, b) => {
      if (by === 'position') return a.row.position - b.row.position;
      if (by === 'newest') return b.row.position - a.row.position;
      if (by === 'latest') return (b.row.happened ?? 0) - (a.row.happened ?? 0) || b.row.position - a.row.position;
      const { unit, lane, stream } = a.lane;
      const places = order(unit, b.lane.unit) || order(lane, b.lane.lane) || order(stream, b.lane.stream);
      return places || a.row.sequence - b.row.sequence;
    });
  }

  #replace(
    kind: DocumentKind,
    key: string,
    based: number,
    now: { readonly value: JsonValue; readonly gone: boolean },
  ): boolean {
    const there = this.#content.documents.get(`${kind}/${key}`);
    const shown = there === undefined || there.gone ? 0 : there.version;
    if (shown !== based) return false;
    this.#content.documents.set(`${kind}/${key}`, { kind, key, version: (there?.version ?? 0) + 1, ...now });
    return true;
  }

  #wait(queue: string, message: string, payload: JsonValue, position: number | undefined): void {
    if (this.#content.forwards.some((one) => one.queue === queue && one.message === message)) return;
    this.#content.forward += 1;
    this.#content.forwards.push({ id: this.#content.forward, queue, message, payload, position, until: 0 });
  }
}
