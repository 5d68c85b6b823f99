import { loadConfig } from '../../../device/config/load-config.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { openDisciplinedClock } from '../../../device/kernel/linux/clock-state.ts';
import { hardwareOf, updateRoots } from '../../../device/unit/updates/folders.ts';
import { openUpdateParts } from '../../../device/unit/updates/parts.ts';
import type { OtaIo } from '../ota-io.ts';
import { followJob } from './ask-unit.ts';
import type { UnitPlace } from './unit-place.ts';

/** Does what a unit would do with a stick, up to the trial, which only a unit can pass. The lock is the caller's. */
export async function installAlone(place: UnitPlace, from: string, config: string, io: OtaIo): Promise<boolean> {
  const settings = await loadConfig(config);
  const roots = await updateRoots(settings);
  if (roots === undefined)
    throw new AtalayaError('config-invalid', `${config} trusts nobody's updates: it has no updates.imageRoot`, {
      hint: 'Enrol the unit with the roots of the update repositories.',
    });
  const parts = await openUpdateParts({
    ...{ place, config: () => settings, roots, hardware: hardwareOf(io.environment) },
    ...{ clock: openDisciplinedClock(io.clock), timer: io.timer, random: io.random },
  });
  const stop = new AbortController();
  let switched = false;
  const signal = AbortSignal.any([io.signal, stop.signal]);
  const keeper = parts.keeper({
    link: () => undefined,
    selfTest: async () => ({ troubles: [{ code: 'unit-stopped', says: 'the unit does not run', vital: true }] }),
    restart: async () => {
      switched = true;
    },
    // The unit says it when it runs again.
    report: () => Promise.reject(new AtalayaError('link-down', 'the unit does not run')),
    limits: () => ({ windows: [] }),
    tell: (words) => io.note(words),
  });
  const working = keeper.run(signal);
  try {
    const { good, words } = await Promise.race([keeper.install(from), aborted(signal)]);
    if (!good) throw new AtalayaError('act-refused', words, { hint: 'Bring a stick that was made for this unit.' });
    io.note(words);
    // What is about to be tried may not be laid down yet: nobody is told, and nothing stopped, before it is.
    return await followJob(place, words.replace(/^job /, ''), io, () =>
      switched ? 'it is tried at the next start of the unit' : undefined,
    );
  } finally {
    stop.abort();
    await working;
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stopped = () => reject(new AtalayaError('act-refused', 'stopped'));
    if (signal.aborted) stopped();
    else signal.addEventListener('abort', stopped, { once: true });
  });
