import { toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { ConfirmedUnit } from '../../contract/awaited-work.ts';
import type { Telemetry } from '../../contract/events.ts';
import type { Comparison, Measure, QualityBars } from '../../contract/quality.ts';
import type { Archive, ArchivedEvent } from '../archive/archive.ts';
import type { Slice, WatchedWork } from './judge-quality.ts';

interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Telemetry messages of one unit and part that are read at most, the newest. */
const mostMessages = 5000;
const wide = 8;
/** ms. */
const part = 6 * 3600 * 1000;

/** The times that are compared, UTC milliseconds. */
export function stretchesOf(
  { releasedAt, settledAt }: Omit<ConfirmedUnit, 'unit'>,
  { minutes, against }: Pick<QualityBars, 'minutes' | 'against'>,
): { readonly before: Stretch; readonly after: Stretch } {
  const length = minutes * 60_000;
  const [released, from] = [Date.parse(releasedAt), Date.parse(settledAt)];
  const after = { from, to: from + length };
  const period = periods[against];
  if (period === undefined) return { before: { from: released - length, to: released }, after };
  // As many whole periods earlier as put the end of it before the update.
  const back = Math.max(1, Math.ceil((after.to - released) / period)) * period;
  return { before: { from: from - back, to: after.to - back }, after };
}

const day = 24 * 3600 * 1000;
const periods: Readonly<Record<Comparison, number | undefined>> = {
  'just-before': undefined,
  'day-before': day,
  'week-before': 7 * day,
};

/** What the units counted before and after, from their telemetry in the archive. Throws what the archive throws. */
export async function workOf(
  archive: Pick<Archive, 'events'>,
  units: readonly ConfirmedUnit[],
  bars: QualityBars,
): Promise<readonly WatchedWork[]> {
  const work: WatchedWork[] = [];
  for (let at = 0; at < units.length; at += wide) {
    const some = units.slice(at, at + wide).map(async (one): Promise<WatchedWork> => {
      const { before, after } = stretchesOf(one, bars);
      return {
        unit: one.unit,
        before: await slicesIn(archive, one.unit, before, 'left-out'),
        after: await slicesIn(archive, one.unit, after, 'counted'),
      };
    });
    work.push(...(await Promise.all(some)));
  }
  return work;
}

async function slicesIn(
  archive: Pick<Archive, 'events'>,
  unit: string,
  { from, to }: Stretch,
  restarts: 'left-out' | 'counted',
): Promise<readonly Slice[]> {
  const slices: Slice[] = [];
  let last: ArchivedEvent | undefined;
  // A part after the other, so that a long time is no more to hold than a short one. Each begins with the last message before it: a unit may
  // have been down meanwhile.
  for (let begin = from; begin < to; begin += part) {
    const events = inOrder(await eventsBetween(archive, unit, { from: begin, to: Math.min(to, begin + part) }));
    slices.push(...slicesOf(last === undefined ? events : [last, ...events], restarts));
    last = events.at(-1) ?? last;
  }
  return restarts === 'counted' && last !== undefined ? [...slices, ...silenceOf(slices, last, to)] : slices;
}

/** Intervals of a unit's figures, beyond which it is down, and not about to tell. */
const mostSilent = 3;

/** Whoever tells nothing any more at the end of its time may have stopped for good: it counts as down from its last word on. */
function silenceOf(slices: readonly Slice[], last: ArchivedEvent, to: number): readonly Slice[] {
  const silent = (to - Date.parse(last.time)) / 1000;
  const told = slices.reduce((sum, { seconds }) => sum + seconds, 0);
  if (slices.length === 0 || silent <= (mostSilent * told) / slices.length) return [];
  const nothing = Object.keys(countersOf(last.data as unknown as Telemetry)).map((measure) => [measure, 0]);
  return [{ seconds: silent, counts: Object.fromEntries(nothing) }];
}

const eventsBetween = (archive: Pick<Archive, 'events'>, unit: string, { from, to }: Stretch) =>
  archive.events({
    ...{ unit, kinds: ['telemetry'], order: 'newest', limit: mostMessages },
    from: toIso(utcMilliseconds(from)),
    to: toIso(utcMilliseconds(to)),
  });

const inOrder = <Event extends Pick<ArchivedEvent, 'time'>>(events: readonly Event[]): readonly Event[] =>
  events.toSorted((one, other) => Date.parse(one.time) - Date.parse(other.time));

/** What was counted between each message and the one before it. Counters begin anew with the program, which its `uptimeS` tells. */
export function slicesOf(
  events: readonly Pick<ArchivedEvent, 'time' | 'data'>[],
  restarts: 'left-out' | 'counted' = 'left-out',
): readonly Slice[] {
  const ordered = inOrder(events);
  return ordered.slice(1).flatMap((event, i): readonly Slice[] => {
    const last = ordered[i];
    if (last === undefined) return [];
    const [was, is] = [last.data as unknown as Telemetry, event.data as unknown as Telemetry];
    const gap = (Date.parse(event.time) - Date.parse(last.time)) / 1000;
    const restarted = is.uptimeS < was.uptimeS;
    // What the program before counted last is not known: the time of that is left out too, but not after an update, where to be down is no work.
    const seconds = restarted && restarts === 'left-out' ? Math.min(gap, is.uptimeS) : gap;
    if (!(seconds > 0)) return [];
    const [begun, ended] = [restarted ? {} : countersOf(was), countersOf(is)];
    const counts: Partial<Record<Measure, number>> = {};
    for (const [measure, value] of Object.entries(ended) as [Measure, number][]) {
      const before = begun[measure] ?? (restarted ? 0 : undefined);
      if (before !== undefined && value >= before) counts[measure] = value - before;
    }
    return [{ seconds, counts }];
  });
}

function countersOf({ pipeline }: Telemetry): Partial<Record<Measure, number>> {
  const { framesProcessed, detections, infractions, platesRead } = pipeline ?? {};
  return {
    ...(framesProcessed === undefined ? {} : { frames: framesProcessed }),
    ...(detections === undefined ? {} : { detections }),
    ...(infractions === undefined ? {} : { sealed: infractions }),
    ...(platesRead === undefined ? {} : { plateReads: platesRead }),
  };
}
