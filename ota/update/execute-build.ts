import { dirname } from 'node:path';
import { makeFolders, readWholeFile } from '../../device/kernel/durable-file.ts';
import { removeTree } from '../../device/kernel/tree-files.ts';
import { type BundleManifest, bundleManifest, manifestName, type SlotPart } from '../contract/bundle.ts';
import { reasonOf, refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import { partFolder, type SlotView } from '../contract/slots.ts';
import { copyTree } from './copy-tree.ts';
import { passOver } from './execute-download.ts';
import type { Execute } from './step-executor.ts';
import type { UpdateDesk } from './update-desk.ts';
import { folderOf } from './update-session.ts';
import type { HeldJob } from './update-state.ts';
import { type Building, partKey } from './update-step.ts';

export const executePrepare: Execute<'prepare'> = async (_step, desk) => {
  const { parts, session, state } = desk;
  if (state.job === undefined) return;
  // Written down before: what follows may end this process without a word.
  await desk.changeHeld((held) => ({ ...held, begun: true, prepares: (held.prepares ?? 0) + 1 }));
  session.freeable = undefined;
  const { slot, folder } = await parts.slots.prepare();
  session.building = { job: state.job.job.id, slot, folder, parts: [] };
};

export const executeInstall: Execute<'install'> = async ({ target, file }, desk, { signal }) => {
  const { parts, session, state } = desk;
  const { building } = session;
  const path = session.ready[file.sha256];
  if (building === undefined || path === undefined || state.job === undefined) return;
  const { kind, name, version, release, tree } = target.description;
  const folder = await emptied(desk, `${building.folder}/${partFolder(target.description)}`);
  const { running } = await parts.slots.state();
  const base = folderOf(running, target.description);
  const outcome =
    file.description.patchFrom === undefined
      ? await parts.installer.unpack(target, path, folder, signal)
      : await parts.installer.patch(file, path, base, folder, signal);
  if (outcome.kind === 'installed') {
    const byAnother = kind === 'program' || bringsProgram(state.job, running);
    const words = byAnother ? undefined : await parts.unfit?.({ kind, name }, folder);
    if (words !== undefined)
      return refuse(desk, refusedUpdate('component-unfit', `${kind} ${name} ${version}: ${words}`));
    const part: SlotPart = {
      kind,
      name,
      version,
      release,
      target: target.target,
      sha256: target.sha256,
      tree: tree.sha256,
    };
    session.building = withPart(building, part, outcome.manifest);
    return;
  }
  if (file.description.patchFrom === undefined) return refuse(desk, outcome);
  await removeTree(parts.files, folder);
  await passOver(desk, file, outcome);
};

/** Parts that no target replaces come over as they are; one that is no longer what it was installed as does not. */
export const executeCarry: Execute<'carry'> = async ({ part }, desk, { signal }) => {
  const { parts, session } = desk;
  const { building } = session;
  if (building === undefined) return;
  const folder = await emptied(desk, `${building.folder}/${partFolder(part)}`);
  await copyTree(parts.files, part.from, folder, signal);
  const tree = await parts.installer.digest(folder, signal);
  const { record } = (await parts.slots.state()).running;
  const recorded = record?.parts.find((one) => partKey(one) === partKey(part));
  const words = `the ${part.kind} ${part.name} that runs`;
  if (tree === undefined)
    return refuse(desk, refusedUpdate('component-unfit', `${words} is no tree that can be carried over`));
  if (recorded !== undefined && recorded.tree !== tree)
    return refuse(desk, refusedUpdate('component-unfit', `${words} is not what was installed; install it anew`));
  const manifest = await manifestOf(desk, folder);
  if (manifest === undefined || manifest.kind !== part.kind || manifest.name !== part.name)
    return refuse(desk, refusedUpdate('component-unfit', `${words} does not say what it is`));
  const { kind, name, version, release } = manifest;
  const carried = recorded ?? { kind, name, version, release, target: 'image', sha256: tree, tree };
  session.building = withPart(building, carried, manifest);
};

export const executeComplete: Execute<'complete'> = async ({ slot, record }, desk) => {
  await desk.parts.slots.complete(slot, { ...record, at: desk.at() });
  await desk.note({ event: 'installed', job: record.job, slot });
  desk.session.building = undefined;
  desk.session.freeable = undefined;
  desk.session.progress = undefined;
};

/** Whether another program than the running one will read what is installed. */
const bringsProgram = ({ install }: HeldJob, { record }: SlotView): boolean =>
  install.some(
    ({ description: { kind, tree } }) =>
      kind === 'program' && record?.parts.some((part) => part.tree === tree.sha256) !== true,
  );

const withPart = (building: Building, part: SlotPart, manifest: BundleManifest): Building => ({
  ...building,
  parts: [...building.parts, { part, manifest }],
});

/** The folder of a part, missing, in a folder that is there: what an earlier try has left is gone. */
async function emptied({ parts: { files } }: UpdateDesk, folder: string): Promise<string> {
  await removeTree(files, folder);
  await makeFolders(files, dirname(folder));
  return folder;
}

const refuse = async (desk: UpdateDesk, refusal: UpdateRefused): Promise<void> =>
  desk.end({ job: desk.state.job?.job.id, outcome: 'refused', reasons: [reasonOf(refusal)] });

async function manifestOf({ parts: { files } }: UpdateDesk, folder: string): Promise<BundleManifest | undefined> {
  const bytes = await readWholeFile(files, `${folder}/${manifestName}`);
  try {
    return bundleManifest.parse(JSON.parse(bytes?.toString('utf8') ?? ''));
  } catch {
    return undefined;
  }
}
