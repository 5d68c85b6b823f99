import type { GivenJobView, UnitUpdateView } from '../../contract/updates.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Colour, Column } from '../../fleet/table.ts';
import { bytesWords, plain, timeWords } from '../../fleet/text.ts';
import type { AddCommands } from './exits.ts';
import type { FleetIo } from './fleet-io.ts';
import { requireHeard } from './known-units.ts';
import { type CentreFlags, onCentre, Session, withCentre } from './session.ts';
import { progressWords } from './update-words.ts';
import { watch } from './watching.ts';
import { numberOf, unitOf } from './words.ts';

interface ListFlags extends CentreFlags {
  readonly patches?: boolean;
}

interface ShowFlags extends CentreFlags {
  readonly watch?: boolean | number;
}

/** Adds `updates`. */
export const addUpdates: AddCommands = (root, io) => {
  const updates = root.command('updates').description('what units may be updated to, and what they run');
  onCentre(updates.command('list').description('the published targets, the newest release first'))
    .option('--patches', 'the patches too')
    .action((flags: ListFlags) => withCentre(io, flags, (session) => list(session, flags.patches === true)));
  onCentre(updates.command('show').description('what a unit runs by its signed word, its update, and those before'))
    .argument('<unit>', 'name of the unit', unitOf)
    .option('--watch [seconds]', 'draw it again every so many seconds; 5 unless said otherwise', numberOf(1, 3600))
    .action((unit: string, flags: ShowFlags) =>
      withCentre(io, flags, (session) => {
        const draw = (to: FleetIo) => show(new Session(to, session.json, session.client, session.signer), unit);
        if (flags.watch === undefined) return draw(io);
        return watch(io, typeof flags.watch === 'number' ? flags.watch : 5, draw);
      }),
    );
};

const listColumns: readonly Column[] = [
  { head: 'target', whole: true },
  { head: 'component' },
  { head: 'version' },
  { head: 'release', right: true },
  { head: 'hardware', wraps: true },
  { head: 'size', right: true },
];

async function list(session: Session, patches: boolean): Promise<void> {
  const { signs, targets } = await session.client.call('updates', { parameters: {} }, session.io.signal);
  const shown = targets.filter(({ description }) => patches || description.patchFrom === undefined);
  session.tell({ signs, targets: shown });
  session.show(
    listColumns,
    shown.map(({ target, length, description: { kind, name, version, release, hardware } }) => [
      { text: target },
      { text: `${kind} ${name}` },
      { text: version },
      { text: `${release}` },
      { text: hardware.join(', ') },
      { text: bytesWords(length) },
    ]),
    signs
      ? 'Nothing is published.\n  Make a bundle, have it signed and publish it: atalaya-ota bundle, sign, publish'
      : 'This bridge gives no updates: name its update repository in its configuration (updates.repository).',
  );
}

const historyColumns: readonly Column[] = [
  { head: 'job' },
  { head: 'given' },
  { head: 'by', wraps: true },
  { head: 'became' },
];

async function show(session: Session, unit: string): Promise<void> {
  await requireHeard(session, [unit]);
  const view = await session.client.call('unitUpdates', { parameters: { unit } }, session.io.signal);
  session.tell(view);
  session.say(plain(unit), 'bold');
  for (const [name, text, colour] of linesOf(view)) session.say(`  ${name.padEnd(11)}${text}`, colour);
  session.show(
    historyColumns,
    view.history.map((given) => [
      {
        text: given.job.id,
        below: [given.job.install.length === 0 ? 'takes back what was given' : given.job.install.join(', ')],
      },
      { text: timeWords(given.job.issued) },
      { text: given.by },
      becameOf(given),
    ]),
    `It was never given an update. Give one: ${fleetProgram} rollout start --update TARGET --group one=${unit}`,
  );
}

function becameOf({ became, refused, waits }: GivenJobView) {
  if (refused !== undefined) return { text: 'not signed', below: [refused] };
  if (became !== undefined) return { text: became.step, colour: colourOf(became.status), below: became.reasons };
  return waits === undefined ? { text: 'open' } : { text: 'not signed yet', below: [waits] };
}

function colourOf(status: string): Colour {
  return status === 'SUCCEEDED' ? 'green' : status === 'CANCELED' || status === 'REMOVED' ? 'dim' : 'red';
}

function linesOf({ said, report: kept, newest }: UnitUpdateView): readonly (readonly [string, string, Colour?])[] {
  const lines: (readonly [string, string, Colour?])[] = [];
  if (kept === undefined) lines.push(['runs', 'it has sent no version report', 'yellow']);
  else {
    const { report, verdict, reason } = kept;
    lines.push(['slot', `${report.slot}${report.trial ? ', on trial' : ''}`]);
    for (const { kind, name, version, release } of report.parts)
      lines.push([kind, `${name} ${version}, release ${release}`]);
    const good = verdict === 'good';
    const words = good ? 'signed by the unit' : (reason ?? verdictWords[verdict]);
    lines.push(['report', `${timeWords(report.at)}, ${words}`, good ? 'green' : 'red']);
    for (const refused of report.refused)
      lines.push(['refused', `${timeWords(refused.at)} ${refused.reason}`, 'yellow']);
  }
  if (newest !== undefined)
    lines.push(['job', `${newest.job.id}: ${newest.job.install.join(', ') || 'gives up what there was'}`]);
  if (said !== undefined) {
    const wait = typeof said.waitsUntil === 'string' ? `, until ${timeWords(said.waitsUntil)}` : '';
    lines.push(['update', `${progressWords(said)} (${said.status})${wait}`]);
    for (const reason of said.reasons) lines.push(['', reason]);
  }
  return lines;
}

const verdictWords = {
  refused: 'not believed',
  'no-key': 'not checked: the unit has not said which key it signs with',
  unchecked: 'not checked here',
} as const;
