import { z } from 'zod';
import type { ActEntryView } from '../../contract/api-views.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Column } from '../../fleet/table.ts';
import { safeJson, timeWords, withShortIds } from '../../fleet/text.ts';
import type { AddCommands } from './exits.ts';
import { namesOf } from './people-names.ts';
import { type CentreFlags, onCentre, withCentre } from './session.ts';
import { numberOf } from './words.ts';

interface ActsFlags extends CentreFlags {
  readonly from?: number;
  readonly before?: number;
  readonly limit: number;
}

const columns: readonly Column[] = [
  { head: 'no', right: true },
  { head: 'time' },
  { head: 'who', wraps: true },
  { head: 'act', wraps: true, whole: true },
  { head: 'outcome', wraps: true },
];

/** What is shown of an act, as far as it is one of a person. */
const shown = z.looseObject({
  method: z.string().optional(),
  path: z.string().optional(),
  signature: z.looseObject({ key: z.string() }).optional(),
});

/** Adds `acts`: the chain of what people did. */
export const addActs: AddCommands = (root, io) => {
  const number = numberOf(1, Number.MAX_SAFE_INTEGER, true);
  onCentre(
    root
      .command('acts')
      .description(
        'who did what, as the centre keeps it; the newest first. `allowed`: role and signature of the person were good; whether it could be done, the next look says',
      ),
  )
    .option('--from <number>', 'in the order of the chain instead, from this one on; 1 is the beginning', number)
    .option('--before <number>', 'only what came before this one', number)
    .option('--limit <number>', 'no more than so many', numberOf(1, 1000, true), 100)
    .action(({ from, before, limit, ...flags }: ActsFlags) =>
      withCentre(io, flags, async (session) => {
        const inOrder = from !== undefined;
        const query = { ...(inOrder ? { from } : { before, order: 'newest' }), limit };
        const { acts } = await session.client.call('acts', { parameters: {}, query }, io.signal);
        const people = await namesOf(session);
        session.tell({ acts });
        session.show(
          columns,
          acts.map((entry) => rowOf(entry, people).map((text) => ({ text }))),
          inOrder ? `There is no act from ${from} on.` : 'Nobody has done anything yet.',
        );
        const last = acts.at(-1);
        if (last === undefined || acts.length < limit) return;
        if (inOrder) session.noteCall('More', `${fleetProgram} acts --from ${last.number + 1}`);
        else if (last.number > 1) session.noteCall('More', `${fleetProgram} acts --before ${last.number}`);
      }),
    );
};

function rowOf(
  { number, time, act, outcome, about }: ActEntryView,
  people: ReadonlyMap<string, string>,
): readonly string[] {
  const { method, path, signature } = shown.safeParse(act).data ?? {};
  const key = signature?.key;
  const name = key === undefined ? undefined : people.get(key);
  const who = key === undefined ? 'centre' : [...(name === undefined ? [] : [name]), key.slice(0, 8)].join(' ');
  return [
    `${number}`,
    timeWords(time),
    who,
    withShortIds(about ?? (method === undefined ? safeJson(act) : `${method} ${path ?? ''}`)),
    name !== undefined && outcome.startsWith(`allowed: ${name}, `) ? 'allowed' : outcome,
  ];
}
