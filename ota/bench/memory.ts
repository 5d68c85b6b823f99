import { linkSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Figure } from '../../device/bench/figure.ts';
import { targetPath } from '../contract/repository.ts';
import { type JobResult, runJob } from './byte-jobs.ts';
import type { LaidProgram } from './lay-programs.ts';
import { type LaidChange, patchOf } from './measure-changes.ts';

const memoryBar = 250e6;

export interface MeasuredMemory {
  readonly idle: JobResult;
  /** The whole target: copied block by block, hashed, unpacked, compared. */
  readonly whole: JobResult;
  readonly tree: number;
  readonly patch?: JobResult & { readonly change: string };
}

/** What a unit's process takes for an update, in a process of its own with the flags of the unit's. `patches`: where `measureChanges` left them. */
export async function measureMemory(
  program: LaidProgram,
  change: LaidChange | undefined,
  patches: string,
  scratch: string,
): Promise<MeasuredMemory> {
  const { target, file } = program;
  const source = join(scratch, 'stick');
  mkdirSync(dirname(join(source, targetPath(target))), { recursive: true });
  linkSync(file, join(source, targetPath(target)));
  const idle = await runJob({ kind: 'idle' }, 'unit');
  const folder = join(scratch, 'installed');
  const whole = await runJob({ kind: 'install', target, source, folder }, 'unit');
  await rm(folder, { recursive: true });
  const tree = target.description.tree.length;
  if (change === undefined) return { idle, whole, tree };
  const { target: patch, path } = await patchOf(change, patches);
  const applied = await runJob({ kind: 'apply', target: patch, patch: path, base: change.base.folder, folder }, 'unit');
  await rm(folder, { recursive: true });
  return { idle, whole, tree, patch: { ...applied, change: change.change } };
}

export function memoryFigures({ idle, whole, tree, patch }: MeasuredMemory): readonly Figure[] {
  const figure = (name: string, { peak, seconds }: JobResult): Figure => ({
    ...{ section: 'ota', name: `peak memory: ${name}`, value: peak / 1e6, unit: 'MB' },
    ratio: `${((peak - idle.peak) / 1e6).toFixed(0)} MB over a process that only loads it, bar ${memoryBar / 1e6}${peak < memoryBar ? '' : ': MISSED'}; ${seconds.toFixed(1)} s`,
  });
  return [
    figure(`download and unpack a tree of ${(tree / 1e6).toFixed(0)} MB`, whole),
    ...(patch === undefined ? [] : [figure(`apply the patch of ${patch.change}`, patch)]),
  ];
}
