import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { sleep } from '../../device/kernel/clock.ts';
import type { Random } from '../../device/kernel/supervise.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { milliseconds } from '../../device/kernel/units.ts';
import { isBroken, KilledUnit } from './killed-unit.ts';

export interface KillRun {
  readonly kills: number;
  readonly starts: number;
  readonly updated: number;
  readonly rolledBack: number;
  readonly refused: number;
  /** Kills by where the update was. */
  readonly stages: Readonly<Record<string, number>>;
  /** Bytes that were served, and that the jobs needed. */
  readonly served: number;
  readonly needed: number;
  /** What must not have happened. */
  readonly broken: readonly string[];
}

/** Moments of a life at which it is killed, ms; short ones find the launcher and the opening, long ones the work. */
const longest = 2500;
/** Lives that are not killed, after all the kills, until the last job has ended. */
const mostLives = 12;
const longestLife = 60_000;

/**
 * Kills a unit that updates itself `kills` times, each at a moment drawn at random, over releases that are well and releases that are not; and
 * looks from outside at what comes of it.
 */
export async function runKills(kills: number, random: Random, tell: (words: string) => void): Promise<KillRun> {
  await using unit = await KilledUnit.open();
  const broken: string[] = [];
  const outcomes: string[] = [];
  const stages: Record<string, number> = {};
  let [killed, starts] = [0, 0];
  await unit.assignNext();
  const next = async () => {
    const ended = await unit.ended();
    if (ended === undefined) return;
    outcomes.push(ended.outcome);
    if (ended.outcome === 'succeeded') unit.succeeded();
    if (isBroken(unit.release) && ended.outcome === 'succeeded') broken.push(`release ${unit.release} was confirmed`);
    tell(`${unit.job}, release ${unit.release}: ${ended.outcome}, after ${killed} kills`);
    if (killed < kills) await unit.assignNext();
  };
  while (killed < kills) {
    const process = unit.start();
    starts += 1;
    // The square: as many kills in the first quarter of the time as in the rest.
    if (await ends(process, random() ** 2 * longest)) {
      killed += 1;
      const stage = stageOf(await unit.lives());
      stages[stage] = (stages[stage] ?? 0) + 1;
    }
    await next();
  }
  // From here on nothing disturbs it: it has to come to its end by itself.
  for (let lives = 0; (await unit.ended()) === undefined; lives += 1) {
    if (lives === mostLives) {
      broken.push(`${unit.job} has not ended in ${lives} lives`);
      break;
    }
    const process = unit.start();
    starts += 1;
    const watching = untilEnded(unit, process);
    await ends(process, longestLife);
    await watching;
  }
  await next();
  const lives = await unit.lives();
  broken.push(...lives.filter((line) => line.startsWith('damaged ')));
  const served = lives.flatMap((line) => (line.startsWith('served ') ? [Number(line.slice(7))] : []));
  const count = (what: string) => outcomes.filter((outcome) => outcome === what).length;
  return {
    kills: killed,
    starts,
    updated: count('succeeded'),
    rolledBack: count('rolled-back'),
    refused: outcomes.length - count('succeeded') - count('rolled-back'),
    stages,
    served: served.reduce((sum, one) => sum + one, 0),
    needed: unit.needed,
    broken,
  };
}

/** What the newest life was at: `starting` where it has not said so. */
function stageOf(lives: readonly string[]): string {
  const last = lives.findLast((line) => line.startsWith('report ') || line.startsWith('start '));
  return last?.startsWith('report ') === true ? (last.split(' ')[2] ?? '') : 'starting';
}

/** True: it was killed, after `time`; false: it had ended by itself before. */
async function ends(process: ChildProcess, time: number): Promise<boolean> {
  const exit = once(process, 'exit');
  const over = new AbortController();
  const first = await Promise.race([exit, sleep(milliseconds(time), over.signal).then(() => 'late' as const)]);
  over.abort();
  if (first !== 'late') return false;
  try {
    globalThis.process.kill(-(process.pid ?? 0), 'SIGKILL');
  } catch {
    return false;
  }
  await exit;
  return true;
}

async function untilEnded(unit: KilledUnit, process: ChildProcess): Promise<void> {
  while (process.exitCode === null && process.signalCode === null) {
    await sleep(milliseconds(200));
    if ((await unit.ended()) === undefined) continue;
    globalThis.process.kill(-(process.pid ?? 0), 'SIGTERM');
    return;
  }
}

export const wordsOf = ({
  kills,
  starts,
  updated,
  rolledBack,
  refused,
  stages,
  served,
  needed,
  broken,
}: KillRun): string =>
  [
    `${kills} kills in ${starts} starts: ${updated} updates, ${rolledBack} rolled back, ${refused} refused;`,
    `killed while ${Object.entries(stages)
      .sort(([, a], [, b]) => b - a)
      .map(([stage, count]) => `${stage} ${count}`)
      .join(', ')};`,
    `${served} bytes were downloaded of ${needed} that were needed (${((100 * (served - needed)) / needed).toFixed(1)} % twice);`,
    broken.length === 0 ? 'nothing was broken' : `BROKEN: ${broken.join('; ')}`,
  ].join(' ');

if (import.meta.main) {
  const [kills = '300', seed = '1'] = process.argv.slice(2);
  const run = await runKills(Number(kills), seededRandom(Number(seed)), (words) => console.error(words));
  console.log(wordsOf(run));
  process.exitCode = run.broken.length === 0 ? 0 : 1;
}
