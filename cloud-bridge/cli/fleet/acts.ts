import { z } from 'zod';
import type { Column } from '../../fleet/table.ts';
import { safeJson, timeWords } from '../../fleet/text.ts';
import type { AddCommands } from './exits.ts';
import { namesOf } from './people-names.ts';
import { type CentreFlags, onCentre, withCentre } from './session.ts';
import { numberOf } from './words.ts';

interface ActsFlags extends CentreFlags {
  readonly from?: number;
  readonly limit: number;
}

const columns: readonly Column[] = [
  { head: 'no', right: true },
  { head: 'time' },
  { head: 'key' },
  { head: 'act', wraps: true },
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
  onCentre(root.command('acts').description('who did what, as the centre keeps it'))
    .option('--from <number>', 'from this one on', numberOf(1, Number.MAX_SAFE_INTEGER, true))
    .option('--limit <number>', 'no more than so many', numberOf(1, 1000, true), 100)
    .action(({ from, limit, ...flags }: ActsFlags) =>
      withCentre(io, flags, async (session) => {
        const { acts } = await session.client.call('acts', { parameters: {}, query: { from, limit } }, io.signal);
        const people = await namesOf(session);
        session.tell({ acts });
        session.show(
          columns,
          acts.map(({ number, time, act, outcome }) => {
            const read = shown.safeParse(act);
            const { method, path, signature } = read.success ? read.data : {};
            const key = signature?.key;
            return [
              { text: `${number}` },
              { text: timeWords(time) },
              { text: key === undefined ? 'centre' : (people.get(key) ?? key.slice(0, 8)) },
              { text: method === undefined ? safeJson(act) : `${method} ${path ?? ''}` },
              { text: outcome },
            ];
          }),
          from === undefined ? 'Nobody has done anything yet.' : `There is no act from ${from} on.`,
        );
        const last = acts.at(-1);
        if (last !== undefined && acts.length === limit) session.note(`More: acts --from ${last.number + 1}`);
      }),
    );
};
