import type { UtcMilliseconds } from '../../../device/kernel/units.ts';
import { awaitedWork } from '../../contract/awaited-work.ts';
import type { Rollout } from '../../contract/rollout.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { timeWords, withShortIds } from '../../fleet/text.ts';

/** State and reason in a line, and what of the units' work nobody could judge: `done (17 of 20 units confirmed; their work was NOT judged)`. */
export function headlineOf(rollout: Rollout, now: UtcMilliseconds): string {
  const parts = [rollout.reason, unjudgedWords(rollout)].filter((words) => words !== undefined);
  return `${standingOf(rollout, now)}${parts.length === 0 ? '' : ` (${parts.join('; ')})`}`;
}

/** What of the work that was to be judged was not; undefined where all of it was, or none was asked for, so far. */
export function unjudgedWords({ update, groups }: Pick<Rollout, 'update' | 'groups'>): string | undefined {
  if (update?.quality === undefined) return undefined;
  const looked = groups.flatMap(({ name, quality }) => (quality === undefined ? [] : [{ name, ...quality }]));
  const unjudged = looked.filter(({ verdict }) => verdict === 'not-judged');
  if (unjudged.length > 0 && unjudged.length === groups.length) return 'their work was NOT judged';
  if (unjudged.length > 0) return `the work of ${unjudged.map(({ name }) => name).join(', ')} was NOT judged`;
  const measures = looked.flatMap((one) => one.measures.filter(({ verdict }) => verdict === 'not-judged'));
  const named = [...new Set(measures.map(({ measure }) => measure))];
  return named.length === 0 ? undefined : `NOT judged in all groups: ${named.join(', ')}`;
}

/** The state, and what it waits for. */
export function standingOf(rollout: Rollout, now: UtcMilliseconds): string {
  const { state, notBefore } = rollout;
  if (state === 'waiting') {
    const begins = notBefore === undefined ? 0 : Date.parse(notBefore);
    return begins > now ? `waiting, begins at ${momentWords(begins, now)}` : state;
  }
  const waits = waitWords(rollout, now);
  return waits === undefined ? state : `${state}, ${waits}`;
}

function waitWords(rollout: Rollout, now: UtcMilliseconds): string | undefined {
  const work = awaitedWork(rollout);
  if (work !== undefined) return `waits for the work of ${work.name} until ${momentWords(work.due, now)}`;
  if (rollout.state !== 'running') return undefined;
  const at = rollout.groups.findIndex(({ succeededAt }) => succeededAt === undefined);
  const [before, next] = [rollout.groups[at - 1]?.succeededAt, rollout.groups[at]];
  if (before === undefined || next === undefined) return undefined;
  const rested = Date.parse(before) + rollout.restMinutes * 60_000;
  return rested > now ? `rests until ${momentWords(rested, now)} before ${next.name}` : undefined;
}

/** After a call that steered it: what it waits for now, and how it goes on. */
export function steeredWords(rollout: Rollout, now: UtcMilliseconds): string {
  const { state, restoring, update } = rollout;
  const id = withShortIds(rollout.id);
  const is = `rollout ${id} is ${standingOf(rollout, now)}`;
  if (state === 'paused')
    return `${is}: nothing more is released until it is resumed: ${fleetProgram} rollout resume ${id} --reason WORDS`;
  if (state === 'waiting')
    return is.endsWith(state) ? `${is} for the next look of the centre, some seconds, and goes on by itself` : is;
  if (!restoring) return is;
  return `${is}, and ${update === undefined ? 'gives back what was before' : 'takes the update back'}`;
}

/** The time of day where it is of today, UTC. */
function momentWords(at: number, now: UtcMilliseconds): string {
  const [words, today] = [timeWords(new Date(at).toISOString()), timeWords(new Date(now).toISOString())];
  const same = words.slice(0, 10) === today.slice(0, 10);
  return `${same ? words.slice(11, 16) : words.slice(0, 16)} UTC`;
}
