import type { Forward } from './archive.ts';
import type { EventRow } from './event-query.ts';
import { eventOf } from './event-query.ts';
import { forwardedEvent } from './place.ts';

/** A forward with the event that it is of, where it is of one. */
export type ForwardRow = { readonly id: number | string; readonly queue: string; readonly message: string } & (
  | ({ readonly payload: null } & EventRow)
  | { readonly payload: string }
);

export const forwardColumns =
  'select f.id, f.queue, f.message, f.payload, e.position, l.unit, l.lane, l.stream, e.sequence, e.previous, e.kind, e.time, e.data, e.archived ' +
  'from forwards f left join events e on e.position = f.position left join lanes l on l.id = e.lane_id';

export function forwardOf(row: ForwardRow): Forward {
  const { id, queue, message } = row;
  const payload = row.payload === null ? forwardedEvent(eventOf(row)) : JSON.parse(row.payload);
  return { id: Number(id), queue, message, payload };
}
