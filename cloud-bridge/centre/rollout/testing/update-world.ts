import { AtalayaError } from '../../../../device/kernel/errors.ts';
import type { JobStatus, JobStep } from '../../../../ota/contract/job.ts';
import type { VersionReport } from '../../../../ota/contract/version-report.ts';
import { type RolloutPlan, rolloutPlan } from '../../../contract/rollout.ts';
import type { Reported } from '../../../contract/state.ts';
import type { WatchedWork } from '../../updates/judge-quality.ts';
import type { RolloutUpdates } from '../../updates/rollout-updates.ts';
import { type GivenJob, type UnitUpdate, withdraws } from '../../updates/update-documents.ts';
import type { Given, JobPlace } from '../../updates/update-keeper.ts';
import { RolloutWorld, turn } from './rollout-world.ts';

export const madeTarget = 'unit-1.1.0-r2-x64.tar.zst';

const ends: Readonly<Partial<Record<Reported['outcome'], readonly [JobStep, JobStatus]>>> = {
  confirmed: ['confirmed', 'SUCCEEDED'],
  rejected: ['refused', 'REJECTED'],
  'rolled-back': ['rolled-back', 'FAILED'],
};

/** The same world, in which units are given jobs; the second document of a unit stands for its job, the third for what takes it back. */
export class UpdateWorld extends RolloutWorld {
  readonly standing = new Map<string, UnitUpdate>();
  /** What units did before and after. */
  work: readonly WatchedWork[] = [];
  objections: readonly string[] = [];

  protected override updates(): RolloutUpdates {
    return {
      objections: async () => this.objections.map((reason) => ({ reason })),
      give: (unit, { targets }, place) => this.#give(unit, [...targets], place, 2),
      takeBack: (unit, place) => this.#give(unit, [], place, 3),
      standing: async (unit) => {
        await turn();
        this.point();
        return this.standing.get(unit);
      },
      work: async () => {
        await turn();
        this.point();
        return this.work;
      },
    };
  }

  /** Somebody else gives the unit a job. */
  giveOther(unit: string): void {
    const before = this.standing.get(unit)?.newest;
    const number = (before?.number ?? 0) + 1;
    this.standing.set(unit, {
      unit,
      newest: jobOf(unit, number, ['other'], 'Eve', undefined),
      ...(before && { before }),
    });
  }

  override unitSays(unit: string, outcome: Reported['outcome']): void {
    super.unitSays(unit, outcome);
    const standing = this.standing.get(unit);
    if (standing?.newest === undefined || standing.newest.became !== undefined) return;
    const given = standing.newest;
    const at = '2026-03-01T12:00:00.000Z';
    const reasons = outcome === 'confirmed' || outcome === 'trial' ? [] : ['cameras: no frame was seen'];
    const [step, status] = withdraws(given)
      ? (['canceled', 'CANCELED'] as const)
      : (ends[outcome] ?? ['trial', 'IN_PROGRESS']);
    const update = { job: given.job.id, at, status, step, reasons };
    const over = status === 'IN_PROGRESS' ? {} : { became: { status, step, at, reasons } };
    const before = withdraws(given) && standing.before !== undefined ? { before: { ...standing.before, ...over } } : {};
    this.standing.set(unit, { ...standing, newest: { ...given, ...over }, ...before, said: update });
    if (status === 'SUCCEEDED') this.prove(unit);
  }

  /** A report of the newest job that the unit has signed. */
  prove(unit: string, more: Partial<VersionReport> = {}): void {
    const standing = this.standing.get(unit);
    if (standing?.newest === undefined) throw new Error('no job');
    const { id: job, nonce, install } = standing.newest.job;
    const report: VersionReport = {
      ...{
        schema: 'atalaya/version-report/1',
        unit,
        at: '2026-03-01T12:00:00.000Z',
        nonce,
        job,
        slot: 'b',
        trial: false,
      },
      parts: install.map((target) => ({ kind: 'program', name: 'unit', version: '1.1.0', release: 2, target })),
      ...{ metadata: { image: null, director: null }, refused: [] },
      signature: { key: '0'.repeat(64), algorithm: 'ed25519', value: `${'A'.repeat(86)}==` },
      ...more,
    };
    this.standing.set(unit, { ...standing, report: { report, came: report.at, verdict: 'good' } });
  }

  override plan(groups: readonly (readonly string[])[], more: Partial<RolloutPlan> = {}): RolloutPlan {
    return rolloutPlan.parse({
      id: 'rollout-1',
      groups: groups.map((members, i) => ({ name: `group ${i + 1}`, units: members })),
      deadlineMinutes: 61,
      update: { targets: [madeTarget], expires: '2027-03-01T12:00:00Z' },
      ...more,
    });
  }

  async #give(unit: string, install: string[], { by, rollout, number }: JobPlace, version: number): Promise<Given> {
    this.point();
    if (this.unreachable.has(unit)) throw new AtalayaError('archive-unavailable', 'not now');
    const document = this.document(unit, version);
    this.onRelease(unit, document);
    const before = this.standing.get(unit)?.newest;
    const next = (before?.number ?? 0) + 1;
    if (number !== undefined && next !== number) return { kind: 'refused', reason: 'another job was given meanwhile' };
    const job = jobOf(unit, next, install, by, rollout);
    this.standing.set(unit, { ...this.standing.get(unit), unit, newest: job, ...(before && { before }) });
    this.newest.set(unit, document);
    this.releases.push({ unit, version });
    await turn();
    this.point();
    return { kind: 'given', job };
  }
}

function jobOf(unit: string, number: number, install: string[], by: string, rollout: string | undefined): GivenJob {
  const issued = '2026-03-01T12:00:00.000Z';
  return {
    number,
    job: { id: `u00000${number}-${unit}`, install, nonce: '0'.repeat(32), issued, expires: '2027-03-01T12:00:00Z' },
    by,
    ...(rollout === undefined ? {} : { rollout }),
    assigned: issued,
  };
}
