import { Option } from 'commander';
import type { RouteQueryInput, RouteResponse } from '../../contract/api.ts';
import type { InfractionView } from '../../contract/api-views.ts';
import { infractionWords } from '../../fleet/infraction-words.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Cell, Column } from '../../fleet/table.ts';
import { timeWords } from '../../fleet/text.ts';
import { type PullFlags, pull } from './evidence-pull.ts';
import type { AddCommands } from './exits.ts';
import { requireHeard } from './known-units.ts';
import { type CentreFlags, onCentre, type Session, withCentre } from './session.ts';
import { evidencesOf, momentFlag, numberOf, textsOf, unitOf } from './words.ts';

interface ListFlags extends CentreFlags {
  readonly from?: string;
  readonly to?: string;
  readonly before?: string;
  readonly page?: number;
  readonly limit: number;
}

/** Infractions of a page. */
const usualLimit = 50;

/** Adds `evidence`. */
export const addEvidence: AddCommands = (root, io, leave) => {
  const evidence = root.command('evidence').description('infractions and their sealed evidence');
  onCentre(evidence.command('list').description('infractions, the latest first, and how many of their files are here'))
    .argument('[unit]', 'of this unit; of the whole fleet without it', unitOf)
    .option('--from <moment>', '2026-03-01T12:00:00Z, or a time ago: 90m, 12h, 7d')
    .option('--to <moment>', 'likewise')
    .option('--page <number>', 'of the list; 1 is the latest', numberOf(1, 1000, true))
    .addOption(
      new Option('--before <mark>', 'for programs: `next` of the answer before this one, from --json').conflicts(
        'page',
      ),
    )
    .option('--limit <number>', 'no more than so many', numberOf(1, 1000, true), usualLimit)
    .action((unit: string | undefined, flags: ListFlags) =>
      withCentre(io, flags, (session) => list(session, unit, flags)),
    );
  onCentre(evidence.command('pull').description('have a unit send evidence, and write it to a folder'))
    .argument('<unit>', 'name of the unit', unitOf)
    .argument('<evidence...>', 'ids of evidence', evidencesOf)
    .requiredOption(
      '--out <folder>',
      'where it goes, a folder for each evidence; what is there already is not asked for again',
    )
    .option('--file <name>', 'of the files of the record, this one; may be given again', textsOf)
    .option('--hours <number>', 'the centre may ask the unit for so long', numberOf(0.1, 720), 72)
    .option('--wait <seconds>', 'for the unit and its files', numberOf(0, 604_800), 600)
    .action((unit: string, evidenceIds: readonly string[], flags: PullFlags) =>
      withCentre(io, flags, async (session) => leave(await pull(session, unit, evidenceIds, flags))),
    );
};

const columns: readonly Column[] = [
  { head: 'evidence' },
  { head: 'time' },
  { head: 'what', wraps: true },
  { head: 'lane', wraps: true },
  { head: 'files', wraps: true },
];

async function list(session: Session, unit: string | undefined, flags: ListFlags): Promise<void> {
  const { from, to, before, page = 1, limit } = flags;
  const { io } = session;
  const query = { unit, from: momentFlag('--from', from, io), to: momentFlag('--to', to, io), before, limit };
  if (unit !== undefined) await requireHeard(session, [unit]);
  const answer = await pageOf(session, query, page);
  session.tell(answer);
  const narrowed = from !== undefined || to !== undefined || before !== undefined || page > 1;
  session.show(
    columns,
    answer.infractions.map(rowOf),
    `No infraction${unit === undefined ? '' : ` of ${unit}`} is archived${narrowed ? ' of that time' : ''}.`,
  );
  if (answer.next !== undefined) {
    const again = [unit, from && `--from ${from}`, to && `--to ${to}`, limit !== usualLimit && `--limit ${limit}`];
    const place = before === undefined ? `--page ${page + 1}` : `--before ${answer.next}`;
    session.noteCall('More', [fleetProgram, 'evidence list', ...again.filter(Boolean), place].join(' '));
  }
  const pullable = answer.infractions.find(({ files }) => files.here < files.all);
  if (pullable?.evidence !== undefined) {
    session.noteCall('Files', `${fleetProgram} evidence pull ${pullable.unit} ${pullable.evidence} --out FOLDER`);
  }
}

/** Walks to a page: while infractions come in, one that was seen may come again, and none is passed over. */
async function pageOf(
  { client, io }: Session,
  query: RouteQueryInput<'infractions'>,
  page: number,
): Promise<RouteResponse<'infractions'>> {
  let answer = await client.call('infractions', { parameters: {}, query }, io.signal);
  for (let at = 1; at < page; at += 1) {
    if (answer.next === undefined) return { infractions: [] };
    answer = await client.call('infractions', { parameters: {}, query: { ...query, before: answer.next } }, io.signal);
  }
  return answer;
}

function rowOf(view: InfractionView): readonly Cell[] {
  return [
    { text: view.evidence ?? `${view.unit}, entry ${view.sequence}` },
    { text: timeWords(view.time) },
    { text: infractionWords(view) },
    { text: view.lane ?? '-' },
    filesOf(view),
  ];
}

function filesOf({ files: { here, all, state, reason } }: InfractionView): Cell {
  const count = `${here} of ${all}`;
  switch (state) {
    case 'none':
      return { text: 'none sealed', colour: 'dim' };
    case 'failed':
      return { text: `${count}, failed${reason === undefined ? '' : `: ${reason}`}`, colour: 'red' };
    case 'asked':
      return { text: `${count}, on their way`, colour: 'yellow' };
    case 'finished':
      return { text: count, colour: 'green' };
    case 'not-asked':
      return { text: count };
  }
}
