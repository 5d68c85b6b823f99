import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AtalayaError, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import { loadAnyBundle } from '../../../models/contract/bundle.ts';
import { readProgramFolder } from '../../../provisioning/bundle/bundle-tree.ts';
import { type NpmLock, parseNpmLock } from '../../../provisioning/bundle/package-lock.ts';
import { type BundleTree, unitModels, unitPrograms } from '../../../provisioning/bundle/plan-bundle.ts';
import { writingTo } from '../../../provisioning/cli/write-output.ts';
import { stageProgram } from '../../../provisioning/image/program-tree.ts';
import { writeWholeTarget } from '../../bundle/write-target.ts';
import type { Target } from '../../contract/target.ts';
import { composeProgram, type ProgramFacts } from './compose-program.ts';

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
  const lock = readLock(source);
  checkNode(lock, cpu, request.node);
  mkdirSync(cache, { recursive: true });
  const held = await FolderLock.take(cache);
  const stage = join(cache, `stage-${cpu}`);
  try {
    note(`the program and its packages for ${cpu}`);
    await stageProgram({ source, cpu, entry: 'js', cache, log: join(cache, 'bundle.log'), signal }, stage);
    for (const name of unitModels) await loadAnyBundle(join(stage, '.build/models', name));
    const tree: BundleTree = {
      ...readProgramFolder(stage),
      cpu,
      lock,
      programs: unitPrograms.map((path) => path.replace(/\.ts$/, '.js')),
      models: unitModels,
    };
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

function readLock(source: string): NpmLock {
  const path = join(source, 'package-lock.json');
  try {
    return parseNpmLock(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (isAtalayaError(cause)) throw cause;
    throw new AtalayaError('source-missing', `${path} cannot be read (${systemCode(cause) ?? 'unknown'})`, {
      hint: 'Name the folder of the program with --source: that of device/ and package-lock.json.',
      cause,
    });
  }
}

/** Node takes the types away and compresses: another one may do either otherwise, and the bytes would be others. */
function checkNode(lock: NpmLock, cpu: BundleTree['cpu'], running: string): void {
  const locked = lock.get(`node_modules/node-linux-${cpu}`)?.version;
  if (locked === running) return;
  throw new AtalayaError(
    'usage-invalid',
    `Node ${running} runs this, and the bundle gets Node ${locked ?? 'of no version'}: the same bytes come of the same Node only`,
    { hint: 'Call it by the program’s own Node: npx atalaya-ota, or node_modules/.bin/node ota/cli/atalaya-ota.ts' },
  );
}
