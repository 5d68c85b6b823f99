import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { configFolder } from '../../../device/cli/unit/config.ts';
import { loadConfig } from '../../../device/config/load-config.ts';
import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import { evidenceFolder } from '../../../device/unit/evidence.ts';
import { identityNames } from '../../enrol/identity-files.ts';
import type { UnitEnrolment } from '../../enrol/unit-enrolment.ts';
import { type ProvisionIo, say } from '../provision-io.ts';

export interface WipeFlags {
  readonly identity: string;
  readonly data: string;
  readonly confirm?: string;
}

/**
 * Takes a unit its identity, after a person has typed its name. Throws `usage-invalid` where the name is another one, `store-locked` while
 * the unit runs, `store-failed`.
 */
export async function wipeUnit(enrolment: UnitEnrolment, flags: WipeFlags, io: ProvisionIo): Promise<void> {
  const folder = resolve(flags.identity);
  const { name, enrolled } = await enrolment.nameToConfirm();
  say(io.err, `This takes ${name} its key, its certificate and all that grants gave it, in ${folder}.`);
  if (flags.confirm === undefined && io.ask === undefined) {
    throw new AtalayaError('usage-invalid', 'nobody is there to confirm it; nothing was wiped', {
      hint: `Give the name of the unit, or its serial where it has none: --confirm ${name}`,
    });
  }
  const typed = flags.confirm ?? (await io.ask?.('Type its name, as it stands above, to go on: ')) ?? '';
  if (typed.trim() !== name) {
    throw new AtalayaError('usage-invalid', `this unit is ${name}, and another name was given; nothing was wiped`, {
      hint: 'Check which unit this is.',
    });
  }
  const data = await dataFolders(folder, resolve(flags.data));
  const held = await whileItStands(data.flatMap((one) => [evidenceFolder(one), configFolder(one)]));
  try {
    if (!(await enrolment.wipe())) return say(io.out, `there was nothing to wipe in ${folder}`);
  } finally {
    for (const lock of held) await lock.release();
  }
  say(io.out, `wiped ${name}`);
  say(io.out, `evidence, and the key that signs it, are kept: ${data.join(', ')}`);
  say(
    io.err,
    `The unit makes a new key at its next start, or now: atalaya-provision unit show. Enrol it like a new one, and give it everything again (--broker, --config and the rest): nothing stays as it was.${enrolled ? ` If its old certificate was not revoked: atalaya-provision ca revoke ${name} --reason superseded` : ''}`,
  );
}

/** Where the evidence of this unit may lie: where its configuration says, and where it goes unless that does. */
async function dataFolders(folder: string, usual: string): Promise<readonly string[]> {
  const path = join(folder, 'current', identityNames.configuration);
  const configured = await loadConfig(path).then(
    ({ evidence }) => evidence.data,
    () => usual,
  );
  return [...new Set([configured, usual])];
}

/** Locks that a running unit holds, of those folders that are there. */
async function whileItStands(folders: readonly string[]): Promise<readonly FolderLock[]> {
  const held: FolderLock[] = [];
  try {
    for (const folder of folders) if (await isThere(folder)) held.push(await FolderLock.take(folder));
    return held;
  } catch (error) {
    for (const lock of held) await lock.release();
    if (!isAtalayaError(error, 'store-locked')) throw error;
    throw new AtalayaError('store-locked', `the unit runs, and nothing was wiped: ${error.message}`, {
      hint: 'Stop it first: systemctl stop atalaya-unit',
      cause: error,
    });
  }
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
