import { Option } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type AlertView, centreItself } from '../../contract/api-views.ts';
import { type AlertState, alertStates } from '../../contract/events.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Cell, Column } from '../../fleet/table.ts';
import { counted, spanWords } from '../../fleet/text.ts';
import type { AddCommands } from './exits.ts';
import { requireHeard } from './known-units.ts';
import { type CentreFlags, onCentre, type Session, withCentre } from './session.ts';
import { unitOf } from './words.ts';

interface ListFlags extends CentreFlags {
  readonly state?: AlertState;
  readonly unit?: string;
}

interface AcknowledgeFlags extends CentreFlags {
  readonly note: string;
}

/** Adds `alerts`: a list unless said otherwise. */
export const addAlerts: AddCommands = (root, io) => {
  const alerts = root.command('alerts').description('what is the matter, and who looks after it');
  onCentre(alerts.command('list', { isDefault: true }).description('alerts that are not closed, the gravest first'))
    .addOption(new Option('--state <state>', 'of this state only; closed ones are shown only so').choices(alertStates))
    .option('--unit <unit>', 'of this unit only', unitOf)
    .action(({ state, unit, ...flags }: ListFlags) =>
      withCentre(io, flags, async (session) => list(session, await fetched(session, { state, unit }))),
    );
  onCentre(alerts.command('acknowledge').description('say that you look after it'))
    .argument('<unit>', 'name of the unit', unitOf)
    .argument('<alert>', 'its name, its id, or the first characters of its id')
    .option('--note <words>', 'what you do about it', '')
    .action((unit: string, alert: string, { note, ...flags }: AcknowledgeFlags) =>
      withCentre(io, flags, async (session) => {
        const { id } = theOne(await fetched(session, { unit, state: undefined }), unit, alert);
        const view = await session.client.call(
          'acknowledgeAlert',
          { parameters: { unit, id }, body: { note } },
          io.signal,
        );
        session.tell(view);
        session.say(`${view.name} of ${view.unit} is acknowledged by ${view.acknowledged?.by ?? 'you'}`);
      }),
    );
};

async function fetched(
  session: Session,
  query: { readonly state: AlertState | undefined; readonly unit: string | undefined },
): Promise<readonly AlertView[]> {
  const { client, io } = session;
  if (query.unit !== undefined && query.unit !== centreItself) await requireHeard(session, [query.unit]);
  return (await client.call('alerts', { parameters: {}, query }, io.signal)).alerts;
}

/** Throws `usage-invalid` where none is meant, or more than one may be. */
function theOne(alerts: readonly AlertView[], unit: string, words: string): AlertView {
  const exact = alerts.filter(({ id, name }) => id === words || name === words);
  const meant = exact.length > 0 ? exact : alerts.filter(({ id }) => words.length >= 4 && id.startsWith(words));
  const [first, second] = meant;
  if (first !== undefined && second === undefined) return first;
  throw new AtalayaError(
    'usage-invalid',
    first === undefined
      ? `${unit} has no open alert ${words}`
      : `${words} may mean ${counted(meant.length, 'alert')} of ${unit}`,
    { hint: `Look: ${fleetProgram} alerts --unit ${unit}; --json shows whole ids.` },
  );
}

const columns: readonly Column[] = [
  { head: 'state', wraps: true },
  { head: 'unit' },
  { head: 'alert' },
  { head: 'since', right: true },
  { head: 'detail', wraps: true },
];

const gravity: Readonly<Record<AlertState, number>> = { critical: 0, raised: 1, closed: 2 };
const colours = { critical: 'red', raised: 'yellow', closed: 'dim' } as const;

function list(session: Session, alerts: readonly AlertView[]): void {
  session.tell({ alerts });
  const now = session.io.clock.utc();
  // Two of one name are told apart by their ids.
  const isTwice = ({ unit, name }: AlertView) =>
    alerts.filter((one) => one.unit === unit && one.name === name).length > 1;
  const isSeen = ({ acknowledged }: AlertView) => Number(acknowledged !== undefined);
  const sorted = [...alerts].sort(
    (a, b) => gravity[a.state] - gravity[b.state] || isSeen(a) - isSeen(b) || b.since.localeCompare(a.since),
  );
  session.show(
    columns,
    sorted.map((alert): readonly Cell[] => [
      stateOf(alert),
      { text: alert.unit },
      { text: alert.name },
      { text: spanWords(now - Date.parse(alert.since)) },
      { text: `${alert.detail}${isTwice(alert) ? ` (${alert.id})` : ''}${noteOf(alert)}` },
    ]),
    `No alert is open. Closed ones: ${fleetProgram} alerts --state closed`,
  );
}

/** Who looks after it, where somebody does; that it is critical, or over, is said all the same. */
function stateOf({ state, acknowledged }: AlertView): Cell {
  if (acknowledged === undefined) return { text: state, colour: colours[state] };
  const by = `acknowledged by ${acknowledged.by}`;
  return state === 'raised' ? { text: by, colour: 'dim' } : { text: `${state}, ${by}`, colour: colours[state] };
}

function noteOf({ acknowledged }: AlertView): string {
  return acknowledged === undefined || acknowledged.note === '' ? '' : ` [${acknowledged.note}]`;
}
