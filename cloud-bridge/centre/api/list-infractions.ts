import { z } from 'zod';
import type { RouteQuery, RouteResponse } from '../../contract/api.ts';
import type { InfractionView } from '../../contract/api-views.ts';
import { evidenceId } from '../../contract/names.ts';
import type { Archive, ArchivedEvent, EventQuery, Moment } from '../archive/archive.ts';
import { happenedAt } from '../archive/happened.ts';
import type { BlobDocument } from '../bridge/evidence-views.ts';
import { sealedPackageOf } from '../bridge/sealed-files.ts';

/** Records that are held at once: one may be as long as some megabytes. */
const atOnce = 8;

/** What a list tells of a record. A field of another form is left out: another version of the schema may have it so. */
const read = z.looseObject({
  id: evidenceId.optional().catch(undefined),
  infraction: z
    .looseObject({
      rule: z.string().optional().catch(undefined),
      class: z.string().optional().catch(undefined),
      lane: z.string().nullable().optional().catch(undefined),
      measured: z.record(z.string(), z.json()).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/**
 * Records of infractions, the latest first by when they happened, which `from` and `to` are held against as well, along an index of the
 * archive: of one unit, or of all. What is held at once is bounded by `atOnce`, whatever the page.
 */
export async function listInfractions(
  archive: Pick<Archive, 'events' | 'documents'>,
  { unit, from, to, before, limit }: RouteQuery<'infractions'>,
): Promise<RouteResponse<'infractions'>> {
  const query: Omit<EventQuery, 'limit' | 'before'> = {
    ...{ lane: 'infraction', kinds: ['infraction'], order: 'latest' },
    ...(unit === undefined ? {} : { unit }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  const infractions: InfractionView[] = [];
  let mark = before === undefined ? undefined : momentOf(before);
  for (;;) {
    const wanted = Math.min(atOnce, limit - infractions.length);
    const found = await archive.events({ ...query, limit: wanted, ...(mark === undefined ? {} : { before: mark }) });
    infractions.push(...(await Promise.all(found.map((event) => viewOf(archive, event)))));
    const last = found.at(-1);
    if (last !== undefined) mark = { at: happenedOf(last), position: last.position };
    if (found.length < wanted || mark === undefined) return { infractions };
    if (infractions.length === limit) return { infractions, next: `${mark.at}.${mark.position}` };
  }
}

function momentOf(mark: string): Moment {
  const [at, position] = mark.split('.');
  return { at: Number(at), position: Number(position) };
}

const happenedOf = (event: ArchivedEvent): number => happenedAt(event) ?? Date.parse(event.time);

async function viewOf(archive: Pick<Archive, 'documents'>, event: ArchivedEvent): Promise<InfractionView> {
  const { unit, sequence, archived, data } = event;
  const { record } = data as { readonly record?: unknown };
  const { id, infraction } = read.safeParse(record).data ?? {};
  const { rule, class: of, lane, measured } = infraction ?? {};
  return {
    ...{ unit, sequence, archived, time: new Date(happenedOf(event)).toISOString() },
    ...(id === undefined ? {} : { evidence: id }),
    ...(rule === undefined ? {} : { rule }),
    ...(of === undefined ? {} : { class: of }),
    ...(lane === undefined ? {} : { lane }),
    ...(measured === undefined ? {} : { measured }),
    files: await filesOf(archive, unit, record),
  };
}

async function filesOf(
  archive: Pick<Archive, 'documents'>,
  unit: string,
  record: unknown,
): Promise<InfractionView['files']> {
  const sealed = sealedPackageOf(record);
  if (sealed === undefined) return { here: 0, all: 0, state: 'none' };
  const documents = await archive.documents('blob', `${unit}/${sealed.evidence}/`);
  const asked = documents.map(({ value }) => value as unknown as BlobDocument);
  const [here, all] = [asked.filter(({ state }) => state === 'finished').length, sealed.files.length];
  const failed = asked.find(({ state }) => state === 'failed');
  if (failed !== undefined) {
    return { here, all, state: 'failed', ...(failed.reason === undefined ? {} : { reason: failed.reason }) };
  }
  if (here >= all) return { here, all, state: 'finished' };
  return { here, all, state: asked.some(({ state }) => state === 'asked') ? 'asked' : 'not-asked' };
}
