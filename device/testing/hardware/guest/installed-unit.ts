import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { serviceFiles, usualService } from '../../../../provisioning/service/service-files.ts';

/** The service as systemd knows it. */
export const unitService = 'atalaya-unit.service';
/** systemd's `StateDirectory` of the service. */
export const stateFolder = '/var/lib/atalaya';

export interface UnitState {
  readonly ActiveState: string;
  readonly SubState: string;
  readonly Result: string;
  readonly StatusText: string;
  readonly MainPID: string;
  readonly NRestarts: string;
  readonly ExecMainStatus: string;
}

/** Something is written once and read by the service's account alone or by everybody. */
export interface GivenFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly executable?: boolean;
}

/**
 * Installs the unit as a technician's machine has it: the service, the account and the rules of the devices, word for word as
 * `provisioning/service` makes them. Two things differ: which Node is started, since the packages' own links are not on this disk,
 * and where it keeps what it has compiled.
 */
export function installUnit(tree: string, config: string, given: readonly GivenFile[]): void {
  const settings = { ...usualService, program: tree, config };
  for (const { path, text } of serviceFiles(settings)) write({ path: join('/', path), content: text });
  const start = serviceFiles(settings)
    .find(({ path }) => path.endsWith(`/${unitService}`))
    ?.text.match(/^ExecStart=(\S+)(.*)$/m);
  if (!start) throw new Error(`${unitService} has no ExecStart`);
  write({
    path: `/etc/systemd/system/${unitService}.d/bench.conf`,
    content: `[Service]\nExecStart=\nExecStart=${process.execPath}${start[2]}\nEnvironment=NODE_COMPILE_CACHE=${stateFolder}/compiled\n`,
  });
  for (const file of given) write(file);
  run('systemd-sysusers');
  run('systemd-tmpfiles', '--create', '/etc/tmpfiles.d/atalaya.conf');
  for (const { path } of given) if (path.startsWith(stateFolder)) run('chown', 'atalaya:atalaya', path);
  run('udevadm', 'control', '--reload');
  run('udevadm', 'trigger', '--settle', '--subsystem-match=gpio', '--subsystem-match=watchdog');
  run('systemctl', 'daemon-reload');
}

/** Begins to start or stop the service and does not wait for the end of it. */
export function tellSystemd(verb: 'start' | 'stop'): void {
  spawn('systemctl', [verb, '--no-block', unitService], { stdio: 'ignore' });
}

export function stateOf(): UnitState {
  const names = ['ActiveState', 'SubState', 'Result', 'StatusText', 'MainPID', 'NRestarts', 'ExecMainStatus'];
  const said = execFileSync('systemctl', ['show', unitService, `--property=${names.join(',')}`], { encoding: 'utf8' });
  const pairs = said
    .trim()
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return Object.fromEntries(pairs) as UnitState;
}

/** Frames that the service says it has judged since it was started. */
export const judgedIn = ({ StatusText }: UnitState): number =>
  Number(/^(\d+) frames judged$/.exec(StatusText)?.[1] ?? 0);

/** Asks until it holds. Throws, with what the service said last, where it does not within `deadline` ms, or where it has failed. */
export async function untilUnit(
  what: string,
  deadline: number,
  holds: (state: UnitState) => boolean,
): Promise<UnitState> {
  const began = performance.now();
  for (;;) {
    const state = stateOf();
    if (holds(state)) return state;
    if (performance.now() - began > deadline) {
      throw new Error(`${what}: not within ${deadline / 1000} s; ${JSON.stringify(state)}\n${lastWords()}`);
    }
    await wait(1000);
  }
}

/** The last lines of the service's journal. */
export function lastWords(): string {
  return execFileSync('journalctl', ['--unit', unitService, '--output=cat', '--no-pager', '--lines=25'], {
    encoding: 'utf8',
  });
}

function write({ path, content, executable = false }: GivenFile): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  if (executable) chmodSync(path, 0o755);
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
