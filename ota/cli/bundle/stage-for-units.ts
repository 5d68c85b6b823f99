import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AtalayaError, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { loadAnyBundle, manifestName } from '../../../models/contract/bundle.ts';
import { readProgramFolder } from '../../../provisioning/bundle/bundle-tree.ts';
import { type NpmLock, parseNpmLock } from '../../../provisioning/bundle/package-lock.ts';
import { type BundleTree, unitModels, unitPrograms } from '../../../provisioning/bundle/plan-bundle.ts';
import { type ProgramTree, stageProgram } from '../../../provisioning/image/program-tree.ts';

export interface StageRequest extends Omit<ProgramTree, 'entry'> {
  /** Version of the Node that runs this. */
  readonly node: string;
}

/**
 * Stages a unit's program in `stage`, compiled, as `composeProgram` takes it. Throws `usage-invalid` where another Node runs this than the unit
 * gets, `source-missing` without models, `bundle-*` for a damaged one.
 */
export async function stageForUnits({ node, ...program }: StageRequest, stage: string): Promise<BundleTree> {
  const { cpu, source } = program;
  const lock = readLock(source);
  checkNode(lock, cpu, node);
  // Before packages are fetched, which takes minutes.
  for (const name of unitModels) await checkModel(join(source, '.build/models', name));
  await stageProgram({ ...program, entry: 'js' }, stage);
  for (const name of unitModels) await loadAnyBundle(join(stage, '.build/models', name));
  return {
    ...readProgramFolder(stage),
    cpu,
    lock,
    programs: unitPrograms.map((path) => path.replace(/\.ts$/, '.js')),
    models: unitModels,
  };
}

async function checkModel(folder: string): Promise<void> {
  if (!existsSync(join(folder, manifestName))) {
    throw new AtalayaError('source-missing', `${folder} has no model bundle`, { hint: 'Run: make models' });
  }
  await loadAnyBundle(folder);
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
    `Node ${running} runs this, and the unit gets Node ${locked ?? 'of no version'}: the same bytes come of the same Node only`,
    { hint: 'Call it by the program’s own Node: npx atalaya-ota, or node_modules/.bin/node ota/cli/atalaya-ota.ts' },
  );
}
