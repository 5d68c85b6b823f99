import { AtalayaError } from '../../../device/kernel/errors.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Column } from '../../fleet/table.ts';
import { counted, timeWords, withShortIds } from '../../fleet/text.ts';
import { onDocument } from './config.ts';
import { type AddCommands, type Exit, exit } from './exits.ts';
import type { FleetIo } from './fleet-io.ts';
import { tellState } from './rollout-hand-in.ts';
import { rolloutColour, show } from './rollout-show.ts';
import { type StartFlags, startRollout } from './rollout-start.ts';
import { addUpdateOptions, startUpdate, type UpdateFlags } from './rollout-update.ts';
import { standingOf, unjudgedWords } from './rollout-words.ts';
import { agreed, type CentreFlags, onCentre, Session, withCentre } from './session.ts';
import { watch } from './watching.ts';
import { numberOf, shareOf, textsOf } from './words.ts';

interface ShowFlags extends CentreFlags {
  readonly watch?: boolean | number;
}

interface SteerFlags extends CentreFlags {
  readonly reason: string;
  readonly restore?: boolean;
  readonly yes?: boolean;
}

/** Adds `rollout`. */
export const addRollout: AddCommands = (root, io, leave) => {
  const rollouts = root.command('rollout').description('a configuration or an update for many units, group by group');
  addUpdateOptions(
    onDocument(
      onCentre(
        rollouts
          .command('start')
          .description('sign what the layers give each unit, and begin; or, with --update, an update'),
      ),
      io.clock.utc,
    ),
  )
    .option(
      '--group <name=units>',
      'who goes together: NAME=UNIT,UNIT or NAME=rest; given again, the next group',
      textsOf,
    )
    .option('--groups <file>', 'the groups from a file (YAML)')
    .option('--success <share>', 'of a group that must have confirmed before the next begins', shareOf, 1)
    .option('--errors <share>', 'of a group that may fail; more ends the rollout', shareOf, 0)
    .option(
      '--deadline <minutes>',
      'a unit that has no outcome by then has failed; 60 unless said otherwise, a day and the spread for an update',
      numberOf(0.05, 43_200),
    )
    .option('--rest <minutes>', 'between a group and the next', numberOf(0, 43_200), 0)
    .option(
      '--most <units>',
      'on trial at the same time; a whole group unless said otherwise',
      numberOf(1, 10_000, true),
    )
    .option('--not-before <moment>', 'begin then')
    .option('--no-rollbacks', 'sign nothing that could give the units back what they have')
    .action((flags: StartFlags & UpdateFlags) =>
      withCentre(io, flags, async (session) =>
        leave(await (flags.update === undefined ? startRollout(session, flags) : startUpdate(session, flags))),
      ),
    );
  onCentre(rollouts.command('list').description('all rollouts, the newest first')).action((flags: CentreFlags) =>
    withCentre(io, flags, list),
  );
  onCentre(rollouts.command('show <id>').description('how far one has got, unit by unit'))
    .option('--watch [seconds]', 'draw it again every so many seconds; 5 unless said otherwise', numberOf(1, 3600))
    .action((words: string, flags: ShowFlags) =>
      withCentre(io, flags, async (session) => {
        const id = await idOf(session, words);
        const draw = (to: FleetIo) => show(new Session(to, session.json, session.client, session.signer), id);
        if (flags.watch === undefined) return draw(io);
        return watch(io, typeof flags.watch === 'number' ? flags.watch : 5, draw);
      }),
    );
  const steer = (way: 'pause' | 'resume' | 'abort', about: string) =>
    onCentre(rollouts.command(`${way} <id>`).description(about)).requiredOption('--reason <words>', 'why');
  for (const [way, about] of [
    ['pause', 'release nothing more until it is resumed'],
    ['resume', 'go on with one that was paused'],
  ] as const) {
    steer(way, about).action((words: string, { reason, ...flags }: SteerFlags) =>
      withCentre(io, flags, async (session) => {
        const id = await idOf(session, words);
        const name = way === 'pause' ? 'pauseRollout' : 'resumeRollout';
        tellState(session, await session.client.call(name, { parameters: { id }, body: { reason } }, io.signal));
      }),
    );
  }
  steer('abort', 'end one for good')
    .option('--restore', 'give the units that it had reached back what they had')
    .option('--yes', 'without a question')
    .action((words: string, flags: SteerFlags) =>
      withCentre(io, flags, async (session) => leave(await abort(session, words, flags))),
    );
};

async function abort(session: Session, words: string, { reason, restore = false, yes }: SteerFlags): Promise<Exit> {
  const { client, io } = session;
  const id = await idOf(session, words);
  const { update } = await client.call('rollout', { parameters: { id } }, io.signal);
  if (update !== undefined && restore)
    throw new AtalayaError(
      'usage-invalid',
      'an update is taken back from units that have not switched, and given back by none',
      {
        hint: "Abort it without --restore. A unit goes back to what it had on a technician's word, or by an update of a higher release.",
      },
    );
  const how =
    update !== undefined
      ? '; units that have not switched are to give it up'
      : restore
        ? ' and give the units back what they had'
        : '; what units have they keep';
  if (!(await agreed(io, yes, `Abort the rollout ${withShortIds(id)}${how}?`))) {
    session.note('The rollout stays as it is.');
    return exit.failed;
  }
  tellState(session, await client.call('abortRollout', { parameters: { id }, body: { reason, restore } }, io.signal));
  return exit.done;
}

/** An id, or its first characters. Throws `usage-invalid`. */
async function idOf({ client, io }: Session, words: string): Promise<string> {
  const { rollouts } = await client.call('rollouts', { parameters: {} }, io.signal);
  const meant = rollouts.filter(({ id }) => id === words || (words.length >= 4 && id.startsWith(words)));
  const [first, second] = meant;
  if (first !== undefined && second === undefined) return first.id;
  throw new AtalayaError(
    'usage-invalid',
    first === undefined ? `there is no rollout ${words}` : `${words} may mean ${counted(meant.length, 'rollout')}`,
    { hint: `Look: ${fleetProgram} rollout list` },
  );
}

const listColumns: readonly Column[] = [
  { head: 'rollout' },
  { head: 'state' },
  { head: 'units', right: true },
  { head: 'started' },
  { head: 'by', wraps: true },
];

async function list(session: Session): Promise<void> {
  const { rollouts } = await session.client.call('rollouts', { parameters: {} }, session.io.signal);
  session.tell({ rollouts });
  const now = session.io.clock.utc();
  session.show(
    listColumns,
    rollouts.map((one) => {
      const { id, groups, created, by, note, reason, update } = one;
      const units = groups.flatMap((group) => group.units);
      const what = update === undefined ? undefined : `update to ${update.targets.join(', ')}`;
      const confirmed = units.filter(({ state }) => state === 'confirmed').length;
      const [state, waits] = standingOf(one, now).split(', ', 2);
      const words = [what, note, reason, unjudgedWords(one), waits];
      return [
        { text: id.slice(0, 8), below: words.filter((line) => line !== undefined) },
        { text: state ?? '', colour: rolloutColour(one) },
        { text: `${confirmed}/${units.length}` },
        { text: timeWords(created) },
        { text: by },
      ];
    }),
    `There was no rollout yet. Change a layer: ${fleetProgram} config edit fleet\n  Then: ${fleetProgram} rollout start --group canaries=UNIT --group all=rest`,
  );
}
