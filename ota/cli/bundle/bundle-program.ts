import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import type { BundleTree } from '../../../provisioning/bundle/plan-bundle.ts';
import { writingTo } from '../../../provisioning/cli/write-output.ts';
import { writeWholeTarget } from '../../bundle/write-target.ts';
import type { Target } from '../../contract/target.ts';
import { composeProgram, type ProgramFacts } from './compose-program.ts';
import { stageForUnits } from './stage-for-units.ts';

export interface ProgramRequest extends ProgramFacts {
  readonly cpu: BundleTree['cpu'];
  /** The program: the folder of `device/` and `package-lock.json`, with its models in `.build/models`. */
  readonly source: string;
  /** Packages and the staged program, kept between calls; one call at a time. */
  readonly cache: string;
  /** Folder. */
  readonly out: string;
  readonly signal: AbortSignal;
  /** Of Node, of what runs this. */
  readonly node: string;
  readonly note: (line: string) => void;
  /** Of the compression; as `writeWholeTarget` has it. */
  readonly level?: number;
}

/**
 * Makes a unit's whole program as a target in `out`. The same sources, packages and models give the same bytes on every machine. Throws
 * `usage-invalid` where another Node runs this than the bundle gets, `store-locked` where another call uses the cache, `source-missing` without
 * models, `bundle-*` for a damaged one, and what `composeProgram` and `writeWholeTarget` throw.
 */
export async function bundleProgram(request: ProgramRequest): Promise<Target> {
  const { cpu, source, cache, out, signal, note } = request;
  mkdirSync(cache, { recursive: true });
  const held = await FolderLock.take(cache);
  const stage = join(cache, `stage-${cpu}`);
  try {
    note(`the program and its packages for ${cpu}`);
    const log = join(cache, 'bundle.log');
    const tree = await stageForUnits({ source, cpu, cache, log, signal, node: request.node }, stage);
    const { manifest, files } = await composeProgram(tree, stage, request);
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    note(`${files.length} files, ${(bytes / 1e6).toFixed(1)} MB: compressing`);
    const options = { folder: out, signal, ...(request.level === undefined ? {} : { level: request.level }) };
    return await writingTo(out, () => writeWholeTarget(files, manifest, options));
  } finally {
    rmSync(stage, { recursive: true, force: true });
    await held.release();
  }
}
