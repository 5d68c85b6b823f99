import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';

const call = promisify(execFile);
export const launcher = join(import.meta.dirname, '../atalaya-launcher');

/** What lies below the folder of the slots: texts of files, `folder`, or `link`; a slot is whole or lacks something. */
export interface Disk {
  readonly confirmed?: string;
  readonly trial?: string;
  readonly minutes?: string;
  readonly 'rolled-back'?: string;
  readonly a: SlotLook;
  readonly b: SlotLook;
  readonly image: 'whole' | 'node' | 'empty';
}
export const looks = [
  'whole',
  'missing',
  'no record',
  'empty record',
  'half a record',
  'start is no program',
  'no start',
] as const;
export type SlotLook = (typeof looks)[number];

export const stateNames = ['confirmed', 'trial', 'minutes', 'rolled-back'] as const;
export const folder = '(folder)';
export const link = '(link)';

export async function lay(t: ExecutionContext, disk: Disk): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'atalaya-launcher-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  for (const name of stateNames) {
    const text = disk[name];
    if (text === folder) await mkdir(join(root, name, 'inner'), { recursive: true });
    else if (text === link) await symlink(join(root, 'image/start'), join(root, name));
    else if (text !== undefined) await writeFile(join(root, name), text, 'latin1');
  }
  for (const slot of ['a', 'b'] as const) await laySlot(root, slot, disk[slot]);
  const image = join(root, 'image');
  await mkdir(image);
  if (disk.image === 'whole') await writeProgram(join(image, 'start'));
  if (disk.image === 'node') {
    await mkdir(join(image, 'node_modules/.bin'), { recursive: true });
    await mkdir(join(image, 'device/cli'), { recursive: true });
    await writeFile(join(image, 'device/cli/atalaya-unit.ts'), '');
    await writeProgram(join(image, 'node_modules/.bin/node'));
  }
  return root;
}

async function laySlot(root: string, slot: 'a' | 'b', look: SlotLook): Promise<void> {
  if (look === 'missing') return;
  const program = join(root, slot, 'program');
  await mkdir(program, { recursive: true });
  const record = { 'no record': undefined, 'empty record': '', 'half a record': '{"schema":"atalaya/slot/1","job":"j' };
  const text = look in record ? record[look as keyof typeof record] : '{"schema":"atalaya/slot/1","job":"job-1"}\n';
  if (text !== undefined) await writeFile(join(root, slot, 'slot.json'), text);
  if (look !== 'no start') await writeProgram(join(program, 'start'));
  if (look === 'start is no program') await chmod(join(program, 'start'), 0o644);
}

async function writeProgram(path: string): Promise<void> {
  await writeFile(path, '#!/bin/sh\necho "$ATALAYA_SLOT/$ATALAYA_TRIAL"\nfor word in "$@"; do echo "$word"; done\n');
  await chmod(path, 0o755);
}

export const args = (root: string): readonly string[] => ['--root', root, '--image', join(root, 'image')];

/** Which slot the script starts, as `startOf` has it. */
export async function started(root: string) {
  try {
    const { stdout } = await call('sh', [launcher, ...args(root), 'run', '--', 'run']);
    const [slot, trial] = stdout.split('\n')[0]?.split('/') ?? [];
    return { slot, trial: trial === '1' };
  } catch (error) {
    if ((error as { code?: unknown }).code === 1) return undefined;
    throw error;
  }
}

export async function guarded(root: string): Promise<boolean> {
  return call('sh', [launcher, ...args(root), 'guard']).then(
    () => true,
    (error: { code?: unknown }) => {
      if (error.code === 1) return false;
      throw error;
    },
  );
}

export const whole: Disk = { a: 'whole', b: 'whole', image: 'whole' };
