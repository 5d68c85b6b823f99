import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type { Director } from '../../../ota/contract/director.ts';
import { topicOf } from '../../contract/address.ts';
import { encodeMessage } from '../../contract/message.ts';
import { topics } from '../../contract/topics.ts';
import type { Link } from '../../link/link.ts';
import { type GivenJob, isOver, isPending, type UnitUpdate } from './update-documents.ts';

export interface JobBringerOptions {
  readonly link: Pick<Link, 'publish' | 'state'>;
  readonly director: Director | undefined;
  readonly read: (unit: string) => Promise<UnitUpdate>;
  readonly change: (unit: string, change: (before: UnitUpdate) => UnitUpdate) => Promise<UnitUpdate>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Brings durable jobs to their units: has the director sign each, then leaves a hint at the broker, and takes it back when the job is over.
 * Each step is durable before the next; one that could not be done is done again when it is asked for.
 */
export class JobBringer {
  readonly #options: JobBringerOptions;
  /** Units whose newest job has a step before it. */
  readonly #pending = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: JobBringerOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#pending.size;
  }

  add(unit: string): void {
    this.#pending.add(unit);
  }

  /** Throws what the archive throws. */
  async bringAll(): Promise<void> {
    for (const unit of [...this.#pending]) await this.bring(unit);
  }

  /** One unit after the other: the director's folder takes one signature at a time. */
  bring(unit: string): Promise<void> {
    const done = this.#last.then(() => this.#bring(unit));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #bring(unit: string): Promise<void> {
    const { newest } = await this.#options.read(unit);
    const again = this.#pending.delete(unit);
    if (newest === undefined || (!isPending(newest) && !(again && !isOver(newest)))) return;
    this.#pending.add(unit);
    if (newest.became !== undefined) return this.#clear(unit, newest);
    if (newest.assigned === undefined && !(await this.#assign(unit, newest))) return;
    await this.#notify(unit, newest);
  }

  /** Whether it is signed now. */
  async #assign(unit: string, { number, job, waits }: GivenJob): Promise<boolean> {
    const { director, clock, log } = this.#options;
    // Another bridge has one.
    if (director === undefined) return false;
    try {
      await director.assign(unit, job);
    } catch (error) {
      if (!isAtalayaError(error)) throw error;
      const never = error.code === 'document-refused';
      // Every minute the same is said once.
      if (!never && waits === error.message) return false;
      log.warn({ part: 'updates', unit, job: job.id, error }, 'the job could not be signed');
      await this.#note(unit, number, never ? { refused: error.message } : { waits: error.message });
      if (never) this.#pending.delete(unit);
      return false;
    }
    await this.#note(unit, number, { assigned: toIso(clock.utc()) });
    return true;
  }

  async #notify(unit: string, { number, job }: GivenJob): Promise<void> {
    const { payload, qos, retain } = encodeMessage('jobNotify', { job: job.id });
    if (!(await this.#publish(unit, payload, { qos, retain }))) return;
    this.#pending.delete(unit);
    await this.#note(unit, number, { notified: toIso(this.#options.clock.utc()) });
  }

  async #clear(unit: string, { number }: GivenJob): Promise<void> {
    const { qos, retain } = topics.jobNotify;
    if (!(await this.#publish(unit, '', { qos, retain }))) return;
    this.#pending.delete(unit);
    await this.#note(unit, number, { cleared: toIso(this.#options.clock.utc()) });
  }

  async #publish(unit: string, payload: Buffer | string, how: { qos: 0 | 1; retain: boolean }): Promise<boolean> {
    const { link, log } = this.#options;
    if (link.state.kind !== 'online') return false;
    try {
      await link.publish(topicOf('jobNotify', unit, {}), payload, how);
      return true;
    } catch (error) {
      if (!(error instanceof AtalayaError)) throw error;
      log.warn({ part: 'updates', unit, error }, 'the hint of an update waits for the broker');
      return false;
    }
  }

  async #note(unit: string, number: number, more: Partial<GivenJob>): Promise<void> {
    await this.#options.change(unit, (before) =>
      before.newest?.number === number ? { ...before, newest: noted(before.newest, more) } : before,
    );
  }
}

/** What was waited for is over once there is any other word. */
const noted = ({ waits: _, ...given }: GivenJob, more: Partial<GivenJob>): GivenJob => ({ ...given, ...more });
