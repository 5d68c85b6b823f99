import test, { type ExecutionContext } from 'ava';
import type { MemoryTreeFiles } from '../../device/kernel/testing/memory-tree-files.ts';
import { Installer } from '../archive/installer.ts';
import { partFolder } from '../contract/slots.ts';
import { MadeBundles } from '../testing/made-bundles.ts';
import { type Life, MadeUnit, type Remains, root } from '../testing/made-unit.ts';
import { slotsOf, trial } from './testing/unit-lives.ts';

/** Lives that a case may need after its cut: the restart of the switch, that of a roll back, and one to spare. */
const mostLives = 5;

interface Scenario {
  readonly name: string;
  readonly releases: { readonly confirmed: number; readonly slots: readonly number[] };
  readonly outcome: 'succeeded' | 'rolled-back';
  /** Bytes of the files that it needs. */
  readonly bytes: number;
  /** Operations from its begin that are cut; absent: all. */
  readonly only?: number;
  /** Stage before which it is like another one. */
  readonly from?: string;
  readonly begin: MemoryTreeFiles;
}

/** What was started is whole: every part of it is, byte for byte, what its record says; and it is a release that may be there. */
async function startedWhole(t: ExecutionContext, unit: MadeUnit, { slot }: Life, scenario: Scenario, what: string) {
  const { running } = await slotsOf(unit, slot);
  t.is(running.slot, slot, what);
  if (slot === 'image') return;
  t.truthy(running.record, `${what}: a slot without a record was started`);
  const installer = new Installer(unit.files, { cpu: 'x64' });
  for (const part of running.record?.parts ?? []) {
    const digest = await installer.digest(`${root}/${slot}/${partFolder(part)}`, new AbortController().signal);
    t.is(digest, part.tree, `${what}: ${part.kind} ${part.name} in slot ${slot}`);
  }
  const release = running.record?.parts[0]?.release ?? 0;
  t.true(scenario.releases.slots.includes(release), `${what}: release ${release}`);
}

/** With it every operation is cut, and not only the first of those that are alike. */
const { ATALAYA_EVERY_CUT: all } = process.env;

/** The first operation of each kind on each file at each stage: the others of its kind are like it. */
function cutPoints(operations: readonly string[], { only, from }: Scenario): ReadonlySet<number> {
  const seen = new Set<string>();
  const begin = Math.max(
    0,
    all === undefined && from !== undefined ? operations.findIndex((what) => what.startsWith(from)) : 0,
  );
  const wanted = operations.flatMap((what, number) => {
    if (number < begin || number >= (only ?? operations.length)) return [];
    return all === undefined && seen.size === seen.add(what).size ? [] : [number];
  });
  return new Set(wanted);
}

/** From where a scenario begins to where nothing is left to be done, or to the cut. */
async function throughout(
  unit: MadeUnit,
  { begin }: Pick<Scenario, 'begin'>,
  before?: Parameters<MadeUnit['watch']>[0],
): Promise<readonly string[]> {
  unit.recover({ files: begin.survivors(() => 1), served: new Map(), reports: 0 });
  const operations = unit.watch(before);
  for (;;) {
    if ((await unit.live()).end !== 'restart') return operations;
  }
}

/** What is left by a cut before one operation after the other; each is looked at once, so that they are not kept. */
async function* remainsOf(unit: MadeUnit, scenario: Scenario) {
  const operations = await throughout(unit, scenario);
  const points = cutPoints(operations, scenario);
  const kept: { readonly number: number; readonly what: string; readonly remains: Remains }[] = [];
  const torn: number[] = [];
  await throughout(unit, scenario, (number, what) => {
    if (!points.has(number)) return undefined;
    if (/^\S+( \S+)? write /.test(what)) torn.push(number);
    else kept.push({ number, what, remains: unit.remains(number) });
    return undefined;
  });
  yield* kept;
  // A write that is cut has begun: any of its sectors may have arrived.
  for (const number of torn) {
    await throughout(unit, scenario, (at) => (at === number ? 'power-cut' : undefined));
    yield { number, what: operations[number] ?? '', remains: unit.remains(number) };
  }
}

/** Cuts before one operation after the other, and lives on without a person. Gives how many cuts there were. */
async function cutEverywhere(t: ExecutionContext, unit: MadeUnit, scenario: Scenario): Promise<number> {
  let cuts = 0;
  for await (const { number, what, remains } of remainsOf(unit, scenario)) {
    const words = `${scenario.name}, cut before operation ${number}: ${what}`;
    unit.recover(remains);
    const lives: Life[] = [];
    do {
      const life = await unit.live();
      lives.push(life);
      await startedWhole(t, unit, life, scenario, words);
    } while (lives.at(-1)?.end !== 'settled' && lives.length < mostLives);
    await endsWell(t, unit, lives, scenario, words);
    cuts += 1;
  }
  return cuts;
}

async function endsWell(t: ExecutionContext, unit: MadeUnit, lives: readonly Life[], scenario: Scenario, what: string) {
  const last = lives.at(-1) as Life;
  const way = lives.map(({ end, slot, steps }) => `${slot}: ${steps.join(' ')} (${end})`).join('; ');
  t.is(last.end, 'settled', `${what}: ${way}`);
  const { confirmed, trial: left } = await slotsOf(unit, last.slot);
  t.is(left, undefined, what);
  t.is(last.slot, confirmed.slot, what);
  t.is(confirmed.record?.parts[0]?.release ?? 0, scenario.releases.confirmed, `${what}: ${way}`);
  const end = unit.reports.at(-1);
  t.is(end?.step, scenario.outcome === 'succeeded' ? 'confirmed' : 'rolled-back', `${what}: ${way}`);
  const served = [...unit.served.values()].reduce((sum, one) => sum + one, 0);
  // Steps that were not durable yet come again, four of 4096 bytes at most; a download that begins again would be far beyond.
  t.true(served <= scenario.bytes + 4 * 4096, `${what}: ${served} bytes were downloaded of ${scenario.bytes}`);
}

test.serial(
  'the power is cut before every operation of an update: it ends in a whole version, by itself',
  async (t) => {
    await using bundles = await MadeBundles.open();
    await using unit = await MadeUnit.open();
    const one = await bundles.bundle({ release: 1 });
    const model = await bundles.bundle({ kind: 'model', release: 1, noise: 5000 });
    const two = await bundles.bundle({ release: 2 });
    const broken = await bundles.bundle({ release: 3 });
    const patch = await bundles.patch(one, two);
    const brokenPatch = await bundles.patch(two, broken);
    unit.publish(one, model, two, broken, patch, brokenPatch);
    unit.good = (release) => release !== 3;

    let cuts = 0;
    const run = async (scenario: Omit<Scenario, 'begin'>) => {
      const before = performance.now();
      // First the checks of the metadata, to the moment at which the job is known; then all that follows from it, without them.
      unit.verifiedOnce = false;
      const begin = await unit.snapshot();
      const taking = unit.watch();
      await unit.live('check');
      const taken = await unit.snapshot();
      const like = scenario.from !== undefined && all === undefined;
      const first = like ? 0 : await cutEverywhere(t, unit, { ...scenario, begin, only: taking.length });
      unit.verifiedOnce = true;
      const second = await cutEverywhere(t, unit, { ...scenario, begin: taken });
      cuts += first + second;
      t.log(`${scenario.name}: ${first + second} cuts, ${Math.round((performance.now() - before) / 1000)} s`);
      unit.verifiedOnce = false;
      await throughout(unit, { begin });
    };

    unit.made.assign([one.target, model.target], { trial });
    await run({
      name: 'a program and a model, whole, beside the image',
      releases: { confirmed: 1, slots: [1] },
      outcome: 'succeeded',
      bytes: one.target.length + model.target.length,
    });
    unit.made.assign([two.target], { trial }, [patch.target]);
    await run({
      name: 'a patch of the program, the model carried over',
      releases: { confirmed: 2, slots: [1, 2] },
      outcome: 'succeeded',
      bytes: patch.target.length,
    });
    unit.made.assign([broken.target], { trial: { ...trial, deadlineSeconds: 30 } }, [brokenPatch.target]);
    await run({
      name: 'a program that is not well',
      releases: { confirmed: 2, slots: [2, 3] },
      outcome: 'rolled-back',
      bytes: brokenPatch.target.length,
      from: 'switching',
    });
    t.log(`${cuts} cuts in all`);
    t.true(cuts >= 300, String(cuts));
  },
);
