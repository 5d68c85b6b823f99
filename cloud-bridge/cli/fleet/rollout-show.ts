import type { UpdateBrief } from '../../contract/api-views.ts';
import type { Rollout, RolloutState, RolloutUnit } from '../../contract/rollout.ts';
import type { Cell, Colour, Column } from '../../fleet/table.ts';
import { counted, spanWords, withShortIds } from '../../fleet/text.ts';
import { headlineOf, unjudgedWords } from './rollout-words.ts';
import type { Session } from './session.ts';
import { progressWords } from './update-words.ts';

const stateColours: Readonly<Record<RolloutState, Colour>> = {
  waiting: 'dim',
  running: 'green',
  paused: 'yellow',
  aborted: 'red',
  done: 'green',
  failed: 'red',
};

/** Of one that is done and was to be judged, and was not: as of one that is paused. */
export const rolloutColour = (rollout: Rollout): Colour =>
  rollout.state === 'done' && unjudgedWords(rollout) !== undefined ? 'yellow' : stateColours[rollout.state];

const showColumns: readonly Column[] = [
  { head: 'group', wraps: true },
  { head: 'unit' },
  { head: 'version', right: true },
  { head: 'state' },
  { head: 'since', right: true },
];

const updateColumns = showColumns.map((column): Column => (column.head === 'version' ? { head: 'at' } : column));

/** How far a rollout has got, unit by unit; of an update also where in its work each unit is. */
export async function show(session: Session, id: string): Promise<void> {
  const { client, io } = session;
  const rollout = await client.call('rollout', { parameters: { id } }, io.signal);
  session.tell(rollout);
  const { groups, restoring, update } = rollout;
  const now = io.clock.utc();
  session.say(`rollout ${withShortIds(id)}: ${headlineOf(rollout, now)}`, rolloutColour(rollout));
  if (update !== undefined) session.say(`update to ${update.targets.join(', ')}`);
  const briefs = update === undefined ? new Map<string, UpdateBrief>() : await briefsOf(session);
  session.show(
    update === undefined ? showColumns : updateColumns,
    groups.flatMap(({ name, units }) =>
      units.map((one): readonly Cell[] => {
        const since = one.settledAt ?? one.releasedAt;
        return [
          { text: name, below: [...(one.reasons ?? []), ...restoreWords(one, rollout)] },
          { text: one.unit },
          { text: update === undefined ? `${one.version}` : atOf(one, briefs.get(one.unit)) },
          { text: one.state, ...colourOf(one) },
          { text: since === undefined ? '' : spanWords(now - Date.parse(since)) },
        ];
      }),
    ),
    'It has no units.',
  );
  for (const { name, quality } of groups) {
    if (quality === undefined) continue;
    const colour = quality.verdict === 'dropped' ? 'red' : quality.verdict === 'held' ? 'green' : 'yellow';
    session.say(`work of ${counted(quality.units, 'unit')} of ${name}: ${verdictWords[quality.verdict]}`, colour);
    for (const { words } of quality.measures) session.say(`  ${words}`);
  }
  if (restoring && update !== undefined && !session.json)
    session.note('Units that have not switched are to give it up.');
}

const verdictWords = { held: 'held', dropped: 'dropped', 'not-judged': 'NOT judged' } as const;

async function briefsOf({ client, io }: Session): Promise<ReadonlyMap<string, UpdateBrief>> {
  const { units } = await client.call('units', { parameters: {} }, io.signal);
  return new Map(units.flatMap(({ unit, update }) => (update === undefined ? [] : [[unit, update] as const])));
}

/** Where in its work a unit is that has the update, and nothing of any other. */
function atOf({ state }: RolloutUnit, brief: UpdateBrief | undefined): string {
  if (brief === undefined || state === 'waiting' || state === 'skipped') return '-';
  return brief.about === brief.job ? progressWords(brief) : 'given';
}

function restoreWords({ restore, rollback }: RolloutUnit, { restoring, update }: Rollout): readonly string[] {
  if (update !== undefined)
    return restore === undefined ? [] : [`to give it up: ${restore.state}`, restore.reason ?? ''].filter(Boolean);
  if (restore !== undefined)
    return [`back to what was, as version ${rollback}: ${restore.state}`, restore.reason ?? ''].filter(Boolean);
  return restoring && rollback === undefined ? ['no rollback document'] : [];
}

function colourOf({ state }: RolloutUnit): { readonly colour?: Colour } {
  if (state === 'confirmed') return { colour: 'green' };
  if (state === 'waiting' || state === 'skipped') return { colour: 'dim' };
  return { colour: state === 'releasing' || state === 'released' ? 'yellow' : 'red' };
}
