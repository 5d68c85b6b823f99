import type { Launched } from '../../../ota/slots/launch-environment.ts';
import type { Config } from '../../config/config-schema.ts';
import type { EvidenceStore } from '../../evidence/evidence-store.ts';
import type { Switches } from '../../health/degrade-keeper.ts';
import { SysteminformationMachine } from '../../health/systeminformation-machine.ts';
import type { Crossing, Infraction } from '../../judge/infraction.ts';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AtalayaError, firstFault, isAtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { sha256 } from '../../kernel/hash.ts';
import { correlationOf, type Log, silentLog } from '../../kernel/log/log.ts';
import { openLog } from '../../kernel/log/pino-log.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds, type UtcMilliseconds } from '../../kernel/units.ts';
import type { ListAlert } from '../../plate/lists/watch-lists.ts';
import type { BrokerFacts } from '../../selftest/facts.ts';
import type { SensorEvent } from '../../signal/sensor-inputs.ts';
import { version } from '../../version.ts';
import { credentialsOf } from '../cloud/certificates.ts';
import { alone, openCloud, type UnitCloud } from '../cloud/unit-cloud.ts';
import type { UnitEvidence } from '../evidence.ts';
import type { UnitModes } from '../modes.ts';
import { linkFacts } from '../selftest/link.ts';
import { noComponents, type UnitComponents } from '../updates/components.ts';
import { openUpdates, type SceneEyes } from '../updates/hooks.ts';
import type { LateUpdates } from '../updates/late-updates.ts';
import { commandExecutors, type UnitEyes } from './commands.ts';
import { openUnitConfig, type UnitConfig } from './config.ts';
import { configActs } from './config-acts.ts';
import { type HealthParts, UnitHealth } from './health.ts';
import { expiryFault } from './people.ts';

/** What the health of a unit knows by its source. */
export interface WatchFacts {
  readonly pipeline: HealthParts['pipeline'];
  readonly cameraPlace?: NonNullable<HealthParts['cameraPlace']>;
  readonly housing?: NonNullable<HealthParts['housing']>;
}

/** What the centre's side needs of a unit whose evidence is open. */
export interface UnitInside {
  readonly store: EvidenceStore;
  readonly boot: string;
  /** Undefined while the source is not open: a camera may be long in coming, and the unit is there meanwhile. */
  readonly eyes: () => (UnitEyes & WatchFacts & SceneEyes) | undefined;
  /** Who started the program, and what signs what it says of itself; absent: it takes no updates. */
  readonly updates?: { readonly launched: Launched; readonly signer: UnitEvidence['signer'] };
  /** What this run can do without; absent: nothing. */
  readonly modes?: UnitModes;
}

/** How a unit stands that comes to its end. */
export interface UnitStanding {
  /** A configuration is on trial: a fault may be its doing. */
  readonly onTrial: boolean;
  /** The unit was told to begin anew. */
  readonly restarting: boolean;
  /** Aborted when it is told so. */
  readonly restart: AbortSignal;
  /** It ends so that the program of another slot takes its place. */
  readonly gives: boolean;
  /** When it judged its last frame. */
  readonly lastFrame: UtcMilliseconds | undefined;
}

/** What a source that has ended leaves the outbox, where there is a link; a unit that is stopped does not wait for the centre. */
const LAST_WORDS = milliseconds(10_000);

/**
 * What a unit has to do with whoever is not there: its configuration from afar, its health, its outbox and inboxes, its log. The way of a
 * frame calls it and never waits for the network.
 */
export class UnitRemote {
  readonly log: Log;
  readonly #unitConfig: UnitConfig;
  readonly #clock: Clock;
  readonly #notice: (fault: AtalayaError) => void;
  readonly #tell: (sentence: string) => void;
  readonly #restarting = new AbortController();
  #gives = false;
  #lastFrame: UtcMilliseconds | undefined;
  #config: Config;
  #health: UnitHealth | undefined;
  #cloud: UnitCloud = alone;
  #updates: LateUpdates | undefined;

  constructor(
    unitConfig: UnitConfig,
    log: Log,
    clock: Clock,
    notice: (fault: AtalayaError) => void,
    tell: (sentence: string) => void,
  ) {
    this.#unitConfig = unitConfig;
    this.#config = unitConfig.config;
    this.log = log;
    this.#clock = clock;
    this.#notice = notice;
    this.#tell = tell;
  }

  /**
   * What is known before there is a unit: the configuration that it is to run with. `notice` takes what is wrong and survived, `tell` a
   * sentence about what happens otherwise. Throws as `openUnitConfig` does.
   */
  static async open(
    base: Config,
    scene: string | undefined,
    clock: Clock,
    notice: (fault: AtalayaError) => void,
    tell: (sentence: string) => void = () => {},
    components: UnitComponents = noComponents,
  ): Promise<UnitRemote> {
    const unitConfig = await openUnitConfig(base, scene, clock, components);
    const opened = logOf(unitConfig.config, clock);
    const told = (fault: AtalayaError) => {
      opened.warn({ error: fault }, fault.message);
      notice(fault);
    };
    const remote = new UnitRemote(unitConfig, opened, clock, told, tell);
    const expired = expiryFault(unitConfig.people, clock);
    if (expired !== undefined) remote.#notice(expired);
    return remote;
  }

  /**
   * What can be known of the link before anything runs: that this is the unit of its certificate. What is a matter of dates is told.
   * Throws `config-invalid`.
   */
  async checkCertificates(): Promise<void> {
    if (this.#config.cloud.broker === undefined) return;
    const { warnings } = await credentialsOf(this.#config, this.#clock.utc());
    for (const warning of warnings) {
      this.log.warn({ part: 'link' }, warning);
      this.#tell(warning);
    }
  }

  /** In force now: a field that is `live` may change while the unit runs. */
  get config(): Config {
    return this.#config;
  }

  /** SHA-256 of what is in force, as canonical JSON: what evidence names. */
  get sha256(): string {
    return sha256(canonicalJson(this.#config));
  }

  /** How the unit stands with its broker. */
  get link(): BrokerFacts {
    return linkFacts(this.#config, this.#cloud.view, this.#clock);
  }

  /** Aborted when the unit is to end and begin anew: a configuration or a command wants it. */
  get restarting(): AbortSignal {
    return this.#restarting.signal;
  }

  /** May be asked after `close`. */
  get standing(): UnitStanding {
    const { onTrial } = this.#unitConfig;
    return {
      onTrial,
      restarting: this.restarting.aborted,
      restart: this.restarting,
      gives: this.#gives,
      lastFrame: this.#lastFrame,
    };
  }

  /**
   * Opens health, queues and link around a unit whose evidence is open. Throws what they are refused with; `detach` then closes what was
   * opened before.
   */
  async attach(inside: UnitInside): Promise<void> {
    const { store, boot, eyes, updates, modes } = inside;
    const folder = this.#config.evidence.data;
    const health = await UnitHealth.open({
      config: () => this.#config,
      unitConfig: this.#unitConfig,
      store,
      machine: new SysteminformationMachine({ folder, clock: this.#clock, timer: systemTimer }),
      files: systemFiles,
      clock: this.#clock,
      timer: systemTimer,
      log: this.log,
      pipeline: () => eyes()?.pipeline() ?? {},
      notice: this.#notice,
      cameraPlace: () => eyes()?.cameraPlace?.(),
      housing: () => eyes()?.housing?.(),
      ...(modes === undefined
        ? {}
        : { degrade: { switches: this.#switches(modes), tell: (sentence: string) => this.#say(sentence) } }),
    });
    this.#health = health;
    // Before there is a link: the centre's first message may be a document that asks for all of this.
    await this.#unitConfig.begin({
      apply: (config, changed, needs) => this.#apply(config, changed, needs),
      probe: (since) => {
        const { heardAt, offlineSince } = this.#cloud.view;
        return {
          brokerReached: heardAt !== undefined && heardAt >= since && offlineSince === undefined,
          framesSeen: (health.lastFrame ?? -1) >= since,
          evidenceSealed: false,
        };
      },
      report: (reported) => this.#cloud.report(reported),
      ...configActs({
        ...{ ledger: store.ledger, clock: this.#clock, log: this.log, tell: this.#tell },
        stateChanged: () => this.#cloud.stateChanged(),
      }),
      problem: this.#notice,
    });
    this.#updates =
      updates === undefined
        ? undefined
        : await openUpdates({
            ...updates,
            ...{ store, eyes, clock: this.#clock, log: this.log, notice: this.#notice, tell: this.#tell },
            config: () => this.#config,
            giveWay: () => {
              this.#gives = true;
              this.#restarting.abort();
            },
          });
    this.#cloud = await openCloud({
      config: this.#config,
      live: () => this.#config,
      ...(modes === undefined ? {} : { figuresShare: () => modes.figuresShare }),
      store,
      clock: this.#clock,
      log: this.log,
      people: () => this.#unitConfig.people,
      state: () => this.#state(store, boot),
      executors: (grants) =>
        commandExecutors(
          {
            health,
            eyes,
            clock: this.#clock,
            timer: systemTimer,
            log: this.log,
            restart: (why) => {
              this.#tell(`a command asks for it: the unit begins anew (${why})`);
              this.#restarting.abort();
            },
            reboot: this.#config.unit.reboot,
          },
          grants,
        ),
      desired: (payload) => this.#unitConfig.desired(payload),
      ...(this.#updates === undefined ? {} : { updates: this.#updates }),
      notice: this.#notice,
      tell: this.#tell,
    });
    await health.begin(this.#cloud);
    const reported = this.#unitConfig.reported();
    if (reported !== undefined) this.#cloud.report(reported);
    this.#updates?.begin(this.#cloud.updateLink);
  }

  captured(): void {
    this.#health?.frame();
  }

  judged(): void {
    this.#lastFrame = this.#clock.utc();
    this.#updates?.judged();
  }

  /** A door or a tamper switch; its alert comes with the next look. */
  sensed({ sensor, active }: SensorEvent): void {
    const said =
      sensor === 'door'
        ? `the housing is ${active ? 'open' : 'closed'}`
        : `the tamper switch is ${active ? 'on' : 'off'}`;
    this.#tell(said);
    this.log.warn({ part: 'signal', sensor, active }, said);
  }

  /** Nobody is accused while the camera does not stand where its lines were drawn. */
  withheld({ rule, frame, track }: Infraction, doubt: string): void {
    this.log.warn({ part: 'judge', rule, frame, track, doubt }, 'nobody is accused: the camera was moved');
  }

  lost(infraction: Infraction, fault: unknown): void {
    this.#health?.lost();
    this.log.error(
      { part: 'evidence', frame: infraction.frame, track: infraction.track, error: fault },
      'evidence was lost',
    );
  }

  /** The seal is on the disk, and with it the event for the centre. */
  sealed({ frame, track, rule }: Infraction, evidence: string): void {
    const correlation = correlationOf(this.#config.unit.id, evidence);
    this.log.info({ part: 'evidence', frame, track, rule, evidence, correlation }, 'an infraction was sealed');
  }

  crossed({ frame, track, line, direction, class: kind, time }: Crossing): void {
    this.log.debug({ part: 'judge', frame, track, line, direction }, 'a line was crossed');
    if (!this.#config.flags.announceCounts) return;
    const data = { line, direction, class: kind, dated: time.clock.dated, frame, track };
    this.#cloud.offer({ kind: 'count', time: time.utc, data }).catch((error: unknown) => {
      this.log.warn({ part: 'outbox', error }, 'a count was not kept for the centre');
    });
  }

  /** A plate on a watch list; resolves when the centre's alert is on the disk. Says nothing of the plate. */
  async alerted({ list, entry }: ListAlert): Promise<void> {
    await this.#health?.watchListHit(list, entry);
  }

  plateReaderFailed(fault: AtalayaError): void {
    if (fault.code !== 'list-refused') this.#health?.plateReaderFailed(fault.message);
    this.log.warn({ part: 'plates', error: fault }, fault.message);
  }

  /** Lets the centre have what it has not, for as long as there is time. */
  async finish(ended: 'source' | 'stopped'): Promise<void> {
    if (ended === 'source') await this.#cloud.drain(LAST_WORDS);
  }

  /** What stopped the run: where something is on trial, it is told for the reason should it be given back. Never throws. */
  async failed(error: unknown): Promise<void> {
    const first = firstFault(error);
    const reason = first instanceof Error ? first.message : String(first);
    const fault = isAtalayaError(first) ? first : new AtalayaError('internal', reason, { cause: first });
    this.log.error({ part: 'unit', error: first }, 'the run failed');
    await this.#unitConfig.fell(fault);
  }

  /** Takes leave of the centre. To be done before the evidence is closed, which queues and audit log need. May be called twice. */
  async detach(): Promise<void> {
    await using leaving = new AsyncDisposableStack();
    leaving.defer(() => this.#unitConfig.rest());
    leaving.defer(async () => this.#updates?.close());
    leaving.defer(() => this.#cloud.close());
    leaving.defer(async () => this.#health?.close());
  }

  /** Detaches, and closes. May be called twice. */
  async close(): Promise<void> {
    await using closing = new AsyncDisposableStack();
    closing.defer(() => this.log.close());
    closing.defer(() => this.#unitConfig.close());
    closing.defer(() => this.detach());
  }

  #switches(modes: UnitModes): Switches {
    return modes.switches((off) => {
      // Said again and again while it is off, so that a command or a configuration that wants debug lines waits too.
      if (!off) this.log.setLevel(this.#config.log.level);
      else if (this.log.level === 'debug') this.log.setLevel('info');
    });
  }

  #say(sentence: string): void {
    this.log.warn({ part: 'health' }, sentence);
    this.#tell(sentence);
  }

  async #apply(config: Config, changed: readonly string[], needs: 'live' | 'restart'): Promise<void> {
    this.log.info({ part: 'config', changed, needs }, 'a configuration comes into force');
    if (needs === 'restart') {
      const { version: number, outcome } = this.#unitConfig.reported() ?? {};
      const which = outcome === 'rolled-back' ? 'the configuration before' : `configuration ${number}`;
      this.#tell(`the unit begins anew with ${which}, which changes ${changed.join(', ')}`);
      this.#restarting.abort();
      return;
    }
    this.#config = config;
    this.log.setLevel(config.log.level);
    this.#cloud.stateChanged();
  }

  #state(store: EvidenceStore, boot: string): ReturnType<Parameters<typeof openCloud>[0]['state']> {
    const { status, problems } = this.#health?.report() ?? { status: 'good', problems: [] };
    const { unit, flags } = this.#config;
    const inForce = this.#unitConfig.reported()?.inForce;
    const { pem, vkey } = store.ledger.publicKey;
    return {
      boot,
      software: version,
      site: unit.site,
      health: status,
      problems: problems.slice(0, 50),
      signingKey: { spki: pem, vkey },
      ...(inForce === undefined ? {} : { configuration: inForce }),
      flags,
    };
  }
}

function logOf({ log: { level, folder, keepDays }, unit }: Config, clock: Clock): Log {
  if (folder === undefined) return silentLog;
  return openLog({ level, folder, keepDays, name: 'atalaya-unit', clock, fields: { unit: unit.id } });
}
