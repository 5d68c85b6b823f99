import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { sha256File } from '../../../device/kernel/hash.ts';
import { parse } from '../../../device/kernel/schema.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { Installer } from '../../archive/installer.ts';
import { patchName } from '../../bundle/name-target.ts';
import { refuseOther, targetFileName, writeTargetFile } from '../../bundle/write-target.ts';
import { reasonOf } from '../../contract/refusals.ts';
import { type Target, target as targetSchema } from '../../contract/target.ts';
import { makePatch } from '../../patch/make-patch.ts';

export interface PatchRequest {
  /** Files of whole targets, with their `NAME.target.json` beside them. */
  readonly from: string;
  readonly to: string;
  /** Folder. */
  readonly out: string;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
  /** Of the compression; as `makePatch` has it. */
  readonly level?: number;
}

/**
 * Makes the patch from one whole target to another, as a target in `out`. Throws `usage-invalid` for targets of different components and where the
 * release does not rise,
 * `document-refused` for what is no whole target, and what `makePatch` throws.
 */
export async function bundlePatch(request: PatchRequest): Promise<Target> {
  const { from, to, out, signal, note, level } = request;
  const [base, result] = [readTarget(from), readTarget(to)];
  const [was, is] = [base.description, result.description];
  if (was.kind !== is.kind || was.name !== is.name)
    throw new AtalayaError(
      'usage-invalid',
      `${base.target} is the ${was.kind} ${was.name}, and ${result.target} the ${is.kind} ${is.name}`,
      {
        hint: 'A patch leads from one release of a component to another of the same.',
      },
    );
  if (is.release <= was.release)
    throw new AtalayaError('usage-invalid', `${to} leads to no higher release: from ${was.release} to ${is.release}`, {
      hint: 'No unit goes back by an update. Give the lower release with --from, the higher one with --to.',
    });
  mkdirSync(out, { recursive: true });
  const scratch = mkdtempSync(join(out, '.patch-'));
  try {
    note('unpacking both');
    const folders = { base: join(scratch, 'base'), result: join(scratch, 'result'), scratch: join(scratch, 'work') };
    mkdirSync(folders.scratch);
    await unpack(base, from, folders.base, signal);
    await unpack(result, to, folders.result, signal);
    note('comparing');
    const name = patchName(is, was.tree.sha256);
    const made = join(scratch, name);
    const options = level === undefined ? {} : { level };
    await makePatch({ files: systemTreeFiles, ...folders, out: made, signal, ...options });
    return await publish(made, out, name, { ...is, patchFrom: was.tree.sha256 });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function publish(made: string, out: string, name: string, description: Target['description']): Promise<Target> {
  const place = join(out, name);
  await refuseOther(systemTreeFiles, place, await sha256File(made));
  await systemTreeFiles.rename(made, place);
  await systemTreeFiles.syncFolder(out);
  const [sha256, file] = [await sha256File(place), await systemTreeFiles.open(place, 'read')];
  try {
    return await writeTargetFile(systemTreeFiles, out, name, { sha256, length: await file.size() }, description);
  } finally {
    await file.close();
  }
}

async function unpack(target: Target, path: string, folder: string, signal: AbortSignal): Promise<void> {
  const cpu = target.description.hardware.some((one) => one.startsWith('arm64')) ? 'arm64' : 'x64';
  const done = await new Installer(systemTreeFiles, { cpu }).unpack(target, path, folder, signal);
  if (done.kind === 'refused') throw new AtalayaError('document-refused', `${path}: ${reasonOf(done)}`);
}

/** What stands beside a target's file. */
function readTarget(path: string): Target {
  if (path.endsWith('.target.json'))
    throw new AtalayaError('usage-invalid', `${path} is what is signed of a bundle: give the .tar.zst`, {
      hint: 'It lies beside it.',
    });
  const beside = join(dirname(path), targetFileName(basename(path)));
  let text: string;
  try {
    text = readFileSync(beside, 'utf8');
  } catch (cause) {
    throw new AtalayaError('document-refused', `${beside} cannot be read (${systemCode(cause) ?? 'unknown'})`, {
      hint: 'atalaya-ota bundle writes it beside the archive; keep them together.',
      cause,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  return parse(targetSchema, value, beside, 'document-refused');
}
