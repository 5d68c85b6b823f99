import { z } from 'zod';
import { instant } from '../../contract/names.ts';
import type { Arrived } from './archive.ts';

/** The instant of a record of an infraction; nothing else of it is looked at. */
const read = z.looseObject({
  record: z.looseObject({ infraction: z.looseObject({ time: z.looseObject({ utc: instant }) }) }),
});

/**
 * When an infraction happened, UTC milliseconds: what its record says, and the time of its event where it says none. The event itself is of
 * when it was sealed, which is another time where a recording is judged, or a clock was put right between. Undefined for what is none.
 */
export function happenedAt({
  kind,
  time,
  data,
}: Pick<Arrived, 'time' | 'data'> & { readonly kind: string }): number | undefined {
  if (kind !== 'infraction') return undefined;
  const said = Date.parse(read.safeParse(data).data?.record.infraction.time.utc ?? time);
  return Number.isNaN(said) ? Date.parse(time) : said;
}
