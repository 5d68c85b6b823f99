import { canonicalJson, type JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type { Director } from '../../../ota/contract/director.ts';
import { type JobUpdate, jobStatuses, type UpdateJobInput } from '../../../ota/contract/job.ts';
import type { Target } from '../../../ota/contract/target.ts';
import type { VersionReport } from '../../../ota/contract/version-report.ts';
import type { UpdateOrder } from '../../contract/updates.ts';
import type { Link } from '../../link/link.ts';
import type { Archive } from '../archive/archive.ts';
import type { AlertKeeper } from '../bridge/alert-keeper.ts';
import { changeDocument } from '../bridge/documents.ts';
import type { Refusals } from '../bridge/refusals.ts';
import { JobBringer } from './job-bringer.ts';
import { reportFault } from './judge-report.ts';
import { pickTargets } from './pick-targets.ts';
import { takeJobUpdate } from './take-job-update.ts';
import { type GivenJob, isPending, jobKey, type KeptReport, type UnitUpdate } from './update-documents.ts';
import type { UpdateDesk, VerifyVersionReport } from './update-ports.ts';

export interface UpdateKeeperOptions {
  readonly archive: Pick<Archive, 'document' | 'documents' | 'lastDocuments' | 'putDocument'>;
  readonly link: Pick<Link, 'publish' | 'state'>;
  /** Who signs jobs; undefined where this bridge gives none. */
  readonly director: Director | undefined;
  /** Undefined: reports are kept `unchecked`, and show nothing. */
  readonly verify: VerifyVersionReport | undefined;
  /** The key that a unit signs with, PEM; undefined where it has not said. */
  readonly keyOf: (unit: string) => Promise<string | undefined>;
  readonly alerts: Pick<AlertKeeper, 'raise' | 'close'>;
  readonly refusals: Pick<Refusals, 'count'>;
  /** A unit has said something of its update. */
  readonly onChanged: (unit: string) => void;
  /** For whoever looks on. */
  readonly onSaid: (unit: string, update: JobUpdate) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Which job is to be the unit's newest. */
export interface JobPlace {
  readonly by: string;
  readonly rollout?: string;
  /** The number that it has to get; whatever comes next where absent. */
  readonly number?: number;
}

export type Given =
  | { readonly kind: 'given'; readonly job: GivenJob }
  | { readonly kind: 'refused'; readonly reason: string };

/** How often a job is tried to be given that another one comes before. */
const attempts = 20;

/**
 * The updates of the fleet: gives units their jobs, and keeps what they say became of them.
 *
 * Guarantees: a job is durable before the director signs it, and signed before the unit is told; what could not be signed or told is when
 * there is a director and a broker, by whichever bridge is there; of what a unit says the newest is durable before the broker's
 * acknowledgement, and comes in twice without harm.
 */
export class UpdateKeeper implements UpdateDesk {
  readonly #options: UpdateKeeperOptions;
  readonly #bringer: JobBringer;
  readonly #counts = { jobs: 0, reports: 0, reportsRefused: 0, ends: new Map<string, number>() };

  constructor(options: UpdateKeeperOptions) {
    this.#options = options;
    this.#bringer = new JobBringer({
      ...options,
      read: (unit) => this.#read(unit),
      change: (...one) => this.#change(...one),
    });
  }

  /** Of this run of the bridge; ends by status. */
  get figures() {
    const { jobs, reports, reportsRefused, ends } = this.#counts;
    const byStatus = Object.fromEntries(jobStatuses.map((status) => [status, ends.get(status) ?? 0]));
    return { jobs, reports, reportsRefused, ends: byStatus, pending: this.#bringer.pending };
  }

  /** Whether this bridge gives jobs. */
  get signs(): boolean {
    return this.#options.director !== undefined;
  }

  /** Everything that is published, the newest release first. Throws what the director throws. */
  async targets(): Promise<readonly Target[]> {
    return (await this.#options.director?.targets()) ?? [];
  }

  async standing(unit: string): Promise<UnitUpdate | undefined> {
    return (await this.#options.archive.document('update', unit))?.value as unknown as UnitUpdate | undefined;
  }

  async all(): Promise<readonly UnitUpdate[]> {
    return (await this.#options.archive.documents('update')).map(({ value }) => value as unknown as UnitUpdate);
  }

  /** The jobs of a unit, newest first. */
  async history(unit: string, limit: number): Promise<readonly GivenJob[]> {
    const { newest } = await this.#read(unit);
    const earlier = await this.#options.archive.lastDocuments('update-job', { prefix: `${unit}/`, limit });
    const jobs = earlier
      .map(({ value }) => value as unknown as GivenJob)
      .filter(({ number }) => number !== newest?.number);
    return [...(newest === undefined ? [] : [newest]), ...jobs].slice(0, limit);
  }

  /**
   * Gives a unit a job. `given`: it is durable, and reaches the unit as soon as there is a broker. Throws what the archive and, for the
   * targets, the director throws.
   */
  async give(unit: string, { targets, ...order }: UpdateOrder, place: JobPlace): Promise<Given> {
    const { director } = this.#options;
    if (director === undefined) return refused('this bridge has no update repository (updates.repository)');
    const report = (await this.standing(unit))?.report;
    const hardware = report?.verdict === 'good' ? report.report.hardware : undefined;
    const picked = pickTargets(unit, targets, await director.targets(), hardware);
    return picked.kind === 'refused' ? picked : this.#give(unit, { ...order, install: [...picked.install] }, place);
  }

  /** Takes back what the unit was given and has not switched to. */
  takeBack(unit: string, expires: string, place: JobPlace): Promise<Given> {
    if (!this.signs) return Promise.resolve(refused('this bridge has no update repository (updates.repository)'));
    return this.#give(unit, { install: [], expires }, place);
  }

  async said(unit: string, update: JobUpdate): Promise<void> {
    const before = await this.#read(unit);
    const after = await this.#change(unit, (standing) => takeJobUpdate(standing, update));
    if (canonicalJson(after as unknown as JsonValue) === canonicalJson(before as unknown as JsonValue)) return;
    const end = after.newest?.became;
    if (end !== undefined && before.newest?.became === undefined) this.#countEnd(end.status);
    await this.#keepEarlier(unit, after.before);
    this.#options.onSaid(unit, update);
    this.#options.onChanged(unit);
    await this.#bringer.bring(unit);
  }

  async reported(unit: string, report: VersionReport): Promise<void> {
    const standing = (await this.#read(unit)).report;
    if (standing?.verdict === 'good' && isSame(standing.report, report)) return;
    this.#counts.reports += 1;
    await this.#judge(unit, report);
  }

  async keyKnown(unit: string): Promise<void> {
    const standing = (await this.#read(unit)).report;
    if (standing?.verdict === 'no-key' || standing?.verdict === 'refused') await this.#judge(unit, standing.report);
  }

  /** Finds what is left to be signed or told. `all`: every open job, for a broker that may have lost what it retained. */
  async load(all: boolean): Promise<void> {
    for (const { unit, newest } of await this.all()) {
      if (newest === undefined) continue;
      if (isPending(newest) || (all && newest.became === undefined && newest.refused === undefined))
        this.#bringer.add(unit);
    }
  }

  /** Signs and tells what waits. Throws what the archive throws. */
  publishPending(): Promise<void> {
    return this.#bringer.bringAll();
  }

  /** Has the metadata of every unit signed anew that runs out soon: to be called every hour. Of one that fails it is told, and the next has its turn. */
  async refresh(signal?: AbortSignal): Promise<void> {
    const { director, log } = this.#options;
    for (const unit of (await director?.units()) ?? []) {
      if (signal?.aborted === true) return;
      try {
        await director?.refresh(unit);
      } catch (error) {
        if (!isAtalayaError(error)) throw error;
        log.warn({ part: 'updates', unit, error }, 'the metadata of the unit could not be signed anew');
      }
    }
  }

  async #give(
    unit: string,
    wanted: Omit<UpdateJobInput, 'id' | 'nonce' | 'issued'>,
    { by, rollout, number }: JobPlace,
  ): Promise<Given> {
    const { archive, clock } = this.#options;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const document = await archive.document('update', unit);
      const before = (document?.value as unknown as UnitUpdate | undefined) ?? { unit };
      const next = (before.newest?.number ?? 0) + 1;
      if (number !== undefined && number !== next) return refused('another job was given to this unit meanwhile');
      const issued = laterOf(toIso(clock.utc()), before.newest?.job.issued);
      const id = `u${String(next).padStart(6, '0')}-${this.#hex(8)}`;
      const given: GivenJob = {
        ...{ number: next, job: { ...wanted, id, nonce: this.#hex(32), issued }, by },
        ...(rollout === undefined ? {} : { rollout }),
      };
      await this.#keepEarlier(unit, before.newest);
      const after: UnitUpdate = { ...before, newest: given, ...(before.newest && { before: before.newest }) };
      const value = after as unknown as JsonValue;
      if (!(await archive.putDocument('update', unit, value, document?.version ?? 0))) continue;
      this.#counts.jobs += 1;
      await this.#bringer.bring(unit);
      return { kind: 'given', job: (await this.#read(unit)).newest ?? given };
    }
    throw new AtalayaError('archive-unavailable', `the jobs of ${unit} change faster than one can be given`);
  }

  /** A job that is not the newest any more, as it stands. */
  async #keepEarlier(unit: string, given: GivenJob | undefined): Promise<void> {
    if (given === undefined) return;
    const value = given as unknown as JsonValue;
    await changeDocument(this.#options.archive, 'update-job', jobKey(unit, given.number), () => value);
  }

  async #judge(unit: string, report: VersionReport): Promise<void> {
    const { verify, keyOf, alerts, refusals, clock, onChanged } = this.#options;
    const key = verify === undefined ? undefined : await keyOf(unit);
    const earlier = await this.#nonces(unit, report.job);
    const came = toIso(clock.utc());
    let fault: string | undefined;
    const judged = (standing: UnitUpdate): KeptReport => {
      fault = undefined;
      if (verify === undefined) return { report, came, verdict: 'unchecked' };
      if (key === undefined) return { report, came, verdict: 'no-key' };
      fault = verify(report, key) ?? reportFault(standing, report, earlier);
      return fault === undefined
        ? { report, came, verdict: 'good' }
        : { report, came, verdict: 'refused', reason: fault };
    };
    const after = await this.#change(unit, (standing) => {
      const kept = judged(standing);
      // What is believed gives way to nothing that is not, nor to what was said before it.
      const has = standing.report?.verdict === 'good' ? standing.report.report : undefined;
      if (has !== undefined && (kept.verdict !== 'good' || isOlder(report, has, standing))) return standing;
      const { report: before } = standing;
      const again = before?.verdict === kept.verdict && before.reason === kept.reason && isSame(before.report, report);
      return again ? standing : { ...standing, report: kept };
    });
    if (fault !== undefined) {
      this.#counts.reportsRefused += 1;
      refusals.count(unit, 'version-report-refused', fault);
      await alerts.raise(unit, 'version-report-refused', fault);
      return;
    }
    if (after.report?.verdict === 'good') await alerts.close(unit, 'version-report-refused');
    onChanged(unit);
  }

  /** The nonce of a job that is not the newest. */
  async #nonces(unit: string, job: string | undefined): Promise<(id: string) => string | undefined> {
    const number = /^u(\d{6,9})-/.exec(job ?? '')?.[1];
    if (number === undefined) return () => undefined;
    const document = await this.#options.archive.document('update-job', jobKey(unit, Number(number)));
    const given = document?.value as unknown as GivenJob | undefined;
    return (id) => (given?.job.id === id ? given.job.nonce : undefined);
  }

  async #read(unit: string): Promise<UnitUpdate> {
    return (await this.standing(unit)) ?? { unit };
  }

  async #change(unit: string, change: (before: UnitUpdate) => UnitUpdate): Promise<UnitUpdate> {
    const value = await changeDocument(this.#options.archive, 'update', unit, (before) => {
      return change((before as unknown as UnitUpdate | undefined) ?? { unit }) as unknown as JsonValue;
    });
    return value as unknown as UnitUpdate;
  }

  #countEnd(status: string): void {
    const { ends } = this.#counts;
    ends.set(status, (ends.get(status) ?? 0) + 1);
  }

  #hex(digits: number): string {
    return Array.from({ length: digits }, () => Math.floor(this.#options.random() * 16).toString(16)).join('');
  }
}

const isSame = (one: VersionReport, other: VersionReport): boolean =>
  canonicalJson(one as unknown as JsonValue) === canonicalJson(other as unknown as JsonValue);

/** A report of the newest job gives way to none of another one. */
function isOlder(report: VersionReport, has: VersionReport, { newest }: UnitUpdate): boolean {
  if (report.job === has.job) return Date.parse(report.at) < Date.parse(has.at);
  if (has.job === newest?.job.id) return newest !== undefined;
  return report.job !== newest?.job.id && Date.parse(report.at) < Date.parse(has.at);
}

/** Units take no job that was issued before the one that they have. */
const laterOf = (now: string, before: string | undefined): string =>
  before !== undefined && Date.parse(before) > Date.parse(now) ? before : now;

const refused = (reason: string): Given => ({ kind: 'refused', reason });
