import { existsSync, globSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isAtalayaError } from '../../kernel/errors.ts';
import { FolderLock } from '../../kernel/folder-lock.ts';
import { Bench, type Scenario } from './bench.ts';
import { loadSuites } from './chosen-cases.ts';
import { Unavailable } from './commands.ts';
import { packagesImage, treeImage } from './disks.ts';
import { checkHost } from './host-tools.ts';
import { type Prepared, prepareMachine } from './prepare.ts';
import { Results } from './results.ts';
import { scenarios } from './scenarios/scenarios.ts';
import { runSuites, tellBroken } from './suites.ts';

/**
 * Runs the hardware suites on an emulated machine: `run.ts [--only NAME] [--keep]`. Ends with 0 where all passed, 1 where one failed or the
 * machine did, 2 for a wrong call, 3 where nothing can be shown here, which is no pass.
 */

const usage = 'usage: node device/testing/hardware/run.ts [--only NAME] [--keep]';

async function main(): Promise<number> {
  const { only, keep } = argumentsGiven();
  const root = join(import.meta.dirname, '../../..');
  const cache = join(root, '.build/hardware');
  const work = join(cache, `run-${process.pid}`);
  const log = join(work, 'prepare.log');
  const results = new Results(console.log);
  const suites = await loadSuites(root, only);
  const asked = [...suites.cases, ...suites.broken, ...scenarios.filter((one) => isAsked(one, only))];
  if (asked.length === 0) throw new TypeError(`no case and no scenario is named like ${only}\n${usage}`);
  checkHost();
  forgetRuns(cache);
  mkdirSync(work, { recursive: true });
  writeFileSync(log, '');
  const sockets = mkdtempSync(join(tmpdir(), 'bench-'));
  const tidyUp = (): void => {
    rmSync(sockets, { recursive: true, force: true });
    if (!keep) removeDisks(work);
  };
  // Also where somebody ends this process: then nothing below is come to.
  process.once('exit', tidyUp);
  try {
    const began = performance.now();
    const lock = await lockCache(cache, console.log);
    let prepared: Prepared;
    let packages: string;
    try {
      prepared = pinned(await prepareMachine(cache, log, console.log), work);
      packages = pin(await packagesImage(root, cache, log), work);
    } finally {
      await lock.release();
    }
    const tree = await treeImage(root, work, log);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`kernel ${prepared.release}; ${prepared.made ? 'made' : 'found'} and disks written in ${seconds} s`);
    tellBroken(suites, results);
    const bench = (lane: string): Bench => {
      mkdirSync(join(sockets, lane));
      return new Bench({ prepared, packages, tree, work, sockets: join(sockets, lane), log });
    };
    // Each lane has machines of its own. What shows a time does not mind what runs beside it, but takes a core.
    const timed = () => runSuites(bench('timed'), suites, true, results);
    const others = () => runSuites(bench('suites'), suites, false, results);
    const lanes = availableParallelism() < 4 ? [others().then(timed)] : [others(), timed()];
    await Promise.all([...lanes, playScenarios(bench('scenarios'), only, results)]);
    console.log(`${((performance.now() - began) / 1000).toFixed(0)} s in all; logs in ${work}`);
  } finally {
    tidyUp();
  }
  return results.finish();
}

const isAsked = ({ name }: Scenario, only: string | undefined): boolean => only === undefined || name.includes(only);

async function playScenarios(bench: Bench, only: string | undefined, results: Results): Promise<void> {
  for (const scenario of scenarios) {
    if (isAsked(scenario, only)) await results.scenario(scenario, bench);
  }
}

/** A second name for a file, so that it stays whatever another run makes anew. */
function pin(path: string, work: string): string {
  const pinnedPath = join(work, basename(path));
  linkSync(path, pinnedPath);
  return pinnedPath;
}

const pinned = (prepared: Prepared, work: string): Prepared => ({
  ...prepared,
  kernel: pin(prepared.kernel, work),
  initial: pin(prepared.initial, work),
  root: pin(prepared.root, work),
});

/** The logs stay; disks are what is large. */
function removeDisks(work: string): void {
  for (const path of globSync(['*.ext4', '*/*.ext4', 'vmlinuz', '*.gz', 'tree.stage'], { cwd: work })) {
    rmSync(join(work, path), { recursive: true, force: true });
  }
}

/** Another run that prepares is waited for: it makes what this one needs. */
async function lockCache(cache: string, say: (line: string) => void): Promise<FolderLock> {
  const until = performance.now() + 20 * 60_000;
  for (let told = false; ; told = true) {
    try {
      return await FolderLock.take(cache);
    } catch (error) {
      if (!isAtalayaError(error, 'store-locked') || performance.now() > until) throw error;
      if (!told) say(`${error.message}; waiting for it`);
      await wait(1000);
    }
  }
}

/** Removes the disks and logs of runs that have ended. */
function forgetRuns(cache: string): void {
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    const [, pid] = /^run-(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(cache, name), { recursive: true, force: true });
  }
}

function argumentsGiven(): { only: string | undefined; keep: boolean } {
  try {
    const { values } = parseArgs({ options: { only: { type: 'string' }, keep: { type: 'boolean', default: false } } });
    return { only: values.only, keep: values.keep };
  } catch (error) {
    throw new TypeError(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

// Machines, brokers and what else was started end with this process, also where somebody ends it.
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(status));
}
try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof Unavailable) {
    console.error(`hardware suites passed over: ${error.message}`);
    process.exitCode = 3;
  } else {
    console.error(error instanceof Error ? `hardware suites failed: ${error.message}` : String(error));
    process.exitCode = error instanceof TypeError && error.message.includes(usage) ? 2 : 1;
  }
}
