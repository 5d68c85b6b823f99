import type { Command } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { layerName } from '../../contract/api.ts';
import { type EditFlags, editLayer } from './config-edit.ts';
import { diff, history, layers, show } from './config-look.ts';
import { type PushFlags, push, type RollbackFlags, rollback } from './config-push.ts';
import type { AddCommands } from './exits.ts';
import { type CentreFlags, onCentre, withCentre } from './session.ts';
import { backTo, momentOf, numberOf, unitOf, unitsOf, versionOf } from './words.ts';

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
    .option('--again', 'even where a unit refused these settings before, or gave them back')
    .option('--yes', 'without a question');

/** Adds `config`. */
export const addConfig: AddCommands = (root, io, leave) => {
  const config = root.command('config').description('what units are told to be: layers, documents, history');
  onCentre(
    config.command('show').description('the document that was released last, or an earlier one, and what became of it'),
  )
    .argument('<unit>', 'name of the unit', unitOf)
    .argument('[version]', 'of the document', versionOf)
    .action((unit: string, version: number | undefined, flags: CentreFlags) =>
      withCentre(io, flags, (session) => show(session, unit, version)),
    );
  onCentre(
    config
      .command('edit <layer>')
      .summary('change a layer in $EDITOR: fleet, group-NAME, site-NAME, unit-NAME')
      .description(
        'change a layer in $EDITOR: fleet, group-NAME, site-NAME, unit-NAME; in the last, `layers: [group-NAME, site-NAME]` says what the unit belongs to',
      ),
  )
    .option('--settings <file>', 'put this file (YAML) instead of opening an editor')
    .option('--new', 'of a unit that the centre has never heard of, too: prepare it')
    .option('--yes', 'without a question')
    .action((layer: string, flags: EditFlags) =>
      withCentre(io, flags, async (session) => leave(await editLayer(session, layerOf(layer), flags))),
    );
  onCentre(config.command('layers').description('the layers, or how they make up the settings of a unit'))
    .argument('[unit]', 'of this unit', unitOf)
    .action((unit: string | undefined, flags: CentreFlags) =>
      withCentre(io, flags, (session) => layers(session, unit)),
    );
  onCentre(config.command('diff').description('between versions; without them, what a push would change'))
    .argument('<unit>', 'name of the unit', unitOf)
    .argument('[older]', 'version', versionOf)
    .argument('[newer]', 'version; the one that was released last without it', versionOf)
    .action((unit: string, older: number | undefined, newer: number | undefined, flags: CentreFlags) =>
      withCentre(io, flags, (session) => diff(session, unit, older, newer)),
    );
  onDocument(
    onCentre(config.command('push').description('sign what the layers give a unit, and release it')),
    io.clock.utc,
  )
    .argument('<units...>', 'names of units', unitsOf)
    .option('--new', 'for units that the centre has never heard of, too: prepare them')
    .option('--wait [seconds]', 'until the unit says what became of it; 900 unless said otherwise', numberOf(1, 86_400))
    .action((units: readonly string[], flags: PushFlags) =>
      withCentre(io, flags, async (session) => leave(await push(session, units, flags))),
    );
  onCentre(config.command('rollback').description('sign the settings of an earlier version under a new one'))
    .argument('<unit>', 'name of the unit', unitOf)
    .argument('[version]', 'whose settings; those that it runs, or ran before, without it', backTo)
    .option('--note <words>', 'why; stands in the document')
    .option(
      '--probation <minutes>',
      'the unit goes back by itself unless it proves itself within this',
      numberOf(0.05, 1440),
      10,
    )
    .option('--again', 'even where the unit refused these settings before, or gave them back')
    .option('--wait [seconds]', 'until the unit says what became of it; 900 unless said otherwise', numberOf(1, 86_400))
    .option('--yes', 'without a question')
    .action((unit: string, version: number | undefined, flags: RollbackFlags) =>
      withCentre(io, flags, async (session) => leave(await rollback(session, unit, version, flags))),
    );
  onCentre(config.command('history').description('what was released to a unit, the newest first'))
    .argument('<unit>', 'name of the unit', unitOf)
    .action((unit: string, flags: CentreFlags) => withCentre(io, flags, (session) => history(session, unit)));
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
