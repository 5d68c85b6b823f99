import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { seededRandom } from '../../../device/kernel/testing/seeded-random.ts';
import { callProgram } from '../../../device/testing/call-program.ts';
import type { ArchivedInfraction, HostCentre } from './host-centre.ts';
import { type StreetUnit, unitName, until } from './street-unit.ts';

export interface CutTrial {
  readonly unit: StreetUnit;
  readonly centre: HostCentre;
  readonly cuts: number;
  readonly seed: number;
  /** Milliseconds from its first frame to its first archived infraction, as it was seen before. */
  readonly toEvent: number;
  readonly work: string;
  readonly tell: (line: string) => void;
}

export interface CutAccount {
  /** What is not as it must be; empty where all is. */
  readonly faults: readonly string[];
  /** What was seen. */
  readonly lines: readonly string[];
}

/** One cut in so many comes while the machine still starts, before it watches. */
const oneWhileStarting = 3;
/** The others come at any moment from the first frame to half as long again as the first infraction took: it is judged, sealed and sent in that time. */
const watched = 1.5;

/**
 * Cuts the power of a unit that watches, at random, and switches it on again: by itself it has to be the same unit and watch again. At the end the
 * evidence on its disk is verified, and held against what the centre has.
 *
 * A cut is SIGKILL of the emulator: what the machine had not yet given to its disk is lost. What it had given without waiting for the disk to say
 * that it is durable stays, which a real disk may lose.
 */
export async function cutAtRandom(trial: CutTrial): Promise<CutAccount> {
  const { unit, cuts, seed, toEvent, tell } = trial;
  const random = seededRandom(seed);
  const faults: string[] = [];
  let starting = 60_000;
  let whileStarting = 0;
  for (let cut = 1; cut <= cuts; cut += 1) {
    const early = random() < 1 / oneWhileStarting;
    const moment = random();
    if (early) {
      // Off, on, and off again before it has begun.
      await unit.machine.cut();
      unit.machine.switchOn();
      await wait(moment * starting);
      whileStarting += 1;
    } else {
      await unit.watches();
      await wait(moment * watched * toEvent);
    }
    const judged = early ? 'while it started' : `after ${(await unit.frames()) ?? 'some'} frames`;
    await unit.machine.cut();
    const begun = performance.now();
    await unit.startEnrolled();
    starting = performance.now() - begun;
    await unit.watches();
    const back = ((performance.now() - begun) / 1000).toFixed(0);
    tell(`cut ${cut} of ${cuts} ${judged}; it watched again ${back} s after it was switched on`);
    if (unit.keys.length !== 1) faults.push(`after cut ${cut} it shows another key`);
  }
  const account = await settle(trial);
  const first = `${cuts} cuts (seed ${seed}), ${whileStarting} of them twice in a row, while it started`;
  return { faults: [...faults, ...account.faults], lines: [first, ...account.lines] };
}

/** Holds unit and centre together: what was sealed by the last cut arrives, and nothing has arrived that was not sealed. */
export async function settle({ unit, centre, work, tell }: CutTrial): Promise<CutAccount> {
  await until('the centre tells of the unit', async () => (await centre.keyOf(unitName)) !== undefined);
  const pinned = join(work, 'pinned.vkey');
  writeFileSync(pinned, `${await centre.keyOf(unitName)}\n`);
  await unit.machine.cut();
  const before = await look(unit, pinned, join(work, 'after-the-cuts'));
  await unit.startEnrolled();
  await until('all that was sealed is archived', async () => {
    const there = new Set(await centre.listed(unitName));
    return before.sealed.every((id) => there.has(id));
  });
  tell('what was sealed by the last cut is archived');
  await unit.machine.cut();
  const after = await look(unit, pinned, join(work, 'at-the-end'));
  const archived = await centre.close(unitName);
  return {
    faults: [...before.faults, ...after.faults, ...compare(before.sealed, after.sealed, archived)],
    lines: [
      `${before.sealed.length} infractions were sealed by the last cut, ${after.sealed.length} at the end; all verified on the disk`,
      `${archived.filter(({ evidence }) => evidence !== undefined).length} infractions are archived at the centre, among ${archived.length} entries`,
    ],
  };
}

interface Look {
  /** Identifiers of the evidence on the disk. */
  readonly sealed: readonly string[];
  readonly faults: readonly string[];
}

/** Verifies what is on the disk of a machine that is switched off, with the key that the centre has pinned. */
async function look(unit: StreetUnit, pinned: string, into: string): Promise<Look> {
  const folder = await (await unit.machine.data()).copy('/unit', into);
  const faults: string[] = [];
  await callProgram('audit', ['verify', join(folder, 'evidence'), '--key', pinned]).catch((error: unknown) => {
    faults.push(`the evidence on the disk does not verify: ${String((error as { stdout?: string }).stdout ?? error)}`);
  });
  if (!readFileSync(join(folder, 'identity/current/state.json'), 'utf8').includes(`"unit":"${unitName}"`)) {
    faults.push('the unit is not enrolled any more');
  }
  // Whoever looks is written down in the log of the store: this is a copy, and it was verified before.
  const who = ['--who', 'acceptance', '--why', 'power cuts'];
  const { out } = await callProgram('audit', ['list', '--store', folder, '--json', ...who]);
  const lines = out.split('\n').filter((line) => line !== '');
  return { sealed: lines.map((line) => (JSON.parse(line) as { readonly id: string }).id), faults };
}

/** Each infraction that was sealed by the last cut is at the centre, once; nothing is there that is not on the disk; entries follow one another. */
export function compare(
  before: readonly string[],
  after: readonly string[],
  archived: readonly ArchivedInfraction[],
): readonly string[] {
  const there = archived.flatMap(({ evidence }) => (evidence === undefined ? [] : [evidence]));
  const [ours, theirs] = [new Set(after), new Set(there)];
  return [
    ...before.filter((id) => !ours.has(id)).map((id) => `on the disk before and not any more: ${id}`),
    ...before.filter((id) => !theirs.has(id)).map((id) => `missing at the centre: ${id}`),
    ...there.filter((id) => !ours.has(id)).map((id) => `archived, and not on the disk: ${id}`),
    ...there.filter((id, index) => there.indexOf(id) !== index).map((id) => `twice at the centre: ${id}`),
    ...archived.flatMap(({ sequence, previous }, index) =>
      previous === (archived[index - 1]?.sequence ?? 0) ? [] : [`entry ${sequence} follows ${previous} at the centre`],
    ),
  ];
}
