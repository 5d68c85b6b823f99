import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../kernel/clock.ts';
import type { AtalayaError } from '../../../kernel/errors.ts';
import { systemTimer } from '../../../kernel/timer.ts';
import type { FrameDamage } from '../../camera.ts';
import { makeJpegs, scratchFolder } from '../../testing/made-recordings.ts';
import type { CameraParts } from '../open-camera.ts';
import type { Life, Orders } from './orders.ts';

const program = fileURLToPath(new URL('./stand-in.ts', import.meta.url));

export interface StandIns {
  /** PATH with the stand-ins first, then what they need themselves. */
  readonly path: string;
  /** Arguments of every start of a program so far. */
  starts(name: string): Promise<string[][]>;
  /** How many of them run now. */
  running(): Promise<number>;
}

export const made = { width: 96, height: 64 } as const;

/** Writes stand-ins of these names into a folder of their own; all of them live these lives. */
export async function makeStandIns(
  names: readonly string[],
  lives: readonly Life[],
  pictures?: string,
): Promise<StandIns> {
  const folder = await scratchFolder();
  const mine = join(folder, 'pictures.mjpeg');
  const others = join(folder, 'others.mjpeg');
  if (pictures === undefined) await writeFile(mine, Buffer.concat(await makeJpegs(12, made.width, made.height)));
  await writeFile(others, Buffer.concat(await makeJpegs(2, made.width / 2, made.height / 2)));
  const starts = join(folder, 'starts.jsonl');
  const orders: Orders = { lives, pictures: pictures ?? mine, others, starts };
  const ordersPath = join(folder, 'orders.json');
  await writeFile(ordersPath, JSON.stringify(orders));
  for (const name of names) {
    const script = `#!/bin/sh\nexec '${process.execPath}' '${program}' '${name}' '${ordersPath}' "$@"\n`;
    await writeFile(join(folder, name), script);
    await chmod(join(folder, name), 0o755);
  }
  return {
    running: async () => {
      const ids = (await readdir('/proc')).filter((id) => /^\d+$/.test(id));
      const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
      return lines.filter((line) => line.includes(ordersPath)).length;
    },
    path: `${folder}:/usr/bin:/bin`,
    starts: async (name) => {
      const lines = await readFile(starts, 'utf8').catch(() => '');
      const all = lines
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as string[]);
      return all.filter(([started]) => started === name).map(([, ...args]) => args);
    },
  };
}

/** Parts for a camera under test, and what it told. */
export function partsFor(path: string, more: Partial<CameraParts> = {}) {
  const damages: FrameDamage[] = [];
  const faults: { fault: AtalayaError; wait: number; at: number }[] = [];
  const parts: CameraParts = {
    clock: systemClock,
    timer: systemTimer,
    random: () => 0,
    path,
    ffmpeg: 'ffmpeg',
    patience: undefined,
    onDamage: (damage) => damages.push(damage),
    onFault: (fault, wait) => faults.push({ fault, wait, at: performance.now() }),
    ...more,
  };
  return { parts, damages, faults };
}
