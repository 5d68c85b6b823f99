import type { StreamAnswer, StreamGet } from '../../../cloud-bridge/contract/stream.ts';
import type { UpdateInbox } from '../../../cloud-bridge/unit-end/unit-end.ts';
import { StreamClient } from '../../../cloud-bridge/unit-end/updates/stream-client.ts';
import type { JobUpdate } from '../../../ota/contract/job.ts';
import type { VersionReport } from '../../../ota/contract/version-report.ts';
import { composeVersionReport, type ReportSigner, signVersionReport } from '../../../ota/report/compose-report.ts';
import type { Launched } from '../../../ota/slots/launch-environment.ts';
import type { UpdateKeeper } from '../../../ota/update/update-keeper.ts';
import type { UpdateAct } from '../../../ota/update/update-parts.ts';
import type { Config } from '../../config/config-schema.ts';
import type { Clock } from '../../kernel/clock.ts';
import { makeFolders } from '../../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { FolderLock } from '../../kernel/folder-lock.ts';
import type { Log } from '../../kernel/log/log.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { systemTreeFiles } from '../../kernel/tree-files.ts';
import type { SelfTestReport } from '../../selftest/contract/self-test-report.ts';
import { hardwareOf, updateRoots } from './folders.ts';
import { type OpenedUpdateParts, openUpdateParts } from './parts.ts';
import { TrialWatch } from './trial.ts';

/** What updates need of the rest of a unit. */
export interface UpdateHooks {
  readonly launched: Launched;
  readonly config: () => Config;
  readonly sign: ReportSigner;
  readonly clock: Clock;
  readonly log: Log;
  /** Why the running program could not judge by the scene in a folder; undefined where it can, or the camera has not come yet. */
  readonly unfitScene: (folder: string) => Promise<string | undefined>;
  /** Of the whole unit as it runs; `seal`: with test evidence. Undefined while the camera has not come. */
  readonly selfTest: (seal: boolean) => Promise<SelfTestReport | undefined>;
  /** Ends this program so that the launcher starts the slot that is due. */
  readonly giveWay: (why: string) => void;
  /** Into the ledger. */
  readonly act: (act: UpdateAct) => Promise<void>;
  readonly notice: (fault: AtalayaError) => void;
  readonly tell: (sentence: string) => void;
}

/** What the link does for updates, once there is one. */
export interface UpdateLink {
  readonly get: (get: StreamGet) => Promise<void>;
  readonly jobChanged: () => void;
  readonly versionsChanged: () => void;
}

/** Updates of a unit that runs: everything that a plan is carried out with, and what the centre is told. */
export class UnitUpdates implements UpdateInbox {
  readonly #hooks: UpdateHooks;
  readonly #parts: OpenedUpdateParts;
  readonly #lock: FolderLock;
  readonly #keeper: UpdateKeeper;
  readonly #streams: StreamClient;
  readonly #stopping = new AbortController();
  readonly #watch = new TrialWatch();
  #working: Promise<void> = Promise.resolve();
  #link: UpdateLink | undefined;
  #online = false;
  #update: JobUpdate | undefined;
  /** Seconds without a judged frame while the program before gave way to this one. */
  #interruption: number | undefined;
  #versions: VersionReport | undefined;
  /** What is in it, but for its time. */
  #stated: string | undefined;

  private constructor(hooks: UpdateHooks, parts: OpenedUpdateParts, lock: FolderLock) {
    const { config, clock, log, tell } = hooks;
    this.#hooks = hooks;
    this.#parts = parts;
    this.#lock = lock;
    this.#streams = new StreamClient({
      publish: (get) => this.#link?.get(get) ?? Promise.reject(new AtalayaError('link-down', 'there is no link')),
      ...{ clock, timer: systemTimer, random: Math.random },
    });
    this.#keeper = parts.keeper({
      link: () => (this.#online ? this.#streams : undefined),
      unfit: async ({ kind }, folder) => (kind === 'scene' ? hooks.unfitScene(folder) : undefined),
      selfTest: (signal) => this.#selfTest(signal),
      restart: async (reason) => hooks.giveWay(reason),
      report: (update) => this.#report(update),
      act: hooks.act,
      limits: () => limitsOf(config()),
      tell: (words, error) => {
        log.warn({ part: 'updates', ...(error === undefined ? {} : { error }) }, words);
        tell(`update: ${words}`);
      },
    });
  }

  /**
   * Opens what updates are made with; undefined where the configuration trusts no update repositories. Throws `config-invalid` for roots
   * that cannot be read, `store-locked` where somebody else works on the slots, and the faults of the disk.
   */
  static async open(hooks: UpdateHooks): Promise<UnitUpdates | undefined> {
    const { launched, config, clock, log } = hooks;
    const roots = await updateRoots(config());
    if (roots === undefined) return undefined;
    await makeFolders(systemTreeFiles, launched.root);
    const lock = await FolderLock.take(launched.root);
    try {
      const parts = await openUpdateParts({
        ...{ place: launched, config, roots, clock, timer: systemTimer, random: Math.random },
        hardware: hardwareOf(process.env),
      });
      for (const words of parts.trust.notices) log.warn({ part: 'updates' }, words);
      return new UnitUpdates(hooks, parts, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  get jobUpdate(): JobUpdate | undefined {
    return this.#update;
  }

  get versions(): VersionReport | undefined {
    return this.#versions;
  }

  begin(link: UpdateLink | undefined): void {
    this.#link = link;
    const { notice } = this.#hooks;
    this.#working = this.#keeper.run(this.#stopping.signal).then(() => {
      if (this.#stopping.signal.aborted) return;
      notice(new AtalayaError('internal', 'work on updates has ended, and begins again when the unit is started anew'));
    });
    void this.#compose();
  }

  /** A frame was judged. */
  judged(): void {
    const { clock, launched, log, tell } = this.#hooks;
    if (launched.lastFrame === undefined || this.#interruption !== undefined) return;
    this.#interruption = Math.max(0, clock.utc() - launched.lastFrame) / 1000;
    const words = `no frame was judged for ${this.#interruption.toFixed(1)} s while the program was changed`;
    log.info({ part: 'updates', interruptionS: this.#interruption }, words);
    tell(words);
    if (this.#update !== undefined) void this.#report(this.#update).catch(() => undefined);
  }

  notified(job: string): void {
    this.#keeper.notified(job);
  }

  answered(answer: StreamAnswer): void {
    this.#streams.answered(answer);
  }

  block(stream: string, block: number, bytes: Buffer): void {
    this.#streams.data(stream, block, bytes);
  }

  online(): void {
    this.#online = true;
    this.#streams.online();
    this.#keeper.changed();
  }

  offline(): void {
    this.#online = false;
    this.#streams.offline();
  }

  /** May be called twice. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#streams.offline();
    await this.#working;
    await this.#lock.release();
  }

  async #selfTest(signal: AbortSignal) {
    const { config, selfTest } = this.#hooks;
    const { cloud, updates } = config();
    const report = await untilAborted(selfTest(this.#watch.seals), signal);
    const terms = { connected: cloud.broker !== undefined, clockBelieved: updates.clock === 'believed' };
    return this.#watch.judge(report?.findings, terms, this.#hooks.clock.monotonic());
  }

  /** Retained, and said at each connection. Throws `link-down`: an end counts as said when there is a link. */
  async #report(update: JobUpdate): Promise<void> {
    const told = this.#interruption !== undefined && afterChange.has(update.step);
    this.#update = told ? { ...update, interruptionS: this.#interruption } : update;
    this.#link?.jobChanged();
    await this.#compose();
    if (this.#link !== undefined && !this.#online) throw new AtalayaError('link-down', 'there is no link');
  }

  /** What runs, signed anew. */
  async #compose(): Promise<void> {
    const { config, clock, sign, log, notice } = this.#hooks;
    try {
      const { running, trial } = await this.#parts.slots.state();
      const { newestJob: job, state } = this.#keeper;
      const unsigned = composeVersionReport({
        unit: config().unit.id,
        at: clock.utc(),
        ...(job === undefined ? {} : { job }),
        slot: running.slot,
        trial: trial !== undefined && trial.slot.slot === running.slot,
        parts: running.record?.parts ?? [{ kind: 'program', name: 'unit', ...this.#parts.image }],
        metadata: this.#parts.trust.versions(),
        refused: state?.refusals ?? [],
      });
      // Progress is reported often, and changes nothing of it.
      const content = JSON.stringify({ ...unsigned, at: undefined });
      if (content === this.#stated) return;
      this.#versions = await signVersionReport({ ...unsigned, hardware: [...hardwareOf(process.env)] }, sign);
      this.#stated = content;
      this.#link?.versionsChanged();
    } catch (error) {
      log.warn({ part: 'updates', error }, 'what this unit runs could not be stated');
      if (isAtalayaError(error)) notice(error);
    }
  }
}

/** Of these the program was changed for, or back. */
const afterChange: ReadonlySet<JobUpdate['step']> = new Set(['trial', 'confirmed', 'rolled-back']);

/** Whoever stops the unit does not wait for a test whose answer nobody wants any more. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

const limitsOf = ({ updates: { windows, kilobytesPerSecond, megabytesPerDay } }: Config) => ({
  windows,
  bytesPerSecond: kilobytesPerSecond === undefined ? undefined : kilobytesPerSecond * 1000,
  bytesPerDay: megabytesPerDay === undefined ? undefined : megabytesPerDay * 1e6,
});
