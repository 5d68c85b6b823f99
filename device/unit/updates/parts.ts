import { Installer } from '../../../ota/archive/installer.ts';
import type { SlotName } from '../../../ota/contract/slots.ts';
import { Downloads } from '../../../ota/download/downloads.ts';
import { FolderSource } from '../../../ota/download/folder-source.ts';
import { FolderSlots } from '../../../ota/slots/folder-slots.ts';
import { TrustKeeper } from '../../../ota/trust/trust-keeper.ts';
import { UpdateHistory } from '../../../ota/update/update-history.ts';
import { UpdateKeeper } from '../../../ota/update/update-keeper.ts';
import type { UpdateParts } from '../../../ota/update/update-parts.ts';
import { showStanding } from '../../../ota/update/update-standing.ts';
import type { Config } from '../../config/config-schema.ts';
import type { Clock } from '../../kernel/clock.ts';
import { makeFolders } from '../../kernel/durable-file.ts';
import type { Random } from '../../kernel/supervise.ts';
import type { Timer } from '../../kernel/timer.ts';
import { systemTreeFiles } from '../../kernel/tree-files.ts';
import { imageProgram, updateFolders, type updateRoots } from './folders.ts';

export interface UpdatePartsOptions {
  /** Of the slots, and of the program that the image brought; `running` where the unit itself asks. */
  readonly place: { readonly root: string; readonly image: string; readonly running?: SlotName };
  readonly config: () => Config;
  /** `updateRoots` of that configuration. */
  readonly roots: NonNullable<Awaited<ReturnType<typeof updateRoots>>>;
  /** Names that this machine goes by. */
  readonly hardware: readonly string[];
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
}

/** What differs between a unit that runs, and a person beside one that does not. */
export type UpdateDrive = Pick<
  UpdateParts,
  'link' | 'unfit' | 'selfTest' | 'restart' | 'report' | 'act' | 'limits' | 'tell'
>;

export interface OpenedUpdateParts {
  readonly trust: TrustKeeper;
  readonly slots: FolderSlots;
  readonly image: UpdateParts['image'];
  /** To be called once. */
  keeper(drive: UpdateDrive): UpdateKeeper;
}

/**
 * Everything that an update of this machine is made with, whoever drives it. Whoever calls holds the lock of the slots. Throws the faults of the
 * disk.
 */
export async function openUpdateParts(options: UpdatePartsOptions): Promise<OpenedUpdateParts> {
  const { place, config, roots, hardware, clock, timer, random } = options;
  const { root } = place;
  const settings = config();
  const files = systemTreeFiles;
  const folders = updateFolders(place, settings);
  for (const folder of Object.values(folders)) await makeFolders(files, folder);
  const slots = new FolderSlots({ files, ...place });
  const { running } = await slots.state();
  const image = await imageProgram(place);
  const clockGood = () => config().updates.clock === 'believed' || clock.state().synchronised;
  let kept: UpdateKeeper | undefined;
  const trust = await TrustKeeper.open({
    ...{ folder: folders.trust, floors: folders.floors, scratch: folders.scratch, roots, files, clock, clockGood },
    unit: settings.unit.id,
    hardware,
    running: running.record?.parts ?? (running.slot === 'image' ? releasesOf(image) : []),
    begunJob: () => (kept?.newestJob?.begun === true ? kept.newestJob.id : undefined),
  });
  const history = await UpdateHistory.open(files, root);
  return {
    ...{ trust, slots, image },
    keeper: (drive) => {
      kept = new UpdateKeeper({
        ...drive,
        ...{ unit: settings.unit.id, image, trust, slots, history, files, root },
        downloads: new Downloads({ files, folder: folders.downloads, timer }),
        installer: new Installer(files, { cpu: process.arch === 'arm64' ? 'arm64' : 'x64' }),
        stick: (folder) => new FolderSource({ folder, timer }),
        show: (standing) => showStanding(files, root, standing),
        ...{ clock, clockGood, timer, random },
      });
      return kept;
    },
  };
}

/** What the image brought counts like what was confirmed; one without a manifest counts as nothing. */
const releasesOf = ({ release }: { readonly release: number }) =>
  release === 0 ? [] : [{ kind: 'program', name: 'unit', release } as const];
