import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { layerName } from '../../contract/api.ts';
import { settingChanges } from '../../fleet/settings-diff.ts';
import type { Cell, Column } from '../../fleet/table.ts';
import { plain, timeWords } from '../../fleet/text.ts';
import { allLayers, type ConfigHistory, configOfUnit, showChanges } from './config-documents.ts';
import { type EditFlags, editLayer } from './config-edit.ts';
import { type PushFlags, push, type RollbackFlags, rollback } from './config-push.ts';
import type { AddCommands } from './exits.ts';
import { type CentreFlags, onCentre, type Session, withCentre } from './session.ts';
import { composeLayers } from './settings.ts';
import { configOf } from './status.ts';
import { momentOf, numberOf, unitOf, unitsOf, versionOf } from './words.ts';

/** Options of whatever signs a configuration. */
export const onDocument = (command: Command, now: () => number): Command =>
  command
    .option('--note <words>', 'why; stands in the document')
    .option(
      '--probation <minutes>',
      'the unit goes back by itself unless it proves itself within this',
      numberOf(0.05, 1440),
      10,
    )
    .option('--expires <date>', 'not to be applied from then on', (text) => expiryOf(text, now()))
    .option('--settings <file>', 'these settings (YAML) instead of those of the layers')
    .option('--yes', 'without a question');

/** Adds `config`. */
export const addConfig: AddCommands = (root, io, leave) => {
  const config = root.command('config').description('what units are told to be: layers, documents, history');
  onCentre(
    config
      .command('show <unit> [version]')
      .description('the document that was released last, or an earlier one, and what became of it'),
  ).action((unit: string, version: string | undefined, flags: CentreFlags) =>
    withCentre(io, flags, (session) =>
      show(session, unitOf(unit), version === undefined ? undefined : versionOf(version)),
    ),
  );
  onCentre(
    config.command('edit <layer>').description('change a layer in $EDITOR: fleet, group-NAME, site-NAME, unit-NAME'),
  )
    .option('--settings <file>', 'put this file (YAML) instead of opening an editor')
    .option('--yes', 'without a question')
    .addHelpText('after', '\nIn a layer unit-NAME, `layers: [group-NAME, site-NAME]` says what the unit belongs to.')
    .action((layer: string, flags: EditFlags) =>
      withCentre(io, flags, async (session) => leave(await editLayer(session, layerOf(layer), flags))),
    );
  onCentre(config.command('layers').description('the layers, or how they make up the settings of a unit'))
    .argument('[unit]', 'of this unit', unitOf)
    .action((unit: string | undefined, flags: CentreFlags) =>
      withCentre(io, flags, (session) => layers(session, unit)),
    );
  onCentre(
    config
      .command('diff <unit> [older] [newer]')
      .description('between versions; without them, what a push would change'),
  ).action((unit: string, older: string | undefined, newer: string | undefined, flags: CentreFlags) =>
    withCentre(io, flags, (session) =>
      diff(
        session,
        unitOf(unit),
        older === undefined ? undefined : versionOf(older),
        newer === undefined ? undefined : versionOf(newer),
      ),
    ),
  );
  onDocument(
    onCentre(config.command('push').description('sign what the layers give a unit, and release it')),
    io.clock.utc,
  )
    .argument('<units...>', 'names of units', unitsOf)
    .option('--wait [seconds]', 'until the unit says what became of it; 900 unless said otherwise', numberOf(1, 86_400))
    .action((units: readonly string[], flags: PushFlags) =>
      withCentre(io, flags, async (session) => leave(await push(session, units, flags))),
    );
  onCentre(
    config.command('rollback <unit> [version]').description('sign the settings of an earlier version under a new one'),
  )
    .option('--note <words>', 'why; stands in the document')
    .option(
      '--probation <minutes>',
      'the unit goes back by itself unless it proves itself within this',
      numberOf(0.05, 1440),
      10,
    )
    .option('--wait [seconds]', 'until the unit says what became of it; 900 unless said otherwise', numberOf(1, 86_400))
    .option('--yes', 'without a question')
    .action((unit: string, version: string | undefined, flags: RollbackFlags) =>
      withCentre(io, flags, async (session) =>
        leave(await rollback(session, unitOf(unit), version === undefined ? undefined : versionOf(version), flags)),
      ),
    );
  onCentre(config.command('history <unit>').description('what was released to a unit, the newest first')).action(
    (unit: string, flags: CentreFlags) => withCentre(io, flags, (session) => history(session, unitOf(unit))),
  );
};

function expiryOf(text: string, now: number): string {
  const moment = momentOf(text, now as never);
  if (moment !== undefined && Date.parse(moment) > now) return moment;
  throw new AtalayaError('usage-invalid', `--expires ${text} is no moment that is yet to come`, {
    hint: 'Write it as 2026-03-01T12:00:00Z.',
  });
}

function layerOf(text: string): string {
  const read = layerName.safeParse(text);
  if (read.success) return read.data;
  throw new AtalayaError('usage-invalid', `${text} is no layer`, {
    hint: 'Layers are fleet, group-NAME, site-NAME and unit-NAME, of lower-case letters, digits and dashes.',
  });
}

async function show(session: Session, unit: string, version: number | undefined): Promise<void> {
  const { client, io } = session;
  if (version !== undefined) {
    const parameters = { unit, version: `${version}` };
    const document = await client.call('configVersion', { parameters }, io.signal);
    session.tell(document);
    return say(session, document.settings);
  }
  const known = await configOfUnit(session, unit);
  const { desired, reported } = known;
  session.tell({ desired, reported });
  if (desired === undefined) {
    return session.say(
      `Nothing was ever released to ${unit}: it runs with its own file.\n  Write a layer (config edit unit-${unit}), then: config push ${unit}`,
    );
  }
  session.say(
    `${unit}: version ${desired.version}, issued ${timeWords(desired.issued)}${desired.note === undefined ? '' : `, ${desired.note}`}`,
    'bold',
  );
  const { text, colour } = configOf({ desired: { version: desired.version, sha256: '' }, reported });
  session.say(`in force: ${text}`, colour);
  for (const reason of reported?.reasons ?? []) session.say(`  ${reason}`);
  say(session, desired.settings);
}

function say(session: Session, settings: Readonly<Record<string, JsonValue>>): void {
  const text =
    Object.keys(settings).length === 0 ? "(no settings: the unit's own file)" : stringify(settings).trimEnd();
  for (const line of text.split('\n')) session.say(plain(line));
}

async function diff(
  session: Session,
  unit: string,
  older: number | undefined,
  newer: number | undefined,
): Promise<void> {
  const { client, io } = session;
  const known = await configOfUnit(session, unit);
  const released = known.desired?.settings ?? {};
  const of = async (version: number) =>
    (await client.call('configVersion', { parameters: { unit, version: `${version}` } }, io.signal)).settings;
  const before = older === undefined ? released : await of(older);
  const after =
    older === undefined
      ? composeLayers(unit, await allLayers(session)).settings
      : newer === undefined
        ? released
        : await of(newer);
  const changes = settingChanges(before, after);
  session.tell({ unit, changes });
  const names = [
    older ?? known.desired?.version ?? 'nothing',
    older === undefined ? 'the layers' : (newer ?? known.desired?.version ?? 'nothing'),
  ];
  session.say(`${unit}: from ${names[0]} to ${names[1]}`, 'bold');
  showChanges(session, changes);
  if (changes.length === 0) session.say('  Nothing differs.');
}

const layerColumns: readonly Column[] = [
  { head: 'layer' },
  { head: 'version', right: true },
  { head: 'fields', wraps: true },
];

async function layers(session: Session, unit: string | undefined): Promise<void> {
  const all = await allLayers(session);
  if (unit !== undefined) {
    const composed = composeLayers(unit, all);
    session.tell({ unit, ...composed });
    session.say(`${unit}: ${composed.layers.length === 0 ? 'no layer' : composed.layers.join(', then ')}`, 'bold');
    return session.json ? undefined : say(session, composed.settings);
  }
  session.tell({ layers: all });
  session.show(
    layerColumns,
    all.map(({ name, version, settings }) => [
      { text: name },
      { text: `${version}` },
      {
        text: settingChanges({}, settings)
          .map(({ path }) => path)
          .join(', '),
      },
    ]),
    'There is no layer yet. Begin with: atalaya-fleet config edit fleet',
  );
}

const historyColumns: readonly Column[] = [
  { head: 'version', right: true },
  { head: 'released' },
  { head: 'by', wraps: true },
  { head: 'state' },
  { head: 'note, reasons', wraps: true },
];

async function history(session: Session, unit: string): Promise<void> {
  const { history: all, reported } = await configOfUnit(session, unit);
  session.tell({ unit, history: all, reported });
  session.show(
    historyColumns,
    all.map(({ version, released, by, note, became }) => [
      { text: `${version}` },
      { text: timeWords(released) },
      { text: by },
      stateOf(version, reported, became),
      { text: [note ?? '', ...(became?.reasons ?? [])].filter((words) => words !== '').join('; ') },
    ]),
    `Nothing was ever released to ${unit}. Write a layer (config edit unit-${unit}), then: config push ${unit}`,
  );
}

/** What became of a version. The newest report has the word where a centre keeps none by version. */
function stateOf(
  version: number,
  reported: ConfigHistory['reported'],
  became: ConfigHistory['history'][number]['became'],
): Cell {
  const outcome = became?.outcome ?? (reported?.version === version ? reported.outcome : undefined);
  if (outcome === 'rolled-back' || outcome === 'rejected') return { text: outcome, colour: 'red' };
  const inForce = reported?.inForce.version === version;
  if (outcome === undefined || outcome === 'none') return { text: inForce ? 'in force' : '' };
  return inForce && outcome === 'confirmed' ? { text: outcome, colour: 'green' } : { text: outcome };
}
