import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import { type DailyWindow, dailyWindow } from '../../../ota/contract/job.ts';
import type { Target } from '../../../ota/contract/target.ts';
import { leastMinutes } from '../../centre/updates/judge-quality.ts';
import { type Comparison, comparisons, type Measure, measures } from '../../contract/quality.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { counted } from '../../fleet/text.ts';
import { type Exit, exit } from './exits.ts';
import { requirePermission } from './permitted.ts';
import { handIn, type Plan } from './rollout-hand-in.ts';
import { type Group, groupsOf } from './rollout-plan.ts';
import type { StartFlags } from './rollout-start.ts';
import type { Session } from './session.ts';
import { agreed } from './session.ts';
import { minutesFrom, momentFlag, numberOf, textsOf } from './words.ts';

interface Bar {
  readonly measure: Measure;
  readonly ratio: number;
}

/** Of `rollout start --update`. */
export interface UpdateFlags extends Omit<StartFlags, 'settings' | 'again'> {
  readonly update?: readonly string[];
  readonly settings?: string;
  readonly hold: number;
  readonly trial?: number;
  readonly starts: number;
  readonly window?: readonly DailyWindow[];
  readonly spread: number;
  readonly rate?: number;
  readonly daily?: number;
  readonly within: number;
  readonly quality?: readonly Bar[];
  readonly qualityMinutes: number;
  readonly qualityAgainst: Comparison;
}

export const addUpdateOptions = (command: Command): Command =>
  command
    .option('--update <target>', 'install this published target; given again, together with it', textsOf)
    .option(
      '--hold <minutes>',
      'update: the self-test has to hold for so long without a break; from 0.1 to 1440; also as 20s, 10m, 2h',
      minutesFrom(0.1, 1440),
      10,
    )
    .option(
      '--trial <minutes>',
      'update: rolled back where it has not held by then; from 0.5 to 2880, longer than --hold; six times --hold unless said otherwise',
      minutesFrom(0.5, 2880),
    )
    .option('--starts <number>', 'update: starts that a trial may use up; from 1 to 10', numberOf(1, 10, true), 3)
    .option('--window <from-to>', 'update: only then, UTC, as 01:30-05:00; given again, then too', windowsOf)
    .option(
      '--spread <minutes>',
      'update: units begin at moments drawn over so long; up to 10080',
      minutesFrom(0, 10_080),
      0,
    )
    .option('--rate <kilobytes>', 'update: no more a second by the link', numberOf(1.024, 1e6))
    .option('--daily <megabytes>', 'update: no more a day by the link', numberOf(0.066, 1e6))
    .option('--within <days>', 'update: not begun after it; from 0.01 to 365', numberOf(0.01, 365), 14)
    .option(
      '--quality <measure=ratio>',
      `update: least of ${measures.join(', ')} after it, by what was before, as sealed=0.9; given again, of another one`,
      barsOf,
    )
    .option(
      '--quality-minutes <minutes>',
      'update: look at the work for so long; with figures once a minute a single unit takes 7 at least',
      numberOf(0.05, 43_200),
      1440,
    )
    .option(
      '--quality-against <when>',
      `update: what it is held against: ${comparisons.join(', ')}`,
      comparisonOf,
      'day-before',
    );

/** Hands in an update for groups of units; what each unit installs the centre picks by its hardware. */
export async function startUpdate(session: Session, flags: UpdateFlags): Promise<Exit> {
  const { client, io } = session;
  const { update: targets = [], settings, hold, trial = hold * 6, spread, deadline = 1440 + spread } = flags;
  if (settings !== undefined) throw new AtalayaError('usage-invalid', '--settings and --update exclude each other');
  if (trial <= hold)
    throw new AtalayaError('usage-invalid', `a trial of ${counted(trial, 'minute')} is over before it has held`, {
      hint: `It has to hold for ${counted(hold, 'minute')} (--hold): give a longer --trial.`,
    });
  if (deadline <= spread + trial)
    throw new AtalayaError(
      'usage-invalid',
      `the deadline of ${counted(deadline, 'minute')} is no later than the end of a trial`,
      {
        hint: `A unit may wait ${counted(spread, 'minute')} (--spread) and be on trial for ${counted(trial, 'minute')} (--trial): give a longer --deadline.`,
      },
    );
  await requirePermission(session, 'rollout.run');
  await requirePermission(session, 'update.give');
  const notBefore = momentFlag('--not-before', flags.notBefore, io);
  const published = await client.call('updates', { parameters: {} }, io.signal);
  if (!published.signs)
    throw new AtalayaError('usage-invalid', 'this bridge gives no updates', {
      hint: 'Name its update repository in its configuration: updates.repository.',
    });
  const known = new Set(published.targets.map(({ target }) => target));
  const missing = targets.find((target) => !known.has(target));
  if (missing !== undefined)
    throw new AtalayaError('usage-invalid', `${missing} is not published`, {
      hint: `Look: ${fleetProgram} updates list`,
    });
  const groups = await groupsOf(session, flags);
  for (const [i, { name, units }] of groups.entries()) session.say(`${i + 1}. ${name}: ${units.join(', ')}`, 'bold');
  session.say(`update to ${targets.join(', ')}`);
  if (flags.quality !== undefined) warnOfShort(session, groups, flags.qualityMinutes);
  const units = groups.reduce((sum, group) => sum + group.units.length, 0);
  requireOwners(
    published.targets.filter(({ target }) => targets.includes(target)),
    groups.flatMap((group) => group.units),
  );
  if (!(await agreed(io, flags.yes, `Start the update of ${counted(units, 'unit')}?`))) {
    session.note('Nothing was started.');
    return exit.failed;
  }
  const update = orderOf(flags, targets, trial, io.clock.utc());
  return handIn(session, flags, groups, deadline, notBefore, { update });
}

/** A scene is of one unit: each unit has to get something, and each scene to be somebody's. Throws `usage-invalid`. */
function requireOwners(targets: readonly Target[], units: readonly string[]): void {
  const hint = 'Name the scene of each unit, one --update each, and the units in the groups.';
  const nobodys = targets.find(({ description: { unit } }) => unit !== undefined && !units.includes(unit));
  if (nobodys !== undefined) {
    const { target, description } = nobodys;
    throw new AtalayaError('usage-invalid', `${target} is the scene of ${description.unit}, which is in no group`, {
      hint,
    });
  }
  const without = units.find((unit) => targets.every(({ description }) => (description.unit ?? unit) !== unit));
  if (without === undefined) return;
  throw new AtalayaError(
    'usage-invalid',
    `none of ${targets.map(({ target }) => target).join(', ')} is for ${without}`,
    {
      hint,
    },
  );
}

/** Seconds between the figures of a unit: the default of its `cloud.telemetryS`. */
const usualInterval = 60;

/** The work is looked at whatever comes of it; where it is too short for any verdict, that is said before anything is started. */
function warnOfShort(session: Session, groups: readonly Group[], minutes: number): void {
  for (const { name, units } of groups) {
    const least = Math.ceil(leastMinutes(units.length, usualInterval));
    if (minutes >= least) continue;
    session.note(
      `With figures every ${usualInterval} s, as units send them unless their cloud.telemetryS says otherwise, the work of ${name} (${counted(units.length, 'unit')}) cannot be judged in ${counted(minutes, 'minute')}, and then holds nothing up: give --quality-minutes ${least} or more. Each measure needs some 50 events in that time, too.`,
    );
  }
}

function orderOf(
  flags: UpdateFlags,
  targets: readonly string[],
  trial: number,
  now: number,
): NonNullable<Plan['update']> {
  const { hold, starts, window, spread, rate, daily, within, quality, qualityMinutes: minutes, qualityAgainst } = flags;
  const bars = Object.fromEntries((quality ?? []).map(({ measure, ratio }) => [measure, ratio]));
  return {
    targets: [...targets],
    expires: toIso(utcMilliseconds(now + within * 86_400_000)),
    trial: { holdSeconds: Math.round(hold * 60), deadlineSeconds: Math.round(trial * 60), starts },
    ...(window === undefined ? {} : { windows: [...window] }),
    ...(spread === 0 ? {} : { spreadSeconds: Math.round(spread * 60) }),
    ...(rate === undefined ? {} : { bytesPerSecond: Math.round(rate * 1000) }),
    ...(daily === undefined ? {} : { bytesPerDay: Math.round(daily * 1e6) }),
    ...(quality === undefined ? {} : { quality: { minutes, against: qualityAgainst, ...bars } }),
  };
}

function windowsOf(text: string, before: readonly DailyWindow[] | undefined): readonly DailyWindow[] {
  const [from, to] = text.split('-');
  const read = dailyWindow.safeParse({ from, to });
  if (!read.success) throw new InvalidArgumentError('It is no window such as 01:30-05:00.');
  return [...(before ?? []), read.data];
}

function barsOf(text: string, before: readonly Bar[] | undefined): readonly Bar[] {
  const [name, ratio] = text.split('=');
  const measure = measures.find((one) => one === name);
  if (measure === undefined) throw new InvalidArgumentError(`It is none of ${measures.join(', ')}, as sealed=0.9.`);
  return [...(before ?? []), { measure, ratio: numberOf(0.01, 2)(ratio ?? '') }];
}

function comparisonOf(text: string): Comparison {
  const found = comparisons.find((one) => one === text);
  if (found === undefined) throw new InvalidArgumentError(`It is none of ${comparisons.join(', ')}.`);
  return found;
}
