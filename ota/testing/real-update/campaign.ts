import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { UpdateCentre } from './update-centre.ts';
import { isEnd, isJob, isOnline, longestAway, type WatchedTopics } from './watched-topics.ts';

export interface Outcome {
  readonly target: string;
  readonly step: string;
  readonly seconds: number;
  readonly bytes: number;
  readonly interruptions: readonly number[];
  readonly away: number;
  readonly reasons: readonly string[];
}

export interface CampaignOrder {
  /** Without its ending. */
  readonly target: string;
  /** Version of the program that runs when it is over. */
  readonly runs: string;
  /** Minutes. */
  readonly hold: number;
  readonly trial: number;
}

/** Campaigns over one unit, one after the other, each watched to its end. */
export class Campaigns {
  readonly #centre: UpdateCentre;
  readonly #watched: WatchedTopics;
  readonly #unit: string;
  readonly #slots: string;
  /** Jobs whose end was heard: a unit tells its last one again at each start. */
  readonly #over = new Set<string | undefined>();

  /** `slots`: folder of the unit's. */
  constructor(centre: UpdateCentre, watched: WatchedTopics, unit: string, slots: string) {
    this.#centre = centre;
    this.#watched = watched;
    this.#unit = unit;
    this.#slots = slots;
  }

  async run({ target, runs, hold, trial }: CampaignOrder): Promise<Outcome> {
    const watched = this.#watched;
    const from = watched.heard.length;
    const [began, before] = [Date.now(), await this.#downloaded()];
    await this.#centre.fleet(
      ...['rollout', 'start', '--update', `${target}.tar.zst`, '--group', `all=${this.#unit}`],
      ...['--deadline', '30', '--yes', '--hold', String(hold), '--trial', String(trial)],
    );
    const end = await watched.until(
      `the end of ${target}`,
      (one) => isEnd(one) && !this.#over.has(one.content.job),
      900_000,
      from,
    );
    this.#over.add(end.content.job);
    // What was refused was never switched to, and so nothing started.
    if (end.content.step !== 'refused')
      await watched.until(`${runs} runs`, (heard) => isOnline(heard, runs), 120_000, from);
    const heard = watched.heard.slice(from);
    const told = heard.filter(isJob).map(({ content }) => content.interruptionS);
    await watched.until('it judges frames', (one) => one.topic === 'telemetry' && one.at > end.at, 60_000, from);
    return {
      target,
      step: String(end.content.step),
      seconds: (end.at - began) / 1000,
      bytes: (await this.#downloaded()) - before,
      interruptions: [...new Set(told.filter((one): one is number => typeof one === 'number'))],
      away: longestAway(heard),
      reasons: end.content.reasons ?? [],
    };
  }

  /** Bytes that the unit has taken over its link today, as it counts them itself. */
  async #downloaded(): Promise<number> {
    const text = await readFile(join(this.#slots, 'update.json'), 'utf8').catch(() => '{}');
    return (JSON.parse(text) as { readonly bytes?: { readonly bytes: number } }).bytes?.bytes ?? 0;
  }
}

/** What was measured, for people. */
export function outcomeWords({
  target,
  step,
  seconds,
  bytes,
  interruptions,
  away,
  reasons,
}: Outcome): readonly string[] {
  const gaps = interruptions.length === 0 ? 'none told' : interruptions.map((one) => `${one.toFixed(2)} s`).join(', ');
  return [
    `${target}: ${step} after ${seconds.toFixed(1)} s, ${(bytes / 1e6).toFixed(3)} MB downloaded`,
    `  frame path interrupted: ${gaps}; away from the broker at most ${away.toFixed(2)} s`,
    ...reasons.map((reason) => `  ${reason}`),
  ];
}
