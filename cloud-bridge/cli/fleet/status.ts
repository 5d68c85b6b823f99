import type { RouteResponse } from '../../contract/api.ts';
import type { UnitView } from '../../contract/api-views.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Cell, Column } from '../../fleet/table.ts';
import { counted, plain, spanWords, timeWords } from '../../fleet/text.ts';
import type { AddCommands } from './exits.ts';
import type { FleetIo } from './fleet-io.ts';
import { requireHeard } from './known-units.ts';
import { type CentreFlags, onCentre, Session, withCentre } from './session.ts';
import { progressWords, runsWords } from './update-words.ts';
import { watch } from './watching.ts';
import { numberOf, unitOf } from './words.ts';

interface StatusFlags extends CentreFlags {
  readonly watch?: boolean | number;
}

interface AcceptFlags extends CentreFlags {
  readonly presented: string;
  readonly reason: string;
}

/** Adds `status` and `accept-key`. */
export const addStatus: AddCommands = (root, io) => {
  onCentre(root.command('status').description('every unit: there or not, health, configuration, alerts'))
    .argument('[unit]', 'more about one of them', unitOf)
    .option('--watch [seconds]', 'draw it again every so many seconds; 5 unless said otherwise', numberOf(1, 3600))
    .action((unit: string | undefined, flags: StatusFlags) =>
      withCentre(io, flags, async (session) => {
        const draw = (to: FleetIo) => status(new Session(to, session.json, session.client, session.signer), unit);
        if (flags.watch === undefined) return draw(io);
        return watch(io, typeof flags.watch === 'number' ? flags.watch : 5, draw);
      }),
    );
  onCentre(root.command('accept-key').description('the unit was given another signing key, and that is in order'))
    .argument('<unit>', 'name of the unit', unitOf)
    .requiredOption('--presented <sha256>', 'id of the key, as `status UNIT` shows it and as the technician has it')
    .requiredOption('--reason <words>', 'why the unit has another key')
    .action((unit: string, { presented, reason, ...flags }: AcceptFlags) =>
      withCentre(io, flags, async (session) => {
        await requireHeard(session, [unit]);
        const body = { key: presented, reason };
        const view = await session.client.call('acceptKey', { parameters: { unit }, body }, io.signal);
        session.tell(view);
        session.say(`records of ${unit} are held against the key ${presented.slice(0, 16)} from now on`);
      }),
    );
};

async function status(session: Session, unit: string | undefined): Promise<void> {
  const { client, io } = session;
  if (unit !== undefined) {
    await requireHeard(session, [unit]);
    const view = await client.call('unit', { parameters: { unit } }, io.signal);
    session.tell(view);
    describe(session, view);
    return sayOfCentre(session, { broker: view.broker }, io.clock.utc());
  }
  const { units, broker, trust } = await client.call('units', { parameters: {} }, io.signal);
  session.tell({ units, ...(broker === undefined ? {} : { broker }), ...(trust === undefined ? {} : { trust }) });
  const now = io.clock.utc();
  const sorted = [...units].sort((a, b) => a.unit.localeCompare(b.unit, 'en', { numeric: true }));
  // Where no unit was ever updated there is nothing to tell of programs.
  const updated = sorted.some(({ update }) => update !== undefined);
  session.show(
    updated ? [...columns.slice(0, 4), { head: 'program', wraps: true }, ...columns.slice(4)] : columns,
    sorted.map((view) => {
      const row = rowOf(view, now);
      return updated ? [...row.slice(0, 4), programOf(view), ...row.slice(4)] : row;
    }),
    `No unit has been heard of.\n  Give one the address of the broker (cloud.broker), and start it; or try: ${fleetProgram} simulate --units 3`,
  );
  sayOfCentre(session, { broker, trust }, now);
  if (sorted.length === 0) return;
  const offline = sorted.filter(({ online }) => !online).length;
  const critical = sorted.reduce((sum, { alerts }) => sum + alerts.critical, 0);
  const raised = sorted.reduce((sum, { alerts }) => sum + alerts.raised, 0);
  session.say(`${counted(sorted.length, 'unit')}, ${offline} offline; alerts: ${critical} critical, ${raised} raised`);
}

/** What everything below depends on: units are as they were when the broker was lost, and nobody may ask once the trust document has ended. */
function sayOfCentre(
  session: Session,
  { broker, trust }: Partial<Pick<RouteResponse<'units'>, 'broker' | 'trust'>>,
  now: number,
) {
  if (broker?.connected === false) {
    const span = spanWords(now - Date.parse(broker.since));
    session.say(`the centre has no broker for ${span}: this is how the units were, and nothing reaches them`, 'red');
  }
  if (trust?.expires === undefined) return;
  const left = Date.parse(trust.expires) - now;
  if (left > trustToldMs) return;
  session.say(
    `the trust document (version ${trust.version}) ends in ${spanWords(left)}: have the next one signed with the root key`,
    'yellow',
  );
}

/** As long before its end as the centre raises `trust-expiring`. */
const trustToldMs = 30 * 24 * 3600 * 1000;

const columns: readonly Column[] = [
  { head: 'unit' },
  { head: 'state' },
  { head: 'health', wraps: true },
  { head: 'config', wraps: true },
  { head: 'alerts', wraps: true },
  { head: 'heard', right: true },
];

function rowOf(view: UnitView, now: number): readonly Cell[] {
  return [
    { text: view.unit, colour: 'bold' },
    view.online ? { text: 'online', colour: 'green' } : { text: 'offline', colour: 'red' },
    healthOf(view),
    configOf(view),
    alertsOf(view),
    { text: spanWords(now - Date.parse(view.lastSeen)) },
  ];
}

const healthColours = { good: 'green', degraded: 'yellow', failed: 'red' } as const;

function healthOf({ state }: UnitView): Cell {
  const health = state?.health;
  return health === undefined ? { text: '-' } : { text: health, colour: healthColours[health] };
}

/** What it has, and what it is to have where that is something else. */
export function configOf({ desired, reported }: Pick<UnitView, 'desired' | 'reported'>): Cell {
  const has = reported?.inForce.version ?? 0;
  const own = has === 0 ? 'its own' : `${has}`;
  if (desired === undefined) return { text: own };
  const about = reported?.version === desired.version ? reported.outcome : undefined;
  if (about === 'confirmed') return { text: `${desired.version} confirmed`, colour: 'green' };
  if (about === 'rejected' || about === 'rolled-back')
    return { text: `${own}; ${desired.version} ${about}`, colour: 'red' };
  return { text: `${own}; ${desired.version} ${about ?? 'sent'}`, colour: 'yellow' };
}

/** What it runs, and how its newest update goes on. */
function programOf({ update }: UnitView): Cell {
  if (update === undefined) return { text: '-' };
  const { status } = update;
  if (status === undefined || status === 'SUCCEEDED') return { text: runsWords(update) };
  const ended = status === 'FAILED' || status === 'REJECTED';
  return { text: `${runsWords(update)}; ${progressWords(update)}`, colour: ended ? 'red' : 'yellow' };
}

function alertsOf({ alerts: { critical, raised } }: UnitView): Cell {
  if (critical > 0) return { text: `${critical} critical${raised > 0 ? `, ${raised} raised` : ''}`, colour: 'red' };
  return raised > 0 ? { text: `${raised} raised`, colour: 'yellow' } : { text: '-' };
}

function describe(session: Session, view: UnitView): void {
  const now = session.io.clock.utc();
  const { state, reported, key, presented, checkpoint } = view;
  const lines: (readonly [string, string | undefined])[] = [
    ['state', view.online ? 'online' : 'offline'],
    ['site', state?.site],
    ['health', state?.health],
    ...(state?.problems ?? []).map((problem) => ['', problem] as const),
    ['software', state?.software],
    ['protocol', state?.protocol === undefined ? undefined : `MQTT ${state.protocol}`],
    ['heard', `${spanWords(now - Date.parse(view.lastSeen))} ago, first ${timeWords(view.firstSeen)}`],
    ['config', configOf(view).text],
    ...(reported?.reasons ?? []).map((reason) => ['', reason] as const),
    ['program', view.update && programOf(view).text],
    ...(view.update?.reasons ?? []).map((reason) => ['', reason] as const),
    ['alerts', alertsOf(view).text],
    ...view.marks.map(({ lane, upTo }) => [lane, `archived up to ${upTo}`] as const),
    [
      'checkpoint',
      checkpoint && `${counted(checkpoint.size, 'entry', 'entries')}, cosigned ${timeWords(checkpoint.cosignedAt)}`,
    ],
    ['key', key?.id],
    ['presented', presented && `${presented.id}: another key, that nobody has accepted; ${fleetProgram} accept-key`],
    ...Object.entries(view.refused).map(([why, count]) => ['refused', `${counted(count, 'message')}: ${why}`] as const),
  ];
  session.say(plain(view.unit), 'bold');
  for (const [name, text] of lines) if (text !== undefined) session.say(`  ${name.padEnd(11)}${text}`);
}
