import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exit } from '../../../device/cli/exit-codes.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { trialAllowance, usualTrial } from '../../update/trial-allowance.ts';
import { UpdateHistory } from '../../update/update-history.ts';
import { emptyState, readUpdateState, writeUpdateState } from '../../update/update-state.ts';
import type { OtaIo } from '../ota-io.ts';
import { askUnit, followJob } from './ask-unit.ts';
import { installAlone } from './install-alone.ts';
import { historyWords, statusWords } from './status-words.ts';
import {
  lookedAt,
  placeOf,
  slotsOf,
  standingOf,
  takeLock,
  type UnitPlace,
  unitRuns,
  workAsUnit,
} from './unit-place.ts';

interface PlaceFlags {
  readonly root?: string;
  readonly image?: string;
}
interface JsonFlags extends PlaceFlags {
  readonly json?: boolean;
}
interface RollBackFlags extends PlaceFlags {
  readonly reason: string;
  readonly who?: string;
}
interface InstallFlags extends PlaceFlags {
  readonly from: string;
  readonly config?: string;
}

/** Adds `status`, `install`, `confirm`, `rollback` and `history`: what a person does to updates at the unit itself. */
export function addUnitCommands(root: Command, io: OtaIo): void {
  const here = (command: Command) =>
    command
      .option('--root <folder>', 'of the slots; else ATALAYA_SLOTS, else /data/program')
      .option('--image <folder>', "of the image's program; else ATALAYA_IMAGE, else /opt/atalaya/image");
  here(root.command('status').description('what runs, what is on trial, and how an update goes on'))
    .option('--json', 'as JSON')
    .action((flags: JsonFlags) => status(flags, io));
  here(root.command('install').description('install the update that lies in a folder, such as a stick'))
    .requiredOption('--from <folder>', 'holds image, director and targets')
    .option('--config <file>', 'configuration of the unit (YAML), where it does not run; else ATALAYA_CONFIG')
    .action((flags: InstallFlags) => install(flags, io));
  here(root.command('confirm').description('keep what is on trial, whatever the self-test says'))
    .option('--yes', 'do not ask')
    .action((flags: PlaceFlags & { readonly yes?: boolean }) => confirm(flags, io));
  here(root.command('rollback').description('give a trial up; without one, try the version before'))
    .requiredOption('--reason <words>', 'why: it is reported, kept, and stands in the evidence')
    .option('--who <name>', 'whose word it is; the account that calls unless said otherwise')
    .action((flags: RollBackFlags) => rollBack(flags, io));
  here(root.command('history').description('what became of updates, newest last'))
    .option('--json', 'one JSON object a line')
    .option('--last <number>', 'so many entries', '20')
    .action((flags: JsonFlags & { readonly last: string }) => history(flags, io));
}

/** A unit takes nothing while it tries something, and a person at a pole should not wait for that without knowing. */
async function needNoTrial(place: UnitPlace): Promise<void> {
  const { trial } = await slotsOf(place).state();
  if (trial === undefined) return;
  throw new AtalayaError(
    'act-refused',
    `slot ${trial.slot.slot} is on trial, for ${trial.minutesLeft} more minutes at most`,
    {
      hint: 'Wait until the unit has tested it, or first: atalaya-ota confirm, or atalaya-ota rollback --reason WORDS.',
    },
  );
}

async function status(flags: JsonFlags, io: OtaIo): Promise<void> {
  const place = placeOf(flags, io.environment);
  if ((await systemTreeFiles.look(place.root).catch(() => ({ kind: 'folder' })))?.kind !== 'folder')
    throw new AtalayaError('usage-invalid', `${place.root} is not there: this is no unit that takes updates`, {
      hint: 'Name the folder of the slots with --root.',
    });
  const runs = await unitRuns(place);
  const standing = await lookedAt(place, standingOf(place, runs, io));
  if (flags.json === true) return io.write(JSON.stringify({ ...standing, unitRuns: runs }));
  for (const line of statusWords(standing, runs, io.width())) io.write(line);
}

async function install({ from, config, ...flags }: InstallFlags, io: OtaIo): Promise<void> {
  const place = placeOf(flags, io.environment);
  const folder = resolve(from);
  await workAsUnit(place, io);
  await lookAt(folder);
  await needNoTrial(place);
  const lock = await takeLock(place);
  if (lock === undefined) {
    const words = await askUnit(place, { act: 'install', from: folder }, io);
    io.note(words);
    return leave(await followJob(place, words.replace(/^job /, ''), io), io);
  }
  try {
    const file = config ?? configOf(io.environment);
    if (file === undefined)
      throw new AtalayaError('usage-invalid', 'the unit does not run', {
        hint: 'Start it, or name its configuration with --config, so that this program knows whom it trusts.',
      });
    leave(await installAlone(place, folder, file, io), io);
  } finally {
    await lock.release();
  }
}

async function confirm({ yes, ...flags }: PlaceFlags & { readonly yes?: boolean }, io: OtaIo): Promise<void> {
  const place = placeOf(flags, io.environment);
  await workAsUnit(place, io);
  const { trial } = await slotsOf(place).state();
  if (trial === undefined) {
    io.note('nothing is on trial: what runs is confirmed');
    return;
  }
  if (!(await unitRuns(place)))
    throw new AtalayaError('act-refused', `slot ${trial.slot.slot} is on trial, and the unit does not run`, {
      hint: 'Start it first: nobody can vouch for a program that does not run.',
    });
  if (yes !== true) {
    const answer = await io.ask?.(`Keep slot ${trial.slot.slot}, whatever its self-test says? (yes/no) `);
    if (answer === undefined)
      throw new AtalayaError('usage-invalid', 'nobody is there to be asked', { hint: 'Add --yes.' });
    if (!/^y(es)?$/i.test(answer.trim())) {
      io.note('it stays on trial');
      return io.leave(exit.failed);
    }
  }
  await askUnit(place, { act: 'confirm' }, io);
  io.write(`slot ${trial.slot.slot} is kept`);
}

async function rollBack({ reason, who, ...flags }: RollBackFlags, io: OtaIo): Promise<void> {
  const place = placeOf(flags, io.environment);
  const { SUDO_USER, LOGNAME, USER } = io.environment;
  const person = who?.trim() || SUDO_USER || LOGNAME || USER || 'a person';
  // What the ledger says is the unit's own act says whose word it was.
  const words = `${person.slice(0, 60)}, at the unit: ${reason.trim()}`.slice(0, 500);
  if (reason.trim() === '')
    throw new AtalayaError('usage-invalid', 'the reason is empty', { hint: 'Say why, in a few words.' });
  await workAsUnit(place, io);
  const lock = await takeLock(place);
  if (lock === undefined) {
    io.write(await askUnit(place, { act: 'roll-back', reason: words }, io));
    return;
  }
  try {
    const slots = slotsOf(place);
    const { trial } = await slots.state();
    if (trial === undefined) {
      const read = await readUpdateState(systemTreeFiles, place.root);
      const state = read.kind === 'read' ? read.state : undefined;
      // Why is kept for the unit that starts next; where nothing is remembered, it is damage that the unit has to see.
      if (state !== undefined)
        await writeUpdateState(systemTreeFiles, place.root, { ...state, goingBack: { wanted: words } });
      else if (read.kind === 'absent')
        await writeUpdateState(systemTreeFiles, place.root, { ...emptyState, goingBack: { wanted: words } });
      await slots.goBack(trialAllowance(usualTrial));
      io.write('the version before is tried at the next start of the unit');
    } else {
      await slots.rollBack(words);
      io.write(`slot ${trial.slot.slot} is given up; the next start is of the version before`);
    }
  } finally {
    await lock.release();
  }
}

async function history(flags: JsonFlags & { readonly last: string }, io: OtaIo): Promise<void> {
  const place = placeOf(flags, io.environment);
  if (!/^[1-9]\d{0,3}$/.test(flags.last))
    throw new AtalayaError('usage-invalid', `--last ${flags.last} is no number from 1 to 9999`);
  const entries = (await lookedAt(place, UpdateHistory.read(systemTreeFiles, place.root))).slice(-Number(flags.last));
  if (flags.json === true) for (const entry of entries) io.write(JSON.stringify(entry));
  else for (const line of historyWords(entries, io.width())) io.write(line);
  if (entries.length === 0) io.note(`nothing has been updated here (${place.root})`);
}

/** A stick that is not there, or is another, is told before anything is asked. */
async function lookAt(folder: string): Promise<void> {
  const there = await Promise.all(
    ['image', 'director'].map(async (name) => (await systemTreeFiles.look(`${folder}/${name}`))?.kind === 'folder'),
  ).catch((cause: unknown) => {
    throw new AtalayaError('usage-invalid', `the account of the unit cannot read ${folder}`, {
      cause,
      hint: 'Mount the stick where every account reads it: sudo mount -o ro,umask=022 /dev/sda1 /mnt',
    });
  });
  if (there.every(Boolean)) return;
  throw new AtalayaError('usage-invalid', `${folder} holds no update: it has no folders image and director`, {
    hint: 'Put the stick in, or name the folder that `atalaya-ota` made for this unit.',
  });
}

const leave = (well: boolean, io: OtaIo): void => io.leave(well ? exit.done : exit.failed);

const configOf = ({ ATALAYA_CONFIG: file }: OtaIo['environment']): string | undefined => file;
