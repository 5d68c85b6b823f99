import { mkdirSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256File } from '../../device/kernel/hash.ts';
import { patchName } from '../bundle/name-target.ts';
import type { Target } from '../contract/target.ts';
import type { MeasuredChange } from './byte-figures.ts';
import { runJob } from './byte-jobs.ts';
import type { LaidProgram } from './lay-programs.ts';
import { type Measured, measureRival, presentRivals, type Rival } from './patch-ways.ts';

/** Two releases that lie in folders. */
export interface LaidChange {
  readonly change: string;
  readonly base: LaidProgram;
  readonly result: LaidProgram;
}

export interface MeasureOptions {
  readonly scratch: string;
  /** Of the compression of whole targets. */
  readonly level: number;
  /** Of zstd alone. */
  readonly zstdLevel: number;
  /** Programs that run at once, with one thread each. */
  readonly atOnce: number;
  readonly say: (text: string) => void;
}

/** Every change in every way, so many at once. The patches of ours stay in the scratch folder. */
export async function measureChanges(
  changes: readonly LaidChange[],
  { scratch, level, zstdLevel, atOnce, say }: MeasureOptions,
): Promise<readonly MeasuredChange[]> {
  mkdirSync(scratch, { recursive: true });
  const programs = new Set(changes.flatMap(({ base, result }) => [base, result]));
  await eachOf([...programs], atOnce, (program) =>
    runJob({ kind: 'archive', folder: program.folder, out: archiveOf(scratch, program) }),
  );
  const results = [...new Set(changes.map(({ result }) => result))];
  const wholes = new Map<LaidProgram, number>();
  const ours = new Map<LaidChange, Measured>();
  const others = new Map<Rival, Map<LaidChange, Measured>>(presentRivals(zstdLevel).map((rival) => [rival, new Map()]));
  const told = async (what: string, work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    say(`#   ${what}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  };
  const jobs = [
    ...changes.map(
      (one) => () => told(`${one.change}, ours`, async () => ours.set(one, await measureOurs(one, scratch))),
    ),
    ...changes.flatMap((one, i) =>
      [...others].map(
        ([rival, found]) =>
          () =>
            told(`${one.change}, ${rival.way}`, async () => {
              const archives = {
                base: archiveOf(scratch, one.base),
                result: archiveOf(scratch, one.result),
                sha256: one.result.target.description.tree.sha256,
              };
              const stem = join(scratch, `${i}-${rival.way.replaceAll(/[^a-z0-9]/g, '')}`);
              found.set(one, await measureRival(rival, archives, stem));
              await rm(`${stem}.made`);
            }),
      ),
    ),
    ...results.map(
      (one) => () =>
        told(`${one.target.target}, whole`, async () => wholes.set(one, await measureWhole(one, level, scratch))),
    ),
  ];
  await eachOf(jobs, atOnce, (job) => job());
  return changes.map((one) => ({
    change: one.change,
    whole: wholes.get(one.result) as number,
    level,
    ours: ours.get(one) as Measured,
    rivals: [...others.values()].map((found) => found.get(one) as Measured),
  }));
}

/** The target of a patch that lies in the scratch folder of `measureChanges`. */
export async function patchOf(
  { base, result }: LaidChange,
  scratch: string,
): Promise<{ readonly target: Target; readonly path: string }> {
  const { description } = result.target;
  const patchFrom = base.target.description.tree.sha256;
  const path = join(scratch, patchName(description, patchFrom));
  const [sha256, { size: length }] = [await sha256File(path), await stat(path)];
  return { target: { ...result.target, length, sha256, description: { ...description, patchFrom } }, path };
}

async function measureOurs(change: LaidChange, scratch: string): Promise<Measured> {
  const { base, result } = change;
  const out = join(scratch, patchName(result.target.description, base.target.description.tree.sha256));
  const made = await runJob({ kind: 'make', base: base.folder, result: result.folder, out, scratch });
  const { target } = await patchOf(change, scratch);
  const folder = `${out}.tree`;
  // It says `installed` of a tree only whose archive has the hash that is asked for.
  const applied = await runJob({ kind: 'apply', target, patch: out, base: base.folder, folder }, 'unit');
  await rm(folder, { recursive: true });
  return { way: 'ours', bytes: target.length, makeSeconds: made.seconds, applySeconds: applied.seconds };
}

async function measureWhole({ folder, target }: LaidProgram, level: number, scratch: string): Promise<number> {
  const out = join(scratch, `${target.description.tree.sha256}.whole`);
  await runJob({ kind: 'whole', folder, out, level });
  return (await stat(out)).size;
}

const archiveOf = (scratch: string, { target }: LaidProgram): string =>
  join(scratch, `${target.description.tree.sha256}.tar`);

/** In their order, so many at once. */
async function eachOf<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<unknown>): Promise<void> {
  const left = all.values();
  const one = async () => {
    for (const next of left) await work(next);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}
