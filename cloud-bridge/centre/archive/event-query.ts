import { type Lane, laneOf } from '../../contract/outbox.ts';
import type { EventKind } from '../../contract/topics.ts';
import type { ArchivedEvent, EventQuery } from './archive.ts';
import { happenedAt } from './happened.ts';
import { instantOf } from './plan-ingest.ts';

/** A statement with numbered parameters, `$1` and so on, as both engines take them. */
export interface Statement {
  readonly text: string;
  readonly values: readonly (string | number)[];
}

export interface EventRow {
  readonly position: number | string;
  readonly unit: string;
  readonly lane: string;
  readonly stream: string;
  readonly sequence: number | string;
  readonly previous: number | string;
  readonly kind: string;
  readonly time: string;
  readonly data: string;
  readonly archived: number | string;
}

const orders: Readonly<Record<EventQuery['order'], string>> = {
  sequence: 'l.unit, l.lane, l.stream, e.sequence',
  position: 'e.position',
  newest: 'e.position desc',
  latest: 'e.happened desc, e.position desc',
};

/**
 * The statements that together answer a question, each along one index: of one unit by its lanes, whose numbers are given; of all units by
 * kinds. `upTo`: no position above it.
 */
export function eventStatements(
  query: EventQuery,
  { lanes, upTo }: { readonly lanes?: readonly number[]; readonly upTo?: number | undefined } = {},
): readonly Statement[] {
  if (query.order === 'latest') {
    if (query.kinds?.includes('infraction') === false) return [];
    const ofInfractions: EventQuery = { ...query, kinds: ['infraction'] };
    if (lanes === undefined) return [eventStatement(ofInfractions, upTo)];
    return lanes.map((lane) => eventStatement(ofInfractions, upTo, lane));
  }
  if (lanes !== undefined) return lanes.map((lane) => eventStatement(query, upTo, lane));
  if (query.order === 'sequence' || query.kinds === undefined) return [eventStatement(query, upTo)];
  return [...new Set(query.kinds)].map((kind) => eventStatement({ ...query, kinds: [kind] }, upTo));
}

function eventStatement(query: EventQuery, upTo: number | undefined, lane?: number): Statement {
  const values: (string | number)[] = [];
  const where: string[] = ['e.refused is null'];
  const add = (condition: string, value: string | number | undefined) => {
    if (value === undefined) return;
    values.push(value);
    where.push(`${condition} $${values.length}`);
  };
  if (lane === undefined) {
    add('l.unit =', query.unit);
    add('l.lane =', query.lane);
    add('l.stream =', query.stream);
  } else add('e.lane_id =', lane);
  add('e.sequence >', query.afterSequence);
  add('e.position >', query.afterPosition);
  add('e.position <=', upTo);
  const when = query.order === 'latest' ? 'e.happened' : 'e.at';
  add(`${when} >=`, query.from === undefined ? undefined : instantOf(query.from));
  add(`${when} <`, query.to === undefined ? undefined : instantOf(query.to));
  if (query.before !== undefined) {
    const { at, position } = query.before;
    values.push(at, position);
    const [nth, mth] = [values.length - 1, values.length];
    where.push(`e.happened <= $${nth} and (e.happened < $${nth} or e.position < $${mth})`);
  }
  if (query.kinds !== undefined) {
    const list = query.kinds.map((kind) => {
      // Written out, so that both engines see that their indexes of infractions answer.
      if (kind === 'infraction') return "'infraction'";
      values.push(kind);
      return `$${values.length}`;
    });
    where.push(
      list.length === 0 ? 'false' : list.length === 1 ? `e.kind = ${list[0]}` : `e.kind in (${list.join(', ')})`,
    );
  }
  values.push(Math.max(0, query.limit));
  const order = lane !== undefined && query.order === 'sequence' ? 'e.sequence' : orders[query.order];
  return {
    text:
      'select e.position, l.unit, l.lane, l.stream, e.sequence, e.previous, e.kind, e.time, e.data, e.archived ' +
      `from events e join lanes l on l.id = e.lane_id where ${where.join(' and ')} order by ${order} limit $${values.length}`,
    values,
  };
}

export function eventOf(row: EventRow): ArchivedEvent {
  return {
    position: Number(row.position),
    unit: row.unit,
    lane: row.lane as Lane,
    stream: row.stream,
    sequence: Number(row.sequence),
    previous: Number(row.previous),
    kind: row.kind as EventKind,
    time: row.time,
    data: JSON.parse(row.data),
    archived: new Date(Number(row.archived)).toISOString(),
  };
}

const comparisons = {
  position: (a, b) => a.position - b.position,
  newest: (a, b) => b.position - a.position,
  latest: (a, b) => (happenedAt(b) ?? 0) - (happenedAt(a) ?? 0) || b.position - a.position,
} as const satisfies Record<string, (a: ArchivedEvent, b: ArchivedEvent) => number>;

/** The lanes that may hold events of these kinds, of those that are given. */
export function lanesFor<Row extends { readonly lane: string; readonly stream: string }>(
  rows: readonly Row[],
  { lane, stream, kinds }: EventQuery,
): readonly Row[] {
  const ofKinds = kinds === undefined ? undefined : new Set<string>(kinds.map((kind) => laneOf[kind]));
  return rows.filter(
    (one) =>
      (lane ?? one.lane) === one.lane &&
      (stream ?? one.stream) === one.stream &&
      (ofKinds === undefined || ofKinds.has(one.lane)),
  );
}

/** The first `limit` of several lists of which each is in order. */
export function mergeEvents(
  lists: readonly (readonly ArchivedEvent[])[],
  { order, limit }: EventQuery,
): readonly ArchivedEvent[] {
  const all = lists.flat();
  if (order !== 'sequence') all.sort(comparisons[order]);
  return all.slice(0, limit);
}
