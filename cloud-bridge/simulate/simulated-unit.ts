import { join } from 'node:path';
import type { Clock } from '../../device/kernel/clock.ts';
import type { AtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { type Random, supervise } from '../../device/kernel/supervise.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import { type Milliseconds, milliseconds, toIso } from '../../device/kernel/units.ts';
import type { LaneSource } from '../contract/lane-source.ts';
import { type Lane, lanes } from '../contract/outbox.ts';
import type { UnitState } from '../contract/state.ts';
import type { Link, LinkHandlers } from '../link/link.ts';
import { unmetered } from '../unit-end/outbox/data-budget.ts';
import { Drain, type DrainFigures } from '../unit-end/outbox/drain.ts';
import { Spool } from '../unit-end/outbox/spool.ts';
import type { LastWill } from '../unit-end/unit-end.ts';
import { deaf, type Obedience, type UnitBody } from './obedience.ts';
import { type Happening, type SeenInfraction, Traffic } from './traffic.ts';
import { UnitSession } from './unit-session.ts';

/** The signed log of a simulated unit: what it seals is the lane of infractions. */
export interface SimulatedLedger {
  readonly source: LaneSource;
  readonly signingKey: NonNullable<UnitState['signingKey']>;
  /** The newest signed state, as a note. */
  readonly checkpoint: string | undefined;
  /** Resolves when it is durable. */
  seal(seen: SeenInfraction): Promise<void>;
  /** The centre has cosigned a checkpoint. Does not throw. */
  cosigned(note: string): Promise<void>;
  close(): Promise<void>;
}

export interface SimulatedUnitParts {
  readonly unit: string;
  readonly site: string;
  /** Of its queues. */
  readonly folder: string;
  readonly files: Files;
  readonly ledger: SimulatedLedger;
  readonly openLink: (handlers: LinkHandlers, will: LastWill) => Link;
  /** What obeys in its name, from what is on the disk on; nothing obeys where absent. */
  readonly obey?: (body: UnitBody) => Promise<Obedience>;
  /** Of one start. */
  readonly boot: string;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /** What it sees is drawn from. */
  readonly traffic: Random;
  readonly onFault: (unit: string, fault: AtalayaError) => void;
}

export interface SimulatedUnitFigures extends DrainFigures {
  readonly online: boolean;
  /** Events that were waiting when it started, and that came since. */
  readonly offered: number;
  /** Of these, those that the centre has acknowledged. */
  readonly acknowledged: number;
  readonly reconnects: number;
  readonly cosigned: number;
  readonly refusedMessages: number;
}

const telemetryBytes = 64e6;
const alertBytes = 64e6;
const resendAfter = milliseconds(30_000);
/** How often the unit looks whether its log was signed anew, and at its deadlines; and at these alone while something is on trial. */
const lookEvery = milliseconds(2000);
const trialEvery = milliseconds(500);

interface Diagnosis {
  readonly every: Milliseconds;
  readonly until: number;
  due: number;
}

/**
 * A unit without a camera: the queues, the drain and the session are those of a real one; what it sees is made up.
 */
export class SimulatedUnit {
  readonly #parts: SimulatedUnitParts;
  readonly #alerts: Spool;
  readonly #telemetry: Spool;
  readonly #traffic: Traffic;
  readonly #session: UnitSession;
  readonly #drain: Drain;
  /** What its queues had forgotten when it was opened. */
  readonly #before: number;
  readonly #stop = new AbortController();
  #obedience: Obedience = deaf;
  #draining: Promise<unknown> = Promise.resolve();
  #begun: Milliseconds;
  /** When it last looked at the road. */
  #looked: Milliseconds;
  #diagnosis: Diagnosis | undefined;
  #cosigned = 0;

  constructor(parts: SimulatedUnitParts, alerts: Spool, telemetry: Spool) {
    const { unit, site, boot, ledger, clock, timer, random, onFault } = parts;
    const fault = (error: AtalayaError) => onFault(unit, error);
    this.#parts = parts;
    this.#alerts = alerts;
    this.#telemetry = telemetry;
    this.#traffic = new Traffic(parts.traffic, random);
    this.#before = this.#sum(({ forgotten }) => forgotten);
    this.#begun = clock.monotonic();
    this.#looked = this.#begun;
    const { signingKey } = ledger;
    this.#session = new UnitSession({
      ...{ unit, clock, timer, openLink: parts.openLink, onFault: fault },
      state: () => ({ boot, site, software: 'simulated', health: 'good', signingKey, ...this.#obedience.state }),
      checkpoint: () => ledger.checkpoint,
      inboxes: {
        ack: (ack) => this.#drain.acknowledged(ack),
        desired: (payload) => this.#obedience.desired(payload),
        command: (command, topic) => this.#obedience.command(command, topic),
        evidenceGet: (get) => this.#obedience.evidenceGet(get),
        updates: { notified: () => this.#obedience.notified(), answered: () => {}, block: () => {} },
        cosigned: async (note) => {
          this.#cosigned += 1;
          await ledger.cosigned(note);
        },
      },
      online: (session) => {
        this.#drain.online(session);
        this.#obedience.online();
      },
      offline: () => this.#drain.offline(),
      restarted: async () => {
        this.#begun = clock.monotonic();
        this.#diagnosis = undefined;
        await this.#obedience.restarted();
      },
    });
    this.#drain = new Drain({
      ...{ unit, link: this.#session, sources: this.#sources, window: 64, budget: unmetered },
      ...{ clock, timer, random, resendAfter },
      onRefused: () => {},
      onFault: (_, error) => fault(error),
    });
  }

  /** Opens its queues and its session; it connects by itself. Takes the ledger over. Throws the faults of the disk. */
  static async open(parts: SimulatedUnitParts): Promise<SimulatedUnit> {
    const { folder, files, random, clock } = parts;
    const shared = { files, random, clock };
    const alerts = await Spool.open(join(folder, 'alert'), { ...shared, lane: 'alert', mostBytes: alertBytes });
    try {
      const options = { ...shared, lane: 'telemetry', mostBytes: telemetryBytes } as const;
      const telemetry = await Spool.open(join(folder, 'telemetry'), options);
      try {
        const opened = new SimulatedUnit(parts, alerts, telemetry);
        await opened.#start();
        return opened;
      } catch (error) {
        await telemetry.close();
        throw error;
      }
    } catch (error) {
      await alerts.close();
      throw error;
    }
  }

  get unit(): string {
    return this.#parts.unit;
  }

  get figures(): SimulatedUnitFigures {
    const drain = this.#drain.figures;
    const queued = lanes.reduce((sum, lane) => sum + drain.queued[lane], 0);
    const offered = this.#sum(({ last }) => last) - this.#before;
    return {
      ...drain,
      online: this.#session.isOnline,
      offered,
      acknowledged: Math.max(0, offered - queued - this.#telemetry.dropped),
      reconnects: this.#session.reconnects,
      cosigned: this.#cosigned,
      refusedMessages: this.#session.refusedMessages,
    };
  }

  /** Lets vehicles pass, so many events a minute, until the signal is aborted. Rejects with the faults of the disk. */
  async live(perMinute: number, signal: AbortSignal): Promise<void> {
    const { timer, clock, ledger } = this.#parts;
    let told = ledger.checkpoint;
    let looked = clock.monotonic();
    let due = clock.monotonic() + this.#traffic.gap(perMinute);
    while (!signal.aborted) {
      const { onTrial } = this.#obedience;
      const next = Math.min(due, this.#diagnosis?.due ?? due);
      const longest = onTrial ? trialEvery : lookEvery;
      await timer.sleep(milliseconds(Math.min(longest, Math.max(0, next - clock.monotonic()))), signal);
      if (signal.aborted) return;
      this.#looked = clock.monotonic();
      if (this.#looked >= due) {
        await this.happen();
        // From when it was due: a slow disk makes no less traffic.
        due += this.#traffic.gap(perMinute);
      }
      await this.#diagnose();
      if (onTrial) await this.#obedience.tick();
      if (clock.monotonic() - looked >= lookEvery) {
        looked = clock.monotonic();
        if (told !== ledger.checkpoint) this.#session.checkpointed();
        told = ledger.checkpoint;
        if (!onTrial) await this.#obedience.tick();
      }
    }
  }

  /** Lets one vehicle pass, or whatever else happens; resolves when that is durable. */
  async happen(): Promise<void> {
    const { clock, ledger } = this.#parts;
    const happening = this.#traffic.next(clock.utc(), () => this.#known(), this.#obedience.sees);
    if (happening === undefined) return;
    if (happening.kind === 'infraction') await ledger.seal(happening.seen);
    else await this.#offer(happening);
  }

  /** Puts the newest signed state of the log before the centre. */
  checkpointed(): void {
    this.#session.checkpointed();
  }

  /** Takes leave of the broker and closes the queues; what was not acknowledged is there at the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#draining;
    await this.#session.close();
    await this.#obedience.close();
    await Promise.all([this.#alerts.close(), this.#telemetry.close(), this.#parts.ledger.close()]);
  }

  get #sources(): Readonly<Record<Lane, LaneSource>> {
    return { alert: this.#alerts, infraction: this.#parts.ledger.source, telemetry: this.#telemetry };
  }

  async #start(): Promise<void> {
    const { unit, clock, timer, random, obey, onFault } = this.#parts;
    const fault = (error: AtalayaError) => onFault(unit, error);
    if (obey !== undefined) this.#obedience = await obey(this.#body());
    this.#session.open();
    const drain = this.#drain;
    this.#draining = supervise(({ signal, beat }) => drain.run(signal, beat), {
      ...{ name: `the outbox of ${unit}`, signal: this.#stop.signal, clock, timer, random, onFault: fault },
      backoff: { first: milliseconds(1000), most: milliseconds(60_000) },
      deadline: milliseconds(300_000),
      grace: milliseconds(3000),
    }).catch((error: unknown) => fault(error as AtalayaError));
  }

  #body(): UnitBody {
    const session = this.#session;
    const { clock } = this.#parts;
    return {
      report: (reported) => session.report(reported),
      reply: (reply) => session.reply(reply),
      block: (...block) => session.block(...block),
      stateChanged: () => session.stateChanged(),
      updateSaid: (update) => session.updateSaid(update),
      versionsSaid: (report) => session.versionsSaid(report),
      restart: () => session.restart(),
      diagnose: (time, every) => {
        const now = clock.monotonic();
        this.#diagnosis = { every, until: now + time, due: now };
      },
      did: (since) => ({ brokerReached: session.heard(since), framesSeen: this.#looked >= since }),
    };
  }

  /** Figures, while they are asked for more often. */
  async #diagnose(): Promise<void> {
    const { clock } = this.#parts;
    const now = clock.monotonic();
    const diagnosis = this.#diagnosis;
    if (diagnosis === undefined || now < diagnosis.due) return;
    diagnosis.due = now + diagnosis.every;
    if (now > diagnosis.until) this.#diagnosis = undefined;
    else await this.#offer(this.#traffic.figures(clock.utc(), this.#known()));
  }

  async #offer({ event }: Extract<Happening, { kind: 'event' }>): Promise<void> {
    if (!this.#obedience.sends(event.kind)) return;
    await (event.kind === 'alert' ? this.#alerts : this.#telemetry).offer(event);
  }

  #sum(pick: (source: LaneSource) => number): number {
    return Object.values(this.#sources).reduce((sum, source) => sum + pick(source), 0);
  }

  #known() {
    const { queued, sentBytes, refused } = this.#drain.figures;
    const uptimeS = (this.#parts.clock.monotonic() - this.#begun) / 1000;
    const { reconnects } = this.#session;
    return {
      uptimeS,
      sync: { queued: { ...queued }, dropped: this.#telemetry.dropped, reconnects, sentBytes, refused },
    };
  }
}

/** What the state of a fleet says of when it was. */
export const bootOf = (clock: Clock): string => `simulated-${toIso(clock.utc())}`;
