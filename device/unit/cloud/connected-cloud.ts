import type { Refused } from '../../../cloud-bridge/contract/message.ts';
import type { OutboxEvent } from '../../../cloud-bridge/contract/outbox.ts';
import type { People } from '../../../cloud-bridge/contract/people.ts';
import type { Reported } from '../../../cloud-bridge/contract/state.ts';
import type { Link, LinkHandlers, LinkSession } from '../../../cloud-bridge/link/link.ts';
import { Allowance } from '../../../cloud-bridge/unit-end/commands/allowance.ts';
import type { CommandInbox } from '../../../cloud-bridge/unit-end/commands/command-inbox.ts';
import type { CommandExecutors } from '../../../cloud-bridge/unit-end/commands/command-types.ts';
import { EvidenceServer } from '../../../cloud-bridge/unit-end/evidence/evidence-server.ts';
import type { Grants } from '../../../cloud-bridge/unit-end/evidence/grants.ts';
import { Drain } from '../../../cloud-bridge/unit-end/outbox/drain.ts';
import type { DrainFigures } from '../../../cloud-bridge/unit-end/outbox/drain-options.ts';
import type { Spool } from '../../../cloud-bridge/unit-end/outbox/spool.ts';
import type { RenewalStanding } from '../../../cloud-bridge/unit-end/renewal/renewal-keeper.ts';
import { ReopeningLink } from '../../../cloud-bridge/unit-end/renewal/reopening-link.ts';
import { type LastWill, type OwnState, UnitEnd, type UpdateInbox } from '../../../cloud-bridge/unit-end/unit-end.ts';
import type { JobUpdate } from '../../../ota/contract/job.ts';
import type { VersionReport } from '../../../ota/contract/version-report.ts';
import type { Config } from '../../config/config-schema.ts';
import type { EvidenceStore } from '../../evidence/evidence-store.ts';
import type { LedgerLane } from '../../evidence/ledger-lane.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { eventName, type Log } from '../../kernel/log/log.ts';
import { supervise } from '../../kernel/supervise.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds, seconds, toMilliseconds } from '../../kernel/units.ts';
import type { UpdateLink } from '../updates/unit-updates.ts';
import { Cosigning } from './cosigning.ts';
import { BACKOFF, openUnitLink } from './link.ts';
import { LinkWords } from './link-words.ts';
import { offlineWords, type UnitRenewal } from './renewal.ts';
import { UnitRenewing } from './renewing.ts';
import { openSealedFile } from './sealed-file.ts';

/** What the centre's side of a unit needs of the rest of it. */
export interface CloudParts {
  readonly config: Config;
  /** As it is in force at the moment. */
  readonly live: () => Config;
  /** Share of the room for counts and figures that may be used now; absent: all of it. */
  readonly figuresShare?: () => number;
  readonly store: EvidenceStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly people: () => People | undefined;
  readonly state: () => OwnState;
  readonly executors: (grants: Grants) => CommandExecutors;
  /** A document of the centre, as bytes. Does not throw. */
  readonly desired: (payload: Uint8Array) => Promise<void>;
  /** Absent where this unit takes no updates. */
  readonly updates?: CloudUpdates;
  /** What is survived and a person should know. */
  readonly notice: (fault: AtalayaError) => void;
  /** What a person at the console should know and is no fault, a sentence each. */
  readonly tell: (sentence: string) => void;
}

/** Updates, as the link knows them. */
export interface CloudUpdates extends UpdateInbox {
  readonly jobUpdate: JobUpdate | undefined;
  readonly versions: VersionReport | undefined;
  online(): void;
  offline(): void;
}

/** What the health of a unit knows of its link. */
export interface CloudView {
  /** Undefined while connected. */
  readonly offlineSince: Milliseconds | undefined;
  readonly offlineWhy: string | undefined;
  /** When the centre's broker last sent something or acknowledged something, of the monotonic clock. */
  readonly heardAt: Milliseconds | undefined;
  /** Of the newest message that was acknowledged: from sending it to the broker's word that it has it. */
  readonly roundTrip?: Milliseconds | undefined;
  readonly figures: DrainFigures | undefined;
  readonly reconnects: number;
  readonly dropped: number;
  readonly refusedMessages: number;
  /** What was found damaged at the start and begun anew, a clause each. */
  readonly setAside: readonly string[];
  /** Of the certificate; undefined where it is renewed by hand. */
  readonly renewal?: RenewalStanding | undefined;
}

/** Everything between a unit and its centre. */
export interface UnitCloud {
  /** Takes an event for the centre: durable when it resolves. Rejects with `store-full`. */
  offer(event: OutboxEvent): Promise<void>;
  readonly view: CloudView;
  stateChanged(): void;
  report(reported: Reported): void;
  checkpointed(): void;
  /** What updates ask for and say; undefined without a centre. */
  readonly updateLink: UpdateLink | undefined;
  /** Waits until the centre has everything, for so long at most and only while there is a link. */
  drain(patience: Milliseconds): Promise<void>;
  close(): Promise<void>;
}

/** What leaves the unit, and what may. */
export interface Queues {
  readonly alerts: Spool;
  readonly telemetry: Spool;
  readonly grants: Grants;
  readonly ledger: LedgerLane;
  readonly budget: ConstructorParameters<typeof Drain>[0]['budget'];
  /** What was found damaged and begun anew, a clause each. */
  readonly setAside: readonly string[];
  /** Absent where the certificate is renewed by hand. */
  readonly renewal?: UnitRenewal;
}

/** Lines of the log about what the other end may send as often as it likes; more of it is counted only, and the log is left to others. */
const senderLines = { most: 100, every: milliseconds(60_000) };
/** State, reply, refusal of a stranger's command, two blocks of evidence: what may be on its way besides events. */
const SPARED = 5;

/** A unit with a centre, from when its queues are open. */
export class ConnectedCloud implements UnitCloud {
  readonly end: UnitEnd;
  readonly #parts: CloudParts;
  readonly #queues: Queues;
  readonly #stopping = new AbortController();
  #drain: Drain | undefined;
  #draining: Promise<unknown> = Promise.resolve();
  readonly #certificate: UnitRenewing | undefined;
  #renewing: Promise<unknown> = Promise.resolve();
  #link: ReopeningLink | undefined;
  #will: LastWill | undefined;
  #inbox: CommandInbox | undefined;
  #server: EvidenceServer | undefined;
  #offlineSince: Milliseconds | undefined;
  #offlineWhy: string | undefined;
  #heardAt: Milliseconds | undefined;
  #roundTrip: Milliseconds | undefined;
  #connections = 0;
  readonly #lines: Allowance;
  /** Apart, so that noise cannot hide that the centre refuses what it was sent. */
  readonly #refusals: Allowance;
  readonly #words: LinkWords;
  readonly #cosigning: Cosigning;
  #close: () => Promise<void> = async () => {};

  constructor(parts: CloudParts, queues: Queues) {
    this.#parts = parts;
    this.#queues = queues;
    const { config, clock, store } = parts;
    this.#offlineSince = clock.monotonic();
    this.#lines = new Allowance(senderLines, clock.monotonic());
    this.#refusals = new Allowance(senderLines, clock.monotonic());
    this.#words = new LinkWords(clock, parts.tell);
    this.#cosigning = new Cosigning(store.ledger, parts.log, parts.notice, () => this.#maySay());
    const certificate =
      queues.renewal &&
      new UnitRenewing(queues.renewal, {
        ...{ clock, log: parts.log, notice: parts.notice, tell: parts.tell },
        changed: () => this.end.certificateChanged(),
        reopen: () => void this.#link?.reopen(this.#will),
      });
    this.#certificate = certificate;
    this.end = new UnitEnd({
      unit: config.unit.id,
      clock,
      openLink: (handlers, will) => this.#openLink(handlers, will),
      state: parts.state,
      checkpoint: () => store.ledger.checkpointed?.note,
      inboxes: {
        ack: (ack) => this.#drain?.acknowledged(ack),
        desired: parts.desired,
        command: async (command, topic) => this.#inbox?.take(command, topic),
        evidenceGet: async (get) => void this.#server?.asked(get),
        cosigned: (note) => this.#cosigning.take(note),
        ...(certificate === undefined ? {} : { certificateGrant: (grant: Buffer) => certificate.offer(grant) }),
        ...(parts.updates === undefined ? {} : { updates: parts.updates }),
      },
      jobUpdate: () => parts.updates?.jobUpdate,
      versions: () => parts.updates?.versions,
      ...(certificate === undefined ? {} : { certificate: () => certificate.report }),
      online: (session) => this.#online(session),
      offline: (fault) => this.#offline(fault),
      refused: (refused) => this.#refused(refused),
      onFault: parts.notice,
    });
  }

  get view(): CloudView {
    const { telemetry } = this.#queues;
    return {
      offlineSince: this.#offlineSince,
      offlineWhy: this.#offlineWhy,
      heardAt: this.#heardAt,
      roundTrip: this.#roundTrip,
      figures: this.#drain?.figures,
      reconnects: Math.max(0, this.#connections - 1),
      dropped: telemetry.dropped,
      refusedMessages: this.end.counts.refused,
      setAside: this.#queues.setAside,
      renewal: this.#certificate?.standing,
    };
  }

  #online(session: LinkSession): void {
    const { clock, log } = this.#parts;
    this.#words.online(session.protocol);
    this.#connections += 1;
    this.#offlineSince = undefined;
    this.#offlineWhy = undefined;
    this.#heardAt = clock.monotonic();
    log.info({ part: 'link', ...session }, 'connected to the broker');
    this.#certificate?.online();
    this.#parts.updates?.online();
    this.#drain?.online(session);
    void this.#inbox?.resume();
  }

  #offline(fault: AtalayaError | undefined): void {
    const { clock, log } = this.#parts;
    const was = this.#offlineWhy;
    this.#offlineSince ??= clock.monotonic();
    this.#offlineWhy = fault === undefined ? undefined : offlineWords(fault);
    this.#drain?.offline();
    this.#certificate?.offline(fault);
    this.#parts.updates?.offline();
    // Our own leave-taking is no loss.
    if (fault === undefined || this.#offlineWhy === was || this.#stopping.signal.aborted) return;
    log.warn({ part: 'link', error: fault }, 'the broker cannot be reached');
    this.#words.offline(this.#offlineWhy ?? '');
  }

  /** Opens the link; from now on the queues drain. */
  start(inbox: CommandInbox): void {
    const { config, live, clock, notice, log } = this.#parts;
    const { alerts, telemetry, ledger, grants, budget } = this.#queues;
    this.#inbox = inbox;
    this.#server = new EvidenceServer({
      grants,
      open: (evidence, file) => openSealedFile(this.#parts.store, config.unit.id, evidence, file),
      publishBlock: (evidence, file, block, content) => this.end.block(evidence, file, block, content),
      budget,
    });
    const link = this.end.open();
    this.#drain = new Drain({
      unit: config.unit.id,
      link,
      sources: { alert: alerts, infraction: ledger, telemetry },
      get window() {
        return live().cloud.window;
      },
      spared: SPARED,
      budget,
      clock,
      timer: systemTimer,
      random: Math.random,
      resendAfter: toMilliseconds(seconds(config.cloud.resendAfterS)),
      onRefused: (lane, sequence, reason) => {
        if (!this.#refusals.take(clock.monotonic())) return;
        const fault = new AtalayaError('message-refused', `the centre refuses ${lane} ${sequence}: ${reason}`, {
          hint: 'It stays on the unit; nobody else was told of it.',
        });
        log.error({ part: 'outbox', lane, sequence, error: fault }, 'refused by the centre');
        notice(fault);
      },
      onFault: (lane, fault) => {
        log.error({ part: 'outbox', lane, error: fault }, 'a queue cannot go on');
        notice(fault);
      },
    });
    if (link.state.kind === 'online') this.#drain.online(link.state.session);
    const drain = this.#drain;
    this.#draining = supervise(({ signal, beat }) => drain.run(signal, beat), {
      name: 'outbox',
      signal: this.#stopping.signal,
      clock,
      timer: systemTimer,
      random: Math.random,
      backoff: BACKOFF,
      deadline: toMilliseconds(seconds(300)),
      grace: toMilliseconds(seconds(3)),
      onFault: notice,
    }).catch((error: unknown) => notice(error as AtalayaError));
    this.#renewing = this.#certificate?.run(this.#stopping.signal) ?? Promise.resolve();
  }

  async offer(event: OutboxEvent): Promise<void> {
    const { alerts, telemetry } = this.#queues;
    const spool = event.kind === 'alert' ? alerts : telemetry;
    const sequence = await spool.offer(event);
    this.#parts.log.debug(
      { part: 'outbox', kind: event.kind, event: eventName(event.kind, spool.stream ?? '', sequence) },
      'offered to the centre',
    );
  }

  stateChanged(): void {
    this.end.stateChanged();
  }

  report(reported: Reported): void {
    this.end.report(reported);
  }

  checkpointed(): void {
    this.end.checkpointed();
  }

  get updateLink(): UpdateLink {
    return {
      get: (get) => this.end.streamGet(get),
      jobChanged: () => this.end.jobChanged(),
      versionsChanged: () => this.end.versionsChanged(),
    };
  }

  async drain(patience: Milliseconds): Promise<void> {
    const { clock } = this.#parts;
    const until = clock.monotonic() + patience;
    const left = () => Object.values(this.#drain?.figures.queued ?? {}).some((count) => count > 0);
    while (left() && this.#offlineSince === undefined && clock.monotonic() < until) {
      await systemTimer.sleep(milliseconds(50));
    }
  }

  /** Closes everything that was opened for it. */
  closeWith(close: () => Promise<void>): void {
    this.#close = close;
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Ends draining and the link; the queues are closed after it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#draining, this.#renewing]);
    await this.end.close();
  }

  #openLink(handlers: LinkHandlers, will: LastWill): Link {
    this.#will = will;
    this.#link = ReopeningLink.open(() => this.#connect(handlers, will));
    return this.#link;
  }

  #connect(handlers: LinkHandlers, will: LastWill): Link {
    const { config, clock } = this.#parts;
    const certificate = this.#certificate;
    return openUnitLink(config, clock, handlers, will, {
      ...(certificate === undefined ? {} : { credentials: () => certificate.credentials() }),
      heard: (at, roundTrip) => {
        this.#heardAt = at;
        if (roundTrip !== undefined) this.#roundTrip = roundTrip;
      },
    });
  }

  #refused({ reason, detail }: Refused): void {
    if (this.#maySay()) this.#parts.log.warn({ part: 'link', reason, detail }, 'a message was refused');
  }

  #maySay(): boolean {
    return this.#lines.take(this.#parts.clock.monotonic());
  }
}
