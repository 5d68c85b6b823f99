import { loadConfig } from '../../../device/config/load-config.ts';
import { makeFolders } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { openDisciplinedClock } from '../../../device/kernel/linux/clock-state.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { hardwareOf, imageProgram, updateFolders, updateRoots } from '../../../device/unit-update-folders.ts';
import { Installer } from '../../archive/installer.ts';
import { Downloads } from '../../download/downloads.ts';
import { FolderSource } from '../../download/folder-source.ts';
import { FolderSlots } from '../../slots/folder-slots.ts';
import { TrustKeeper } from '../../trust/trust-keeper.ts';
import { UpdateHistory } from '../../update/update-history.ts';
import { UpdateKeeper } from '../../update/update-keeper.ts';
import { showStanding } from '../../update/update-standing.ts';
import type { OtaIo } from '../ota-io.ts';
import { followJob } from './ask-unit.ts';
import type { UnitPlace } from './unit-place.ts';

/** Does what a unit would do with a stick, up to the trial, which only a unit can pass. The lock is the caller's. */
export async function installAlone(place: UnitPlace, from: string, config: string, io: OtaIo): Promise<boolean> {
  const { root, image } = place;
  const files = systemTreeFiles;
  const slots = new FolderSlots({ files, root, image });
  const { running, trial } = await slots.state();
  if (trial !== undefined)
    throw new AtalayaError('act-refused', `slot ${trial.slot.slot} is on trial`, {
      hint: 'Start the unit, which tests it; or `atalaya-ota rollback` first.',
    });
  const settings = await loadConfig(config);
  const roots = await updateRoots(settings);
  if (roots === undefined)
    throw new AtalayaError('config-invalid', `${config} trusts nobody's updates: it has no updates.imageRoot`, {
      hint: 'Enrol the unit with the roots of the update repositories.',
    });
  const folders = updateFolders({ root }, settings);
  for (const folder of Object.values(folders)) await makeFolders(files, folder);
  const clock = openDisciplinedClock(io.clock);
  const clockGood = () => settings.updates.clock === 'believed' || clock.state().synchronised;
  const keeper: { value: UpdateKeeper | undefined } = { value: undefined };
  const trust = await TrustKeeper.open({
    ...{ folder: folders.trust, floors: folders.floors, scratch: folders.scratch, roots, files, clock, clockGood },
    unit: settings.unit.id,
    hardware: hardwareOf(io.environment),
    running: running.record?.parts ?? [],
    begunJob: () => (keeper.value?.newestJob?.begun === true ? keeper.value.newestJob.id : undefined),
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([io.signal, stop.signal]);
  keeper.value = new UpdateKeeper({
    ...{ unit: settings.unit.id, image: await imageProgram({ image }), trust, slots, files, root, clock, clockGood },
    downloads: new Downloads({ files, folder: folders.downloads, timer: io.timer }),
    installer: new Installer(files, { cpu: process.arch === 'arm64' ? 'arm64' : 'x64' }),
    history: await UpdateHistory.open(files, root),
    link: () => undefined,
    stick: (folder) => new FolderSource({ folder, timer: io.timer }),
    selfTest: async () => ({ good: false, reasons: ['the unit does not run'] }),
    restart: async () => stop.abort(),
    // The unit says it when it runs again.
    report: () => Promise.reject(new AtalayaError('link-down', 'the unit does not run')),
    show: (standing) => showStanding(files, root, standing),
    limits: () => ({ windows: [] }),
    ...{ timer: io.timer, random: io.random },
    tell: (words) => io.note(words),
  });
  const working = keeper.value.run(signal);
  try {
    const { good, words } = await Promise.race([keeper.value.install(from), aborted(signal)]);
    if (!good) throw new AtalayaError('act-refused', words, { hint: 'Bring a stick that was made for this unit.' });
    io.note(words);
    const well = await followJob(place, words.replace(/^job /, ''), { ...io, signal });
    if (stop.signal.aborted) io.note('it is tried at the next start of the unit');
    return well;
  } finally {
    stop.abort();
    await working;
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new AtalayaError('act-refused', 'stopped')), { once: true });
  });
