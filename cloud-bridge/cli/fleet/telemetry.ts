import type { z } from 'zod';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { jobUpdate } from '../../../ota/contract/job.ts';
import type { routes } from '../../contract/api.ts';
import { liveKinds } from '../../contract/api-routes.ts';
import type { archivedEvent } from '../../contract/api-views.ts';
import { type Telemetry, telemetry } from '../../contract/events.ts';
import { eventWords } from '../../fleet/event-words.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Cell, Column } from '../../fleet/table.ts';
import { bytesWords, counted, plain, spanWords, timeWords } from '../../fleet/text.ts';
import type { AddCommands } from './exits.ts';
import type { FleetIo } from './fleet-io.ts';
import { requireHeard } from './known-units.ts';
import { type CentreFlags, onCentre, Session, withCentre } from './session.ts';
import { progressWords } from './update-words.ts';
import { watch } from './watching.ts';
import { momentFlag, numberOf, unitOf } from './words.ts';

type ArchivedEvent = z.output<typeof archivedEvent>;

interface LastFlags extends CentreFlags {
  readonly watch?: boolean | number;
}

interface QueryFlags extends CentreFlags {
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

interface LiveFlags extends CentreFlags {
  readonly kinds?: string;
}

/** Adds `telemetry`. */
export const addTelemetry: AddCommands = (root, io) => {
  const figures = root.command('telemetry').description('figures of machines and pipelines');
  onCentre(figures.command('last').description('the newest figures of every unit, or of one'))
    .argument('[unit]', 'of this unit', unitOf)
    .option('--watch [seconds]', 'draw it again every so many seconds; 5 unless said otherwise', numberOf(1, 3600))
    .action((unit: string | undefined, flags: LastFlags) =>
      withCentre(io, flags, (session) => {
        const draw = (to: FleetIo) => last(new Session(to, session.json, session.client, session.signer), unit);
        if (flags.watch === undefined) return draw(io);
        return watch(io, typeof flags.watch === 'number' ? flags.watch : 5, draw);
      }),
    );
  onCentre(figures.command('live').description('events as they come in, a line each, until Ctrl-C'))
    .argument('[unit]', 'of this unit', unitOf)
    .option('--kinds <kinds>', `of ${liveKinds.join(', ')}; telemetry,alert,count unless said otherwise`)
    .action((unit: string | undefined, flags: LiveFlags) =>
      withCentre(io, flags, (session) => live(session, unit, flags)),
    );
  onCentre(figures.command('query').description('figures of a time, the newest first'))
    .argument('<unit>', 'name of the unit', unitOf)
    .option('--from <moment>', '2026-03-01T12:00:00Z, or a time ago: 90m, 12h, 7d')
    .option('--to <moment>', 'likewise')
    .option('--limit <number>', 'no more than so many', numberOf(1, 1000, true), 100)
    .action((unit: string, flags: QueryFlags) => withCentre(io, flags, (session) => query(session, unit, flags)));
};

const machine: readonly Column[] = [
  { head: 'cpu', right: true },
  { head: 'temp', right: true },
  { head: 'memory', right: true },
  { head: 'disk free', right: true },
  { head: 'frames/s', right: true },
  { head: 'queued', right: true },
];

async function last(session: Session, unit: string | undefined): Promise<void> {
  const { client, io } = session;
  if (unit !== undefined) await requireHeard(session, [unit]);
  const units =
    unit === undefined
      ? (await client.call('units', { parameters: {} }, io.signal)).units
      : [await client.call('unit', { parameters: { unit } }, io.signal)];
  const known = units.flatMap((one) => (one.telemetry === undefined ? [] : [{ unit: one.unit, ...one.telemetry }]));
  session.tell({ telemetry: known });
  const now = io.clock.utc();
  session.show(
    [{ head: 'unit' }, { head: 'age', right: true }, ...machine],
    known.map((one) => [
      { text: one.unit },
      { text: spanWords(now - Date.parse(one.time)) },
      ...figuresOf(telemetry.safeParse(one.data).data),
    ]),
    'No unit has sent figures yet. Units send them every cloud.telemetryS seconds, unless flags.sendTelemetry is off.',
  );
}

async function query(session: Session, unit: string, { from, to, limit }: QueryFlags): Promise<void> {
  const { client, io } = session;
  const asked = { from: momentFlag('--from', from, io), to: momentFlag('--to', to, io), limit };
  await requireHeard(session, [unit]);
  const { events } = await client.call('telemetry', { parameters: { unit }, query: asked }, io.signal);
  session.tell({ events });
  session.show(
    [{ head: 'time' }, ...machine],
    events.map(({ time, data }) => [{ text: timeWords(time) }, ...figuresOf(telemetry.safeParse(data).data)]),
    `There are no figures of ${unit} of that time.`,
  );
  if (events.length === limit)
    session.noteCall('More', `${fleetProgram} telemetry query ${unit} --to ${events.at(-1)?.time ?? ''}`);
}

function figuresOf(read: Telemetry | undefined): readonly Cell[] {
  const { machine: of = {}, pipeline = {}, sync = {} } = read ?? {};
  const { cpuLoad, temperatureC, memoryUsedBytes, memoryTotalBytes, diskFreeBytes, throttled } = of;
  const memory =
    memoryUsedBytes === undefined || memoryTotalBytes === undefined || memoryTotalBytes <= 0
      ? undefined
      : memoryUsedBytes / memoryTotalBytes;
  const queued = Object.values(sync.queued ?? {}).reduce((sum, one) => sum + one, 0);
  const frames = pipeline.framesPerSecond;
  return [
    cell(cpuLoad, (load) => `${Math.round(load * 100)} %`),
    cell(
      temperatureC,
      (c) => `${Math.round(c)} C`,
      throttled === true || (temperatureC ?? 0) >= 80 ? 'red' : undefined,
    ),
    cell(memory, (share) => `${Math.round(share * 100)} %`, (memory ?? 0) >= 0.9 ? 'red' : undefined),
    cell(diskFreeBytes, bytesWords),
    cell(frames, (rate) => rate.toFixed(1)),
    cell(sync.queued === undefined ? undefined : queued, (count) => `${count}`),
  ];
}

function cell(figure: number | undefined, words: (figure: number) => string, colour?: Cell['colour']): Cell {
  if (figure === undefined) return { text: '-' };
  return { text: words(figure), ...(colour === undefined ? {} : { colour }) };
}

async function live(session: Session, unit: string | undefined, { kinds }: LiveFlags): Promise<void> {
  const strange = kinds?.split(',').find((kind) => !(liveKinds as readonly string[]).includes(kind));
  if (strange !== undefined) {
    throw new AtalayaError('usage-invalid', `--kinds: ${strange} is no kind of event`, {
      hint: `Kinds: ${liveKinds.join(', ')}.`,
    });
  }
  const { client, io } = session;
  if (unit !== undefined) await requireHeard(session, [unit]);
  for await (const line of client.lines('live', { parameters: {}, query: { unit, kinds } }, io.signal)) {
    if (line.kind === 'missed') {
      session.note(`${counted(line.count, 'event')} missed: this reader was too slow`);
      continue;
    }
    session.tell(line.event);
    session.say(lineOf(line.event));
  }
  if (!io.signal.aborted) session.note('the bridge ended it');
}

type LiveLine = z.output<(typeof routes)['live']['line']>;

function lineOf({ time, unit, kind, data }: LiveLine): string {
  const words = kind === 'update' ? updateWords(data) : summary(kind, data as ArchivedEvent['data']);
  return plain(`${timeWords(time).slice(11)} ${unit} ${kind}: ${words}`);
}

function updateWords(data: unknown): string {
  const said = jobUpdate.safeParse(data).data;
  return said === undefined
    ? 'of a form that this program does not know'
    : [progressWords(said), ...said.reasons].join('; ');
}

function summary(kind: ArchivedEvent['kind'], data: ArchivedEvent['data']): string {
  if (kind !== 'telemetry') return eventWords(kind, data);
  const cells = figuresOf(telemetry.safeParse(data).data);
  return machine.map(({ head }, i) => `${head} ${cells[i]?.text ?? '-'}`).join(', ');
}
