import type { Clock } from '../../../device/kernel/clock.ts';
import { milliseconds, toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { ConfirmedUnit } from '../../contract/awaited-work.ts';
import type { QualityBars } from '../../contract/quality.ts';
import type { UpdatePlan } from '../../contract/rollout.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Archive } from '../archive/archive.ts';
import type { Said, UnitView } from '../rollout/plan-rollout.ts';
import type { WatchedWork } from './judge-quality.ts';
import { lacksOf } from './judge-report.ts';
import { pickTargets } from './pick-targets.ts';
import { workOf } from './quality-figures.ts';
import { type GivenJob, type UnitUpdate, withdraws } from './update-documents.ts';
import type { Given, JobPlace, UpdateKeeper } from './update-keeper.ts';

/** Why a plan is refused, in a line, and what to do then. */
export interface Objection {
  readonly reason: string;
  readonly hint?: string;
}

/** What a rollout of an update asks of the centre. Methods throw what the archive throws. */
export interface RolloutUpdates {
  /** Why the plan cannot be carried out. */
  objections(units: readonly string[], plan: UpdatePlan): Promise<readonly Objection[]>;
  give(unit: string, plan: UpdatePlan, place: JobPlace): Promise<Given>;
  takeBack(unit: string, place: JobPlace): Promise<Given>;
  standing(unit: string): Promise<UnitUpdate | undefined>;
  work(units: readonly ConfirmedUnit[], bars: QualityBars): Promise<readonly WatchedWork[]>;
}

/** How long a unit that was away may still take back what it was given. */
const backFor = milliseconds(30 * 24 * 3600 * 1000);

export function rolloutUpdates(
  keeper: Pick<UpdateKeeper, 'give' | 'takeBack' | 'standing' | 'targets' | 'signs'>,
  archive: Pick<Archive, 'events'>,
  clock: Clock,
): RolloutUpdates {
  return {
    objections: async (units, plan) => {
      if (!keeper.signs) return [{ reason: 'this bridge has no update repository (updates.repository)' }];
      const objections: Objection[] =
        Date.parse(plan.expires) <= clock.utc()
          ? [{ reason: 'the update has expired', hint: 'Start it anew, with a longer --within.' }]
          : [];
      const published = await keeper.targets();
      for (const unit of units) {
        const report = (await keeper.standing(unit))?.report;
        const hardware = report?.verdict === 'good' ? report.report.hardware : undefined;
        const picked = pickTargets(unit, plan.targets, published, hardware);
        if (picked.kind === 'picked') continue;
        const { reason, lacks } = picked;
        const hint =
          lacks === undefined
            ? `Look at what is published, and what the unit runs: ${fleetProgram} updates list, ${fleetProgram} updates show ${unit}`
            : `Name a target for ${lacks.join(' or ')} too: ${fleetProgram} updates list`;
        objections.push({ reason: `unit ${unit}: ${reason}`, hint });
      }
      return objections;
    },
    give: (unit, { quality: _, ...order }, place) => keeper.give(unit, order, place),
    takeBack: (unit, place) => keeper.takeBack(unit, toIso(utcMilliseconds(clock.utc() + backFor)), place),
    standing: (unit) => keeper.standing(unit),
    work: (units, bars) => workOf(archive, units, bars),
  };
}

/** Holds what is known of a unit's updates against its job in a rollout: the one with this number. */
export function updateViewOf(facts: UnitUpdate | undefined, rollout: string, number: number): UnitView {
  const newest = facts?.newest;
  if (facts === undefined || newest === undefined || newest.number < number) return { newest: 'before' };
  const own = newest.rollout === rollout;
  if (own && !withdraws(newest))
    return { newest: 'document', ...documentOf(facts, newest), switched: isSwitched(facts, newest) };
  const given = facts.before?.rollout === rollout && facts.before.number === number ? facts.before : undefined;
  const document = given === undefined ? {} : documentOf({ ...facts, newest: given }, given);
  const switched = given !== undefined && isSwitched(facts, given);
  return own
    ? { newest: 'restore', ...document, ...restoreOf(newest), switched }
    : { newest: 'other', ...document, switched };
}

/** Whoever says that a job is done shows it: with a report of that job which it has signed. */
function documentOf(facts: UnitUpdate, given: GivenJob): { readonly document?: Said } {
  const { became, refused, waits } = given;
  if (refused !== undefined) return { document: { outcome: 'failed', reasons: [`refused: ${refused}`] } };
  if (became === undefined) {
    if (waits !== undefined) return said('none', [`not signed yet: ${waits}`]);
    const about = facts.said?.job === undefined || facts.said.job === given.job.id;
    const reasons = about ? (facts.said?.reasons ?? []) : [];
    return facts.said?.job === given.job.id ? { document: { outcome: 'trial', reasons } } : said('none', reasons);
  }
  if (became.status === 'SUCCEEDED') {
    const lacks = lacksOf(facts);
    return lacks === undefined
      ? said('confirmed', [])
      : said('trial', [`unproven: the unit says that it is done; ${lacks}`]);
  }
  if (became.step === 'rolled-back') return said('rolled-back', became.reasons);
  if (became.status === 'REJECTED') return said('rejected', became.reasons);
  return said(became.status === 'FAILED' ? 'failed' : 'canceled', became.reasons);
}

function restoreOf({ became }: GivenJob): { readonly restore?: Said } {
  if (became === undefined) return {};
  if (became.status === 'CANCELED' || became.status === 'REMOVED')
    return { restore: { outcome: 'confirmed', reasons: [] } };
  return { restore: { outcome: 'failed', reasons: [`late: it was over before, ${became.step}`] } };
}

const said = (outcome: Said['outcome'], reasons: readonly string[]): { readonly document: Said } => ({
  document: { outcome, reasons },
});

/** It runs what the job installs, or has begun to. */
function isSwitched({ said: word }: UnitUpdate, { job, became }: GivenJob): boolean {
  if (became !== undefined) return became.status === 'SUCCEEDED';
  return word?.job === job.id && (word.step === 'switching' || word.step === 'trial');
}
