import type { Clock } from '../../../device/kernel/clock.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { type Random, supervise } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { type Milliseconds, milliseconds, toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { BrokerView } from '../../contract/api-views.ts';
import type { Telemetry } from '../../contract/events.ts';
import type { Arrival, Link, LinkHandlers, LinkSession } from '../../link/link.ts';
import type { Archive, Arrived } from '../archive/archive.ts';
import type { Blobs } from '../blobs/blobs.ts';
import type { Queues } from '../queues/queues.ts';
import { CertificateKeeper } from '../renewal/certificate-keeper.ts';
import { streamWay } from '../updates/stream-way.ts';
import { UpdateKeeper } from '../updates/update-keeper.ts';
import type { StreamDesk, UpdateParts } from '../updates/update-ports.ts';
import { Witness } from '../witness/witness.ts';
import type { WitnessKey } from '../witness/witness-key.ts';
import { Acks } from './acks.ts';
import { AlertKeeper } from './alert-keeper.ts';
import { CommandRelay } from './command-relay.ts';
import { ConfigOutcomes } from './config-outcomes.ts';
import { ConfigRelay } from './config-relay.ts';
import { Duty } from './duty.ts';
import { EvidenceCollector } from './evidence-collector.ts';
import { EvidenceViews } from './evidence-views.ts';
import { Forwarder } from './forwarder.ts';
import { Ingest } from './ingest.ts';
import { LateLink } from './late-link.ts';
import { LiveHub } from './live-hub.ts';
import { MessageDesk } from './message-desk.ts';
import { Refusals } from './refusals.ts';
import { SetAside } from './set-aside.ts';
import { SilenceWatch } from './silence-watch.ts';
import { checkSharing, filtersFor, isOurs, type Sharing, unitLevel } from './subscriptions.ts';
import { Twins } from './twins.ts';
import { UnitViews } from './unit-views.ts';
import { WitnessDesk } from './witness-desk.ts';

export interface BridgeOptions {
  /** Connects, with a session that the broker keeps. */
  readonly connect: (handlers: LinkHandlers) => Link;
  readonly archive: Archive;
  readonly blobs: Blobs;
  /** Undefined: no other programs are told anything. */
  readonly queues: Queues | undefined;
  readonly witnessKey: WitnessKey;
  readonly sharing: Sharing;
  readonly evidence: 'all' | 'on-request';
  /** Telemetry is kept for so many days; undefined: for ever. */
  readonly telemetryDays: number | undefined;
  /** A unit of which nothing is heard for so long is silent. */
  readonly silentAfter: Milliseconds;
  /** Undefined: what units say of updates is kept, and none is given. */
  readonly updates: UpdateParts | undefined;
  /** Bytes of messages that may wait for the archive. */
  readonly mostBytes: number;
  /** Of one unit: above what a unit sends before it is acknowledged, 4 MiB a lane unless its configuration says otherwise. */
  readonly mostBytesOfUnit: number;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly log: Log;
}

/** How often readers of live events hear that we are there. */
const pulse = milliseconds(10_000);
/** How often twins are written, and what waits for a broker is tried. */
const housekeeping = milliseconds(60_000);
/** How long what one bridge does for all stays its own when it says nothing more: three rounds. */
const dutyLease = milliseconds(180_000);
/** Alerts that a start takes into account again. */
const alertsAgain = 500;
const retry = { first: milliseconds(1000), most: milliseconds(60_000) };

/**
 * The centre's end: takes what units send, archives it, acknowledges it, and gives units what people have signed for them.
 *
 * Guarantees: nothing is acknowledged that is not durable; what is wrong with one unit's messages is counted and stops no other unit;
 * killed at any moment, the next start goes on from what is durable and from what units send again.
 */
export class Bridge {
  readonly twins: Twins;
  readonly alerts: AlertKeeper;
  readonly configs: ConfigRelay;
  readonly commands: CommandRelay;
  readonly certificates: CertificateKeeper;
  readonly updates: UpdateKeeper;
  readonly collector: EvidenceCollector;
  readonly evidence: EvidenceViews;
  readonly live: LiveHub;
  readonly views: UnitViews;
  readonly refusals: Refusals;
  readonly ingest: Ingest;
  readonly acks: Acks;
  readonly desk: MessageDesk;
  readonly witnessDesk: WitnessDesk;
  readonly forwarder: Forwarder | undefined;
  readonly setAside: SetAside;
  readonly silence: SilenceWatch;
  readonly #options: BridgeOptions;
  readonly #link: LateLink;
  readonly #streams: StreamDesk | undefined;
  /** Called when a unit has reported. */
  onReported: (unit: string) => void = () => undefined;
  #connections = 0;
  #stopping = false;
  /** Resolves when the link is closed. */
  readonly #closed = Promise.withResolvers<void>();

  constructor(options: BridgeOptions) {
    const { archive, blobs, queues, witnessKey, sharing, clock, timer, random, log } = options;
    const loop = { clock, timer, random, log };
    const link = new LateLink(clock);
    const witness = new Witness(archive, witnessKey, clock);
    this.#options = options;
    this.#link = link;
    this.refusals = new Refusals(clock, log);
    this.twins = new Twins(archive, clock, this.refusals);
    this.alerts = new AlertKeeper(archive, clock, queues !== undefined);
    this.configs = new ConfigRelay(archive, link, clock, log);
    this.commands = new CommandRelay(archive, link, clock, log);
    this.certificates = new CertificateKeeper(archive, link, clock, log);
    this.updates = new UpdateKeeper({
      ...{ archive, link, alerts: this.alerts, refusals: this.refusals, clock, random, log },
      ...{ director: options.updates?.director, verify: options.updates?.verify },
      keyOf: async (unit) => (await this.twins.twin(unit))?.keys.at(-1)?.spki,
      onChanged: (unit) => this.onReported(unit),
      onSaid: (unit, update) => this.live.updated(unit, update),
    });
    this.views = new UnitViews({
      ...{ archive, twins: this.twins, configs: this.configs, alerts: this.alerts, witness, updates: this.updates },
    });
    this.#streams = options.updates?.openStreams?.(streamWay(link));
    this.live = new LiveHub();
    this.acks = new Acks(link, log);
    this.evidence = new EvidenceViews(archive, blobs);
    this.collector = new EvidenceCollector({
      ...{ archive, blobs, views: this.evidence, link, refusals: this.refusals, policy: options.evidence, ...loop },
      blocksElsewhere: sharing.kind === 'shared',
      onMismatch: async (unit, detail) => void (await this.alerts.raise(unit, 'evidence-mismatch', detail)),
    });
    this.witnessDesk = new WitnessDesk({
      ...{ archive, witness, alerts: this.alerts, refusals: this.refusals, link, ...loop },
      pinned: async (unit) => (await this.twins.twin(unit))?.keys.at(-1),
    });
    this.setAside = new SetAside({ archive, alerts: this.alerts, refusals: this.refusals, clock, log });
    this.ingest = new Ingest({
      ...{ archive, acks: this.acks, refusals: this.refusals, setAside: this.setAside, ...loop },
      ...{ mostBytes: options.mostBytes, mostBytesOfUnit: options.mostBytesOfUnit },
      judge: (event) => this.desk.judge(event),
      effects: (events) => this.#follow(events),
      onConflict: async (unit, detail) => void (await this.alerts.raise(unit, 'event-conflict', detail)),
    });
    this.desk = new MessageDesk({
      ...{ archive, twins: this.twins, ingest: this.ingest, witness: this.witnessDesk, collector: this.collector },
      ...{ commands: this.commands, alerts: this.alerts, refusals: this.refusals, clock, log },
      certificates: this.certificates,
      updates: this.updates,
      ...(this.#streams === undefined ? {} : { streams: this.#streams }),
      ...{ outcomes: new ConfigOutcomes(archive), forward: queues !== undefined },
      onReported: (unit) => this.onReported(unit),
    });
    const holder = `${clock.utc()}-${Math.floor(random() * 2 ** 48).toString(16)}`;
    const name = sharing.kind === 'partition' ? `silence-${sharing.index}-of-${sharing.of}` : 'silence';
    this.silence = new SilenceWatch({
      ...{ twins: this.twins, alerts: this.alerts, clock, raisedAfter: options.silentAfter },
      duty: new Duty({ archive, name, holder, lease: dutyLease, clock }),
      isOurs: (unit) => isOurs(sharing, unit),
    });
    this.forwarder = queues === undefined ? undefined : new Forwarder({ archive, queues, ...loop });
  }

  /** Whether the broker is there. */
  get online(): boolean {
    return this.#link.state.kind === 'online';
  }

  /** Why it is not; undefined where it is, or was not tried yet. */
  get linkFault(): unknown {
    const { state } = this.#link;
    return state.kind === 'offline' ? state.fault : undefined;
  }

  /** As people are told of it. */
  get brokerView(): BrokerView {
    return { connected: this.online, since: this.#link.since };
  }

  get connections(): number {
    return this.#connections;
  }

  /** Reads what was left undone, connects, and works until stopped. Rejects with what waiting does not cure. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#takeUp();
    const stop = new AbortController();
    const all = AbortSignal.any([signal, stop.signal]);
    this.#link.open(this.#options.connect, this.#handlers(all));
    await this.#link.subscribe(filtersFor(this.#options.sharing));
    const loops = [
      this.ingest.run(all),
      this.witnessDesk.run(all),
      this.collector.run(all),
      this.#keepHouse(all),
      ...(this.forwarder === undefined ? [] : [this.forwarder.run(all)]),
    ];
    try {
      await Promise.all(loops);
    } finally {
      this.#stopping = true;
      stop.abort();
      await this.#link.close();
      await this.#streams?.close();
      this.#closed.resolve();
      await Promise.allSettled(loops);
      await this.twins.flush().catch(() => undefined);
      await this.silence.leave().catch(() => undefined);
    }
  }

  async #takeUp(): Promise<void> {
    await this.twins.load();
    await this.configs.load(false);
    await this.commands.load();
    await this.certificates.load(false);
    await this.updates.load(false);
    await this.collector.load();
    // Where several bridges share a unit, one may have died between archiving an alert and this, and another acknowledged what followed.
    const alerts = await this.#options.archive.events({ kinds: ['alert'], order: 'newest', limit: alertsAgain });
    await this.alerts.apply(alerts.toReversed());
    await this.#follow(await this.setAside.offerAgain());
  }

  #handlers(signal: AbortSignal): LinkHandlers {
    const { log, sharing } = this.#options;
    return {
      online: async (session) => {
        checkSharing(sharing, session);
        this.#connections += 1;
        log.info({ part: 'bridge', ...session }, 'connected to the broker');
        await this.#online(session);
        this.silence.online();
      },
      offline: (fault) => {
        this.silence.offline();
        // Our own leave-taking is no loss.
        if (this.#stopping) return log.info({ part: 'bridge' }, 'took leave of the broker');
        const fields = { part: 'bridge', ...(fault === undefined ? {} : { error: fault }) };
        log.warn(fields, this.#connections === 0 ? 'there is no connection to the broker' : 'the broker is gone');
      },
      arrived: (arrival) => this.#arrived(arrival, signal),
    };
  }

  async #online({ resumed }: LinkSession): Promise<void> {
    // A broker that has forgotten our session may have forgotten what it retained.
    if (!resumed) {
      await this.configs.load(true);
      await this.certificates.load(true);
      await this.updates.load(true);
    }
    await this.configs.publishPending();
    await this.certificates.publishPending();
    await this.updates.publishPending();
    await this.commands.publishPending();
  }

  /**
   * Never rejects. While the archive cannot be reached the message waits, and the broker's acknowledgement with it; a message that the
   * archive does not take for any other reason is counted, lest one unit hold up all others for ever.
   */
  async #arrived({ topic, payload, retained }: Arrival, signal: AbortSignal): Promise<void> {
    const { sharing, timer, log } = this.#options;
    const unit = unitLevel(topic);
    if (unit !== undefined && !isOurs(sharing, unit)) return;
    for (;;) {
      try {
        return await this.desk.take(topic, payload, retained);
      } catch (error) {
        if (!isAtalayaError(error) || error.disposition !== 'retry') {
          this.refusals.count(unit, 'not-archivable', isAtalayaError(error) ? error.code : 'internal');
          log.error(
            { part: 'bridge', ...(unit === undefined ? {} : { unit }), error },
            'a message could not be dealt with',
          );
          return;
        }
        log.warn({ part: 'bridge', error }, 'the archive cannot be reached; messages wait');
        // What is being stopped acknowledges nothing more: the broker gives it to the next one.
        if (this.#stopping || signal.aborted) return this.#closed.promise;
        await timer.sleep(retry.first, signal);
      }
    }
  }

  /** What follows from durable events. Bears repetition. */
  async #follow(events: readonly Arrived[]): Promise<void> {
    await this.alerts.apply(events);
    await this.collector.archived(events);
    const ledgers = new Set<string>();
    for (const { unit, kind, time, data } of events) {
      if (kind === 'telemetry') this.twins.figures(unit, { time, data: data as unknown as Telemetry });
      if (kind === 'infraction' || kind === 'audit') ledgers.add(unit);
    }
    for (const unit of ledgers) this.witnessDesk.grown(unit);
    this.live.publish(events);
  }

  async #keepHouse(signal: AbortSignal): Promise<void> {
    const { archive, telemetryDays, clock, timer, random, log } = this.#options;
    let last = Number.NEGATIVE_INFINITY;
    let lastDaily = Number.NEGATIVE_INFINITY;
    let lastHourly = Number.NEGATIVE_INFINITY;
    await supervise(
      async (attempt) => {
        while (!attempt.signal.aborted) {
          attempt.beat();
          this.live.pulse();
          await timer.sleep(pulse, attempt.signal);
          if (attempt.signal.aborted || clock.monotonic() - last < housekeeping) continue;
          last = clock.monotonic();
          await this.twins.flush(attempt.signal);
          await this.configs.publishPending();
          await this.certificates.publishPending();
          await this.updates.publishPending();
          await this.commands.publishPending();
          await this.silence.round();
          await this.alerts.moveClosed();
          if (clock.monotonic() - lastHourly >= hour) {
            lastHourly = clock.monotonic();
            await this.updates.refresh(attempt.signal);
          }
          if (clock.monotonic() - lastDaily >= day) {
            lastDaily = clock.monotonic();
            await this.alerts.forgetClosed();
            const before = utcMilliseconds(clock.utc() - (telemetryDays ?? 0) * day);
            if (telemetryDays !== undefined) await archive.forgetTelemetry(toIso(before));
          }
        }
      },
      {
        ...{ name: 'the housekeeping', signal, clock, timer, random, backoff: retry },
        deadline: milliseconds(600_000),
        grace: milliseconds(60_000),
        onFault: (error, wait) => log.warn({ part: 'bridge', error, waitMs: wait }, 'housekeeping is held up'),
      },
    );
  }
}

const hour = 3600 * 1000;
const day = 24 * hour;
