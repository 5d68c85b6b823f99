import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Detection } from '../../../device/detect/detection.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import { version } from '../../../device/version.ts';
import { stageProgram } from '../../image/program-tree.ts';
import { runProgram } from '../../image/run-program.ts';
import { readProgramFolder } from '../bundle-tree.ts';
import { layBundle } from '../lay-bundle.ts';
import { parseNpmLock } from '../package-lock.ts';
import { type BundlePlan, planBundle, unitModels, unitPrograms } from '../plan-bundle.ts';
import { arm64Root, checkHost, lacking, type Processor, processors, Unavailable } from './arm64-root.ts';
import { missedVehicles, pairLooks, type TrueVehicle } from './compare-looks.ts';
import type { Look } from './look.ts';
import { lookFiles, lookProgram } from './look-files.ts';
import { plateFormats, writeReference } from './reference-picture.ts';

/**
 * Makes the bundle of a unit for arm64 and runs it on an emulator. Ends with 0 where all was shown, 1 where something failed, 3 where nothing can
 * be shown here, which is no pass.
 */

/** Of the same vehicle on both machines; measured: 1 to the last digits. Another kernel of the library may round otherwise. */
const leastOverlap = 0.9;
/** A vehicle seen on one machine only is let pass where it is this doubtful; the least score of a detection is 0.2. */
const doubtful = 0.3;

const root = join(import.meta.dirname, '../../..');
const cache = join(root, '.build/bundle');
const log = join(cache, 'arm64.log');
const stop = new AbortController();
const { signal } = stop;
const cpu = 'arm64';
/** Compiled where it is installed, which a bundle is not; a unit's lines are those of the character device. */
const compiledThere = ['onoff'];

type Planned = Extract<BundlePlan, { kind: 'planned' }>;

async function main(): Promise<readonly string[]> {
  const emulator = checkHost();
  mkdirSync(cache, { recursive: true });
  const lock = await FolderLock.take(cache);
  try {
    writeFileSync(log, '');
    // Not in the checkout: what the bundle lacks, Node would find in the packages above it.
    const folder = mkdtempSync(join(tmpdir(), 'atalaya-arm64-'));
    try {
      return await showBundle(emulator, folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  } finally {
    await lock.release();
  }
}

async function showBundle(emulator: string, folder: string): Promise<readonly string[]> {
  const above = pathsAbove(folder).find((path) => existsSync(join(path, 'node_modules')));
  if (above !== undefined) throw new Unavailable(`${above} has packages; give another folder with TMPDIR`);
  const bundle = join(folder, 'program');
  const plan = await timed('bundle made', () => makeBundle(bundle));
  if (plan.kind === 'refused') return plan.faults;
  const missing = lookFiles(root, bundle);
  if (missing.length > 0) return [`the bundle lacks ${missing.join(', ')}`];
  const picture = join(cache, 'reference.jpg');
  const scene: Scene = {
    args: ['--picture', picture, '--formats', plateFormats, '--packages', askedPackages(plan).join()],
    truth: await writeReference(root, picture),
  };
  const own = { deadline: milliseconds(120_000), log, signal };
  const here = lookOf(await runProgram(process.execPath, [join(root, lookProgram), ...scene.args], own));
  tellTimes(process.arch, here);
  const faults: string[] = [];
  for (const processor of processors) {
    const found = await onProcessor(processor, { emulator, bundle, plan, scene, here });
    faults.push(...found.map((fault) => `${processor.board}: ${fault}`));
  }
  return faults;
}

/** The packages that the program itself asks for. */
const askedPackages = ({ kept }: Planned): string[] => [
  ...new Set(
    kept
      .filter(({ part, neededBy }) => part === 'package' && !neededBy.startsWith('node_modules/'))
      .flatMap(({ path }) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  ),
];

const pathsAbove = (path: string): string[] => (dirname(path) === path ? [path] : [path, ...pathsAbove(dirname(path))]);

interface Scene {
  readonly args: readonly string[];
  readonly truth: readonly TrueVehicle[];
}

interface Shown {
  readonly emulator: string;
  readonly bundle: string;
  readonly plan: Planned;
  readonly scene: Scene;
  readonly here: Look;
}

async function onProcessor(processor: Processor, shown: Shown): Promise<string[]> {
  const { emulator, bundle, plan, scene, here } = shown;
  const packages = join(root, 'provisioning/image/locks/qemu-arm64.lock');
  const debian = await arm64Root(processor, { lock: packages, cache, log, signal });
  const missing = lacking(debian, plan.libraries);
  if (missing.length > 0) return [`the bundle wants libraries that the image's packages lack: ${missing.join(', ')}`];
  const node = [
    '-cpu',
    processor.core,
    '-L',
    debian,
    join(bundle, 'node_modules/.bin/node'),
    '--max-semi-space-size=4',
  ];
  const run = (program: string, ...args: readonly string[]): Promise<string> =>
    runProgram(emulator, [...node, join(bundle, program), ...args], {
      deadline: milliseconds(600_000),
      log,
      signal,
      // Types are stripped once for all runs: emulated, that is most of a start.
      environment: {
        MALLOC_ARENA_MAX: '2',
        MALLOC_MMAP_THRESHOLD_: '1048576',
        NODE_COMPILE_CACHE: join(bundle, '../compiled'),
      },
    });
  say(`${processor.board}, ${processor.core}, emulated`);
  const said = await timed('  atalaya-unit --version', () => run('device/cli/atalaya-unit.ts', '--version'));
  const there = lookOf(await timed('  a look', () => run(lookProgram, ...scene.args)));
  tellTimes(processor.core, there);
  const faults = compareLooks(here, there, scene.truth);
  return said.trim() === version ? faults : [...faults, `--version said ${JSON.stringify(said)} and not ${version}`];
}

async function makeBundle(to: string): Promise<BundlePlan> {
  const stage = join(cache, 'stage');
  await stageProgram({ source: root, cpu, cache, log, signal }, stage);
  const lock = parseNpmLock(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const given = { cpu, lock, programs: unitPrograms, models: unitModels } as const;
  const whole = readProgramFolder(stage);
  const plan = planBundle({ ...whole, ...given });
  if (plan.kind === 'refused') return plan;
  layBundle(plan.kept, stage, to);
  // Its files are those of the sources under second names.
  rmSync(stage, { recursive: true });
  tell(plan);
  // What was laid is a bundle again, and nothing of it is left out.
  const again = planBundle({ ...readProgramFolder(to), ...given });
  if (again.kind === 'refused') return again;
  const [was, is] = [plan.kept, again.kept].map((kept) => kept.map((one) => JSON.stringify(one)));
  const other = [...(was ?? []).filter((one, i) => one !== is?.[i]), ...again.left.map(({ path }) => path)][0];
  return other === undefined ? plan : { kind: 'refused', faults: [`laid, the bundle is planned otherwise: ${other}`] };
}

function tell({ kept, left }: Planned): void {
  const table = (title: string, rows: readonly (readonly [string, number])[]): void => {
    const groups = Map.groupBy(rows, ([name]) => name);
    const sum = (some: readonly (readonly [string, number])[]): string =>
      `${some.length} files, ${(some.reduce((all, [, size]) => all + size, 0) / 1e6).toFixed(1)} MB`;
    say(`${title}: ${sum(rows)}`);
    for (const [name, some] of groups) say(`  ${name}: ${sum(some)}`);
  };
  table(
    'kept',
    kept.map((one) => [one.part, one.kind === 'file' ? one.size : 0]),
  );
  table(
    'left',
    left.map((one) => [one.why, one.size]),
  );
}

function compareLooks(here: Look, there: Look, truth: readonly TrueVehicle[]): string[] {
  const { pairs, single } = pairLooks(here, there);
  const overlaps = pairs.map(({ overlap }) => overlap);
  const apart = (of: (one: Detection) => number): number =>
    Math.max(...pairs.map((one) => Math.abs(of(one.here) - of(one.there))));
  const edges = Math.max(...(['x', 'y', 'width', 'height'] as const).map((side) => apart(({ box }) => box[side])));
  say(
    `  vehicles that stand clear: ${truth.length}; detections on both: ${pairs.length}, on one alone: ${single.length}`,
  );
  const scores = apart(({ score }) => score);
  say(`  least overlap ${Math.min(...overlaps)}; edges at most ${edges} px, scores at most ${scores} apart`);
  const same = (some: unknown, other: unknown): string => (some === other ? 'the same' : 'differ');
  say(`  decoded pixels ${same(here.pixels, there.pixels)}; plate of the nearest car ${same(here.plate, there.plate)}`);
  const unloadable = there.unloadable.filter((name) => !compiledThere.includes(name));
  const wrong: readonly (readonly [boolean, string])[] = [
    [there.cpu !== cpu, `the bundle ran on ${there.cpu}`],
    [there.node !== here.node, `Node ${there.node} there and ${here.node} here`],
    [there.engine !== here.engine, `${there.engine} there and ${here.engine} here`],
    [truth.length === 0, 'the picture has no vehicle'],
    [Math.min(1, ...overlaps) < leastOverlap, 'a box lies elsewhere than here'],
    [single.some(({ detection }) => detection.score >= doubtful), 'a vehicle is seen on one machine alone'],
    [there.plate === null, 'the plate of the nearest car was not read'],
    [there.plate !== here.plate, 'the plate is read otherwise'],
    [unloadable.length > 0, `packages cannot be loaded: ${unloadable.join(', ')}`],
    [there.sealed.evidence !== 1 || there.sealed.failures > 0, 'a sealed record does not stand its verification'],
  ];
  return [
    ...missedVehicles(truth, there.detections).map(({ id }) => `the vehicle ${id} of the picture was not found`),
    ...wrong.filter(([so]) => so).map(([, what]) => what),
  ];
}

function tellTimes(what: string, { node, engine, times }: Look): void {
  const parts = times.map(([name, ms]) => `${name} ${(ms / 1000).toFixed(2)} s`);
  say(`  ${what}, Node ${node}, ${engine}: ${parts.join(', ')}`);
}

/** The last line; libraries may speak before it. */
const lookOf = (text: string): Look => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const from = performance.now();
  const done = await work();
  say(`${what}: ${((performance.now() - from) / 1000).toFixed(1)} s`);
  return done;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)));
try {
  const faults = await main();
  for (const fault of faults) say(`FAILED: ${fault}`);
  say(faults.length === 0 ? 'arm64: shown' : `arm64: ${faults.length} failed; ${log} says more`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} catch (error) {
  if (error instanceof Unavailable || isAtalayaError(error, 'link-down')) {
    say(`arm64 passed over: ${error.message}`);
    process.exitCode = 3;
  } else {
    say(`arm64 failed: ${error instanceof Error ? error.message : String(error)}; ${log} says more`);
    process.exitCode = 1;
  }
}
