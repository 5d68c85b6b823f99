import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';
import type { Config } from '../../config/config-schema.ts';
import { ConfigStore } from '../../config/desired/config-store.ts';
import { ConfigView } from '../../config/desired/config-view.ts';
import type { KeeperState } from '../../config/desired/keeper-state.ts';
import { changesBetween } from '../../config/desired/settings.ts';
import { defaultConfig, loadConfig } from '../../config/load-config.ts';
import { publishedConfigSchema } from '../../config/published-config-schema.ts';
import type { JsonValue } from '../../kernel/canonical-json.ts';
import { systemClock } from '../../kernel/clock.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds, seconds, toMilliseconds } from '../../kernel/units.ts';
import { checkConfig } from './check-config.ts';

type Print = (line: string) => void;

interface Place {
  /** The unit's own file. */
  readonly config?: string;
  readonly data?: string;
}

const POLL = milliseconds(200);

/** Where the keeper of a unit's configurations works, in its data folder. */
export const configFolder = (data: string): string => join(data, 'config');

/** Adds `config show`, `check`, `diff`, `history`, `rollback` and `schema`. Results go to `write`, a line each. */
export function addConfigCommands(root: Command, write: Print): void {
  const config = root
    .command('config')
    .description('what the unit is configured with, by its own file and by the centre');
  const here = (command: Command) =>
    command
      .option('--config <file>', "the unit's own file (YAML)")
      .option('--data <folder>', 'its data folder; else the one that the file names');
  here(
    config
      .command('show [version]')
      .description('the configuration in force, or another version that is kept (0: the own file)'),
  )
    .option('--json', 'as JSON instead of YAML')
    .action((version: string | undefined, flags: Place & { readonly json?: boolean }) => show(version, flags, write));
  here(
    config
      .command('check <file>')
      .description('check a configuration file, or a signed document as this unit would (--config names its own file)'),
  ).action((file: string, place: Place) => check(file, place, write));
  here(
    config
      .command('diff [from] [to]')
      .description('fields in which two versions differ; else the own file (0) and what is in force'),
  ).action((from: string | undefined, to: string | undefined, place: Place) => diff(from, to, place, write));
  here(config.command('history').description('documents that were taken and refused here, and what became of them'))
    .option('--json', 'as one JSON object')
    .action((flags: Place & { readonly json?: boolean }) => history(flags, write));
  here(
    config
      .command('rollback')
      .description('go back to what was in force before; a unit that does not run does so when it starts'),
  )
    .option('--to <number>', 'a confirmed version, or 0 for the own file', versionOf)
    .option('--wait <seconds>', 'how long to wait for the running unit', secondsOf, 15)
    .action((flags: Place & { readonly to?: number; readonly wait: number }) => rollback(flags, write));
  config
    .command('schema')
    .description('the JSON Schema of configuration files')
    .action(() => write(publishedConfigSchema().text.trimEnd()));
}

async function show(
  wanted: string | undefined,
  flags: Place & { readonly json?: boolean },
  write: Print,
): Promise<void> {
  const { view } = await viewOf(flags);
  const version = wanted === undefined ? (view.inForce?.version ?? 0) : versionOf(wanted);
  const config = await view.configOf(version);
  if (flags.json) return write(JSON.stringify(config, null, 2));
  write(`# ${titleOf(version, view.state)}`);
  write(stringify(config).trimEnd());
}

async function check(file: string, place: Place, write: Print): Promise<void> {
  const { base, view } = await viewOf(place);
  const inForce = await view.configOf(view.inForce?.version ?? 0);
  for (const line of await checkConfig(resolve(file), base, inForce, view.state?.highest ?? undefined)) write(line);
}

async function diff(from: string | undefined, to: string | undefined, place: Place, write: Print): Promise<void> {
  const { view } = await viewOf(place);
  const inForce = view.inForce?.version ?? 0;
  const before = from === undefined ? 0 : versionOf(from);
  const after = to === undefined ? inForce : versionOf(to);
  const changes = changesBetween(await view.configOf(before), await view.configOf(after));
  write(`${titleOf(before, view.state)} -> ${titleOf(after, view.state)}`);
  if (changes.length === 0) write('no field differs');
  for (const { path, before: was, after: is } of changes) {
    write(path);
    write(`  - ${shown(was)}`);
    write(`  + ${shown(is)}`);
  }
}

async function history(flags: Place & { readonly json?: boolean }, write: Print): Promise<void> {
  const { view } = await viewOf(flags);
  const { state } = view;
  if (flags.json) {
    const { history: taken = [], refused = [] } = state ?? {};
    return write(JSON.stringify({ inForce: view.inForce?.version ?? 0, history: taken, refused }));
  }
  if (state === undefined) return write("no document has come: the unit's own file is in force");
  for (const { version, outcome, settled, by, note, reasons } of state.history) {
    const mark = version === view.inForce?.version ? '*' : ' ';
    const about = note === undefined ? '' : `  ${note}`;
    write(`${mark} ${String(version).padStart(6)}  ${outcome.padEnd(11)} ${settled}  ${by.name} (${by.role})${about}`);
    for (const reason of reasons) write(`          ${reason}`);
  }
  if (view.inForce === null) write("*      0  the unit's own file");
  for (const { at, version, reasons } of state.refused) {
    write(`  ${(version === undefined ? '?' : String(version)).padStart(6)}  refused     ${at}`);
    for (const reason of reasons) write(`          ${reason}`);
  }
}

async function rollback(
  { to, wait, ...place }: Place & { readonly to?: number; readonly wait: number },
  write: Print,
): Promise<void> {
  const { base, folder, view } = await viewOf(place);
  if (view.state === undefined && to !== 0) {
    throw new AtalayaError('usage-invalid', `no document has come to ${folder}: there is nothing to go back from`, {
      hint: 'Name the data folder of the unit with --data.',
    });
  }
  const id = randomUUID();
  const store = new ConfigStore(systemFiles, folder);
  await store.writeRequest({ id, kind: 'rollback', by: userInfo().username, ...(to === undefined ? {} : { to }) });
  const until = systemClock.monotonic() + toMilliseconds(seconds(wait));
  do {
    const { request } = (await ConfigView.open(systemFiles, folder, base)).state ?? {};
    if (request?.id === id && request.done) return write(request.words);
    if (request?.id === id) throw new AtalayaError('usage-invalid', request.words);
    await systemTimer.sleep(POLL);
  } while (systemClock.monotonic() < until);
  write('the unit does not run, or is busy: it goes back when it starts');
}

async function viewOf(place: Place): Promise<{ base: Config; folder: string; view: ConfigView }> {
  const base = place.config === undefined ? defaultConfig() : await loadConfig(place.config);
  const folder = configFolder(resolve(place.data ?? base.evidence.data));
  return { base, folder, view: await ConfigView.open(systemFiles, folder, base) };
}

function titleOf(version: number, state: KeeperState | undefined): string {
  if (version === 0) return "the unit's own file";
  const row = state?.history.find((one) => one.version === version);
  return row === undefined ? `version ${version}` : `version ${version} (${row.outcome}), of ${row.by.name}`;
}

function shown(value: JsonValue | undefined): string {
  return value === undefined ? '(not set)' : JSON.stringify(value);
}

function versionOf(value: string): number {
  const version = /^(0|[1-9][0-9]{0,14})$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(version)) return version;
  throw new InvalidArgumentError("A whole number; 0 is the unit's own file.");
}

function secondsOf(value: string): number {
  const time = Number(value);
  if (Number.isFinite(time) && time >= 0 && time <= 3600) return time;
  throw new InvalidArgumentError('Seconds, up to 3600.');
}
