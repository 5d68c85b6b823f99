import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { AtalayaError, isAtalayaError, systemCode } from '../../../device/kernel/errors.ts';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import { becomeOwner } from '../../../device/kernel/folder-owner.ts';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { toIso } from '../../../device/kernel/units.ts';
import { imageProgram } from '../../../device/unit/updates/folders.ts';
import type { SlotView } from '../../contract/slots.ts';
import { FolderSlots } from '../../slots/folder-slots.ts';
import { readStanding, type UpdateStanding } from '../../update/update-standing.ts';
import { readUpdateState } from '../../update/update-state.ts';
import type { OtaIo } from '../ota-io.ts';

/** Where a unit's updates lie. */
export interface UnitPlace {
  readonly root: string;
  readonly image: string;
}

/** As the launcher takes them: options first, then the environment, then where an image has them. */
export const placeOf = (
  flags: { readonly root?: string; readonly image?: string },
  { ATALAYA_SLOTS: root, ATALAYA_IMAGE: image }: OtaIo['environment'],
): UnitPlace => ({
  root: flags.root ?? root ?? '/data/program',
  image: flags.image ?? image ?? '/opt/atalaya/image',
});

/**
 * Before anything is written there: from here on this process is the account whose slots they are, as which the unit runs, so that whatever
 * it leaves can be read and replaced by the unit; what a stick holds is read with no more rights than the unit has. Throws `usage-invalid` for
 * who is neither that account nor root.
 */
export async function workAsUnit({ root }: UnitPlace, { note }: Pick<OtaIo, 'note'>): Promise<void> {
  const account = await becomeOwner({ folder: root, what: 'the folder of the slots', program: 'atalaya-ota' });
  if (account !== undefined) note(`working as ${account}, whose slots they are`);
}

/** What is only looked at may be looked at by anybody who can; who cannot is told so. Throws `usage-invalid`, and what the look throws. */
export async function lookedAt<T>({ root }: UnitPlace, look: Promise<T>): Promise<T> {
  try {
    return await look;
  } catch (cause) {
    if (systemCode(isAtalayaError(cause) ? cause.cause : cause) !== 'EACCES') throw cause;
    throw new AtalayaError('usage-invalid', `this account may not look into ${root}`, {
      cause,
      hint: 'Run the same call with sudo.',
    });
  }
}

/**
 * Whether a unit works on it now: the process that the lock names has it open. Looks only: a lock taken to find out would be in the way of a
 * unit that starts.
 */
export async function unitRuns({ root }: UnitPlace): Promise<boolean> {
  const path = await realpath(`${root}/lock`).catch(() => undefined);
  if (path === undefined) return false;
  const pid = /^(\d+)\n/.exec(await readFile(path, 'utf8').catch(() => ''))?.[1];
  if (pid === undefined) return false;
  try {
    for (const name of await readdir(`/proc/${pid}/fd`)) {
      if ((await readlink(`/proc/${pid}/fd/${name}`).catch(() => '')) === path) return true;
    }
    return false;
  } catch (error) {
    // Of another user: that there is such a process is all that can be seen.
    return systemCode(error) === 'EACCES';
  }
}

/** The lock of the updates, where no unit holds it: then nobody else works here until it is released. */
export async function takeLock({ root }: UnitPlace): Promise<FolderLock | undefined> {
  try {
    return await FolderLock.take(root);
  } catch (error) {
    if (isAtalayaError(error, 'store-locked')) return undefined;
    throw error;
  }
}

export const slotsOf = ({ root, image }: UnitPlace): FolderSlots =>
  new FolderSlots({ files: systemTreeFiles, root, image });

/** What a running unit shows; of one that does not run what its slots say. */
export async function standingOf(place: UnitPlace, runs: boolean, io: Pick<OtaIo, 'clock'>): Promise<UpdateStanding> {
  const shown = runs ? await readStanding(systemTreeFiles, place.root) : undefined;
  if (shown !== undefined) return shown;
  const { running, trial } = await slotsOf(place).state();
  const read = await readUpdateState(systemTreeFiles, place.root);
  const state = read.kind === 'read' ? read.state : undefined;
  const last = state?.ended.at(-1);
  const refused = state?.refusals.at(-1);
  return {
    at: toIso(io.clock.utc()),
    running: { slot: running.slot, ...(await programOf(running, place)) },
    ...(trial === undefined
      ? {}
      : {
          trial: {
            slot: trial.slot.slot,
            startsLeft: trial.startsLeft,
            used: Math.floor(state?.trial?.usedSeconds ?? 0),
            deadline: state?.trial?.deadlineSeconds ?? trial.minutesLeft * 60,
            held: 0,
            hold: state?.trial?.holdSeconds ?? 0,
            failing: [],
          },
        }),
    ...(state?.job === undefined
      ? {}
      : { job: { id: state.job.job.id, step: 'waiting' as const, reasons: ['the unit does not run'] } }),
    ...(last === undefined
      ? {}
      : {
          last: {
            ...(last.job === undefined ? {} : { job: last.job }),
            ...{ outcome: last.outcome, at: last.at, reasons: last.reasons },
          },
        }),
    ...(refused === undefined ? {} : { refused: { at: refused.at, reason: refused.reason } }),
  };
}

async function programOf(
  { record }: SlotView,
  { image }: UnitPlace,
): Promise<{ readonly version: string; readonly release: number }> {
  const program = record?.parts.find(({ kind }) => kind === 'program');
  return program === undefined ? imageProgram({ image }) : { version: program.version, release: program.release };
}
