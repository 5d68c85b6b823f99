import { join } from 'node:path';
import type { Alert, Telemetry } from '../../../cloud-bridge/contract/events.ts';
import type { Config } from '../../config/config-schema.ts';
import type { EvidenceStore } from '../../evidence/evidence-store.ts';
import { AlertKeeper } from '../../health/alert-keeper.ts';
import type { HealthReport } from '../../health/contract/health-report.ts';
import { measureSentence } from '../../health/degrade.ts';
import { DegradeKeeper, type Switches } from '../../health/degrade-keeper.ts';
import { FrameRate } from '../../health/frame-rate.ts';
import { type HealthFacts, machineFacts, usualLimits } from '../../health/health-facts.ts';
import { judgeHealth } from '../../health/judge-health.ts';
import type { Machine, MachineFigures } from '../../health/machine-figures.ts';
import { unitMetrics } from '../../health/metrics.ts';
import { makeTelemetry } from '../../health/telemetry.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import type { Files } from '../../kernel/files.ts';
import type { Log } from '../../kernel/log/log.ts';
import { supervise } from '../../kernel/supervise.ts';
import type { Timer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds, seconds, toMilliseconds, toSeconds } from '../../kernel/units.ts';
import { serveStatus } from '../../panel/status-server.ts';
import { version } from '../../version.ts';
import { certificatesOf } from '../cloud/certificates.ts';
import { alertOf, alone, type UnitCloud } from '../cloud/unit-cloud.ts';
import type { UnitConfig } from './config.ts';

export interface HealthParts {
  readonly config: () => Config;
  readonly unitConfig: UnitConfig;
  readonly store: EvidenceStore;
  readonly machine: Machine;
  readonly files: Files;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly log: Log;
  readonly pipeline: () => NonNullable<Telemetry['pipeline']>;
  readonly notice: (fault: AtalayaError) => void;
  /** Where the camera stands; absent: nobody looks. */
  readonly cameraPlace?: () => HealthFacts['cameraPlace'];
  /** Door and tamper switch as they stand; absent: nobody looks. */
  readonly housing?: () => HealthFacts['housing'];
  /** What the unit can do without, and where that is told; absent: it gives nothing up. */
  readonly degrade?: { readonly switches: Switches; readonly tell: (sentence: string) => void };
}

/** A checkpoint that is not cosigned is said again after so long. */
const SAY_AGAIN = toMilliseconds(seconds(600));
/** How often everything is looked at; a look costs some milliseconds. */
const LOOK_EVERY = milliseconds(2000);
/** A reader of plates that has not broken down again for so long works. */
const SETTLED = milliseconds(60_000);
const CERTIFICATES_EVERY = toMilliseconds(seconds(3600));
/** What was begun anew at the start is an alert for so long. */
const SET_ASIDE_SHOWN = toMilliseconds(seconds(24 * 3600));
/** Faults that are remembered to have been told. */
const MOST_TOLD = 100;

/** Watches over a running unit: alerts, figures, `/healthz`, and the trial of a configuration. */
export class UnitHealth {
  readonly #parts: HealthParts;
  readonly #alerts: AlertKeeper;
  readonly #begun: Milliseconds;
  readonly #stopping = new AbortController();
  /** A unit that has not begun is alone. */
  #cloud = alone;
  /** Somebody is told of what is found, or may be. */
  #isHeard = false;
  readonly #degrade: DegradeKeeper | undefined;
  readonly #told = new Set<string>();
  #work: Promise<unknown> = Promise.resolve();
  #closeServer: () => Promise<void> = async () => {};
  #figures: MachineFigures = {};
  readonly #rate = new FrameRate();
  #lastFrame: Milliseconds | undefined;
  #plateFault: { readonly why: string; readonly at: Milliseconds } | undefined;
  #refused = 0;
  #hits: { readonly list: string; readonly entry: string }[] = [];
  #certificates: NonNullable<HealthFacts['certificates']> = [];
  #certificatesAt: Milliseconds | undefined;
  #telemetryAt: Milliseconds | undefined;
  #diagnosing: { readonly until: Milliseconds; readonly every: Milliseconds } | undefined;
  #said = '';
  #checkpoint: string | undefined;
  #checkpointAt = milliseconds(0);

  constructor(parts: HealthParts, alerts: AlertKeeper) {
    this.#parts = parts;
    this.#alerts = alerts;
    this.#begun = parts.clock.monotonic();
    const { degrade, clock } = parts;
    this.#degrade = degrade && new DegradeKeeper({ ...degrade, clock });
  }

  /** Opens what open alerts are remembered in. Throws the faults of the disk. */
  static async open(parts: HealthParts): Promise<UnitHealth> {
    const { config, files, clock, notice } = parts;
    const { evidence, unit } = config();
    const late: { health: UnitHealth | undefined } = { health: undefined };
    const alerts = await AlertKeeper.open({
      unit: unit.id,
      path: join(evidence.data, 'alerts.json'),
      files,
      limits: usualLimits,
      clock,
      offer: async (alert) => {
        if (late.health !== undefined) await late.health.#offer(alert);
        const { id, name, state, detail } = alert;
        const line = { part: 'health', alert: id, name, state, detail };
        if (state === 'closed') parts.log.info(line, 'an alert is over');
        else parts.log.warn(line, 'an alert was raised');
      },
      onFault: notice,
    });
    late.health = new UnitHealth(parts, alerts);
    return late.health;
  }

  /**
   * Begins to look, and serves the state where that is configured. A unit that has neither a centre nor a status address nor a log has
   * nobody to tell: it looks only at what it may have to give up. Throws `usage-invalid` where it cannot listen.
   */
  async begin(cloud: UnitCloud): Promise<void> {
    this.#cloud = cloud;
    const { config, clock, timer, notice, unitConfig } = this.#parts;
    const { cloud: centre, status, log } = config();
    const { listen } = status;
    this.#isHeard =
      centre.broker !== undefined ||
      listen !== undefined ||
      log.folder !== undefined ||
      unitConfig.reported() !== undefined;
    if (!this.#isHeard && this.#degrade === undefined) return;
    if (listen !== undefined) {
      const server = await serveStatus(listen, { health: () => this.report(), metrics: () => this.#metrics() });
      this.#closeServer = () => server.close();
    }
    this.#work = supervise(({ signal, beat }) => this.#run(signal, beat), {
      name: 'health',
      signal: this.#stopping.signal,
      clock,
      timer,
      random: Math.random,
      backoff: { first: milliseconds(1000), most: milliseconds(60_000) },
      deadline: milliseconds(120_000),
      grace: milliseconds(3000),
      onFault: notice,
    }).catch((error: unknown) => notice(error as AtalayaError));
  }

  #offer(alert: Alert): Promise<void> {
    return this.#cloud.offer(alertOf(alert));
  }

  /** A frame came. */
  frame(): void {
    this.#lastFrame = this.#parts.clock.monotonic();
  }

  /** When the newest frame came, of the monotonic clock. */
  get lastFrame(): Milliseconds | undefined {
    return this.#lastFrame;
  }

  /** An infraction could not be sealed. */
  lost(): void {
    this.#refused += 1;
  }

  /** The reader broke down; it is opened again by itself. */
  plateReaderFailed(why: string): void {
    this.#plateFault = { why, at: this.#parts.clock.monotonic() };
  }

  /** A plate of a watch list was seen; resolves when the alert is on the disk. */
  async watchListHit(list: string, entry: string): Promise<void> {
    if (!this.#isHeard) return;
    this.#hits.push({ list, entry });
    await this.#look();
  }

  /** Sends figures more often for a while. */
  diagnose(forTime: Milliseconds, every: Milliseconds): void {
    this.#diagnosing = { until: milliseconds(this.#parts.clock.monotonic() + forTime), every };
    this.#telemetryAt = undefined;
  }

  /** How the unit is now. */
  report(): HealthReport {
    const { config, clock } = this.#parts;
    return judgeHealth({
      unit: config().unit.id,
      software: version,
      utc: clock.utc(),
      facts: this.#facts([]),
      limits: usualLimits,
      alerts: this.#alerts.alerts,
    });
  }

  /** Figures of machine and pipeline, the machine's as they were read last. */
  telemetry(): Telemetry {
    const { clock, pipeline } = this.#parts;
    const { rate } = this.#rate;
    const { figures, dropped, reconnects, refusedMessages } = this.#cloud.view;
    const sync = figures && {
      queued: figures.queued,
      dropped,
      reconnects,
      sentBytes: figures.sentBytes,
      refused: figures.refused + refusedMessages,
    };
    return makeTelemetry({
      uptime: toSeconds(milliseconds(clock.monotonic() - this.#begun)),
      machine: this.#figures,
      pipeline: { ...pipeline(), ...(rate === undefined ? {} : { framesPerSecond: rate }) },
      ...(sync === undefined ? {} : { sync }),
      ...(this.#degrade === undefined ? {} : { degraded: this.#degrade.measures.map(({ measure }) => measure) }),
    });
  }

  /** May be called twice. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
    this.#degrade?.close();
    await this.#closeServer();
    this.#closeServer = async () => {};
  }

  async #run(signal: AbortSignal, beat: () => void): Promise<void> {
    // One after the other, and none for want of another: a trial ends although a figure cannot be had.
    const always = [() => this.#readMachine(), async () => this.#degrade?.look(this.#facts([]))];
    const heard = [
      async () =>
        this.#rate.look(this.#parts.pipeline().framesProcessed ?? 0, this.#parts.clock.monotonic(), this.#every),
      () => this.#look(),
      () => this.#parts.unitConfig.tick(),
      () => this.#sendTelemetry(),
      async () => this.#tellChanges(),
    ];
    const steps = this.#isHeard ? [...always, ...heard] : always;
    while (!signal.aborted) {
      for (const step of steps) await step().catch((error: unknown) => this.#survive(error));
      beat();
      await this.#parts.timer.sleep(LOOK_EVERY, signal);
    }
  }

  /** Tells a fault; one that comes again with every look is told once. */
  #survive(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const fault = isAtalayaError(error) ? error : new AtalayaError('internal', reason, { cause: error });
    if (this.#told.has(fault.message)) return;
    if (this.#told.size >= MOST_TOLD) this.#told.clear();
    this.#told.add(fault.message);
    this.#parts.notice(fault);
  }

  async #readMachine(): Promise<void> {
    this.#figures = await this.#parts.machine.read();
    const now = this.#parts.clock.monotonic();
    if (this.#certificatesAt !== undefined && now - this.#certificatesAt < CERTIFICATES_EVERY) return;
    this.#certificatesAt = now;
    this.#certificates = await certificatesOf(this.#parts.config());
  }

  async #look(): Promise<void> {
    await this.#alerts.look(this.#facts(this.#hits.splice(0)));
  }

  #facts(watchList: NonNullable<HealthFacts['watchList']>): HealthFacts {
    const { clock, store, config, unitConfig } = this.#parts;
    const now = clock.monotonic();
    const { offlineSince, offlineWhy, setAside, renewal } = this.#cloud.view;
    const { fault } = store.status;
    const reported = unitConfig.reported();
    const rolledBack =
      reported?.outcome === 'rolled-back'
        ? { rolledBack: { version: reported.version ?? 0, reason: reported.reasons.join('; ') } }
        : {};
    return {
      camera: {
        silent: milliseconds(now - (this.#lastFrame ?? this.#begun)),
        ...(this.#lastFrame === undefined ? { none: true } : {}),
      },
      clock: { dated: true, synchronised: clock.state().synchronised },
      evidence: { refused: this.#refused, ...(fault === undefined ? {} : { fault: fault.message }) },
      // A detector that fails ends the run.
      detector: { fault: null },
      plateReader: {
        fault: this.#plateFault !== undefined && now - this.#plateFault.at < SETTLED ? this.#plateFault.why : null,
      },
      watchList,
      ...placeFact(this.#parts.cameraPlace?.()),
      ...housingFact(this.#parts.housing?.()),
      configuration: rolledBack,
      certificates: this.#certificates,
      ...(renewal === undefined ? {} : { renewal }),
      setAside: now - this.#begun < SET_ASIDE_SHOWN ? setAside : [],
      ...(this.#degrade === undefined ? {} : { degraded: this.#givenUp(this.#degrade) }),
      ...machineFacts(this.#figures),
      ...(config().cloud.broker === undefined
        ? {}
        : {
            broker: {
              ...(offlineSince === undefined ? {} : { offline: milliseconds(now - offlineSince) }),
              ...(offlineWhy === undefined ? {} : { detail: offlineWhy }),
            },
          }),
    };
  }

  /** What has no alert of its own. */
  #givenUp({ measures }: DegradeKeeper): NonNullable<HealthFacts['degraded']> {
    const { switches } = this.#parts.degrade ?? {};
    return measures.flatMap((active) =>
      switches?.[active.measure] === 'stated' ? [] : [{ measure: active.measure, says: measureSentence(active) }],
    );
  }

  get #diagnosis(): { readonly every: Milliseconds } | undefined {
    const diagnosing = this.#diagnosing;
    return diagnosing !== undefined && this.#parts.clock.monotonic() < diagnosing.until ? diagnosing : undefined;
  }

  /** How often figures are taken at present. */
  get #every(): Milliseconds {
    return this.#diagnosis?.every ?? toMilliseconds(seconds(this.#parts.config().cloud.telemetryS));
  }

  async #sendTelemetry(): Promise<void> {
    const { config, clock } = this.#parts;
    const now = clock.monotonic();
    if (!config().flags.sendTelemetry && this.#diagnosis === undefined) return;
    const every = this.#every;
    // A look takes a moment itself: what is due before the next one is sent now.
    if (this.#telemetryAt !== undefined && now - this.#telemetryAt < every - LOOK_EVERY / 2) return;
    this.#telemetryAt = now;
    await this.#cloud.offer({ kind: 'telemetry', time: clock.utc(), data: this.telemetry() as never });
  }

  /** The retained state is said again where something in it changed. */
  #tellChanges(): void {
    const { status, problems } = this.report();
    // Figures in a problem change with every look; what is the matter does not.
    const said = JSON.stringify([status, problems.map((problem) => problem.replaceAll(/[\d.]+/g, '#'))]);
    if (said !== this.#said) {
      this.#said = said;
      this.#cloud.stateChanged();
    }
    const { checkpointed } = this.#parts.store.ledger;
    const now = this.#parts.clock.monotonic();
    const same = checkpointed?.text === this.#checkpoint;
    // One that no witness has cosigned may have been lost on its way: a broker may forget, and a bridge may die.
    const alone = checkpointed !== undefined && checkpointed.note.split('\n— ').length <= 2;
    if (same && !(alone && now - this.#checkpointAt >= SAY_AGAIN)) return;
    this.#checkpoint = checkpointed?.text;
    this.#checkpointAt = now;
    this.#cloud.checkpointed();
  }

  #metrics(): Promise<{ contentType: string; text: string }> {
    const { config, log } = this.#parts;
    const source = {
      telemetry: this.telemetry(),
      health: this.report(),
      alerts: this.#alerts.alerts,
      logDropped: log.dropped,
    };
    return unitMetrics(config().unit.id, source);
  }
}

const placeFact = (cameraPlace: HealthFacts['cameraPlace']): Pick<HealthFacts, 'cameraPlace'> =>
  cameraPlace === undefined ? {} : { cameraPlace };

const housingFact = (housing: HealthFacts['housing']): Pick<HealthFacts, 'housing'> =>
  housing === undefined ? {} : { housing };
