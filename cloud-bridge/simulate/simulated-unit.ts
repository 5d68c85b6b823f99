import { join } from 'node:path';
import type { Clock } from '../../device/kernel/clock.ts';
import type { AtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { type Random, supervise } from '../../device/kernel/supervise.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import { milliseconds, toIso } from '../../device/kernel/units.ts';
import type { LaneSource } from '../contract/lane-source.ts';
import { type Lane, lanes } from '../contract/outbox.ts';
import type { UnitState } from '../contract/state.ts';
import type { Link, LinkHandlers } from '../link/link.ts';
import { unmetered } from '../unit-end/outbox/data-budget.ts';
import { Drain, type DrainFigures } from '../unit-end/outbox/drain.ts';
import { Spool } from '../unit-end/outbox/spool.ts';
import { type LastWill, UnitEnd } from '../unit-end/unit-end.ts';
import { type SeenInfraction, Traffic } from './traffic.ts';

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
  /** Events that were waiting when it started, and that were made since. */
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
/** How often the unit looks whether its log was signed anew. */
const checkpointLook = milliseconds(2000);

/**
 * A unit without a camera: the queues, the drain and the session are those of a real one; what it sees is made up.
 */
export class SimulatedUnit {
  readonly #parts: SimulatedUnitParts;
  readonly #alerts: Spool;
  readonly #telemetry: Spool;
  readonly #traffic: Traffic;
  readonly #end: UnitEnd;
  readonly #waiting: number;
  readonly #begun: number;
  readonly #stop = new AbortController();
  #drain: Drain | undefined;
  #draining: Promise<unknown> = Promise.resolve();
  #made = 0;
  #connections = 0;
  #cosigned = 0;

  constructor(parts: SimulatedUnitParts, alerts: Spool, telemetry: Spool) {
    const { unit, site, boot, ledger, clock } = parts;
    this.#parts = parts;
    this.#alerts = alerts;
    this.#telemetry = telemetry;
    this.#traffic = new Traffic(parts.traffic, parts.random);
    this.#waiting = Object.values(this.#sources).reduce((sum, { last, forgotten }) => sum + last - forgotten, 0);
    this.#begun = clock.monotonic();
    this.#end = new UnitEnd({
      ...{ unit, clock, openLink: parts.openLink },
      state: () => ({ boot, site, software: 'simulated', health: 'good', signingKey: ledger.signingKey }),
      checkpoint: () => ledger.checkpoint,
      inboxes: {
        ack: (ack) => this.#drain?.acknowledged(ack),
        desired: async () => {},
        command: async () => {},
        evidenceGet: async () => {},
        cosigned: async (note) => {
          this.#cosigned += 1;
          await ledger.cosigned(note);
        },
      },
      online: (session) => {
        this.#connections += 1;
        this.#drain?.online(session);
      },
      offline: () => this.#drain?.offline(),
      refused: () => {},
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
      const opened = new SimulatedUnit(parts, alerts, telemetry);
      opened.#start();
      return opened;
    } catch (error) {
      await alerts.close();
      throw error;
    }
  }

  get unit(): string {
    return this.#parts.unit;
  }

  get figures(): SimulatedUnitFigures {
    const drain = (this.#drain as Drain).figures;
    const queued = lanes.reduce((sum, lane) => sum + drain.queued[lane], 0);
    const offered = this.#waiting + this.#made;
    return {
      ...drain,
      online: this.#end.session !== undefined,
      offered,
      acknowledged: Math.max(0, offered - queued - this.#telemetry.dropped),
      reconnects: Math.max(0, this.#connections - 1),
      cosigned: this.#cosigned,
      refusedMessages: this.#end.counts.refused,
    };
  }

  /** Lets vehicles pass, so many events a minute, until the signal is aborted. Rejects with the faults of the disk. */
  async live(perMinute: number, signal: AbortSignal): Promise<void> {
    const { timer, clock, ledger } = this.#parts;
    let told = ledger.checkpoint;
    let looked = clock.monotonic();
    let due = clock.monotonic() + this.#traffic.gap(perMinute);
    while (!signal.aborted) {
      await timer.sleep(milliseconds(Math.min(checkpointLook, Math.max(0, due - clock.monotonic()))), signal);
      if (signal.aborted) return;
      if (clock.monotonic() >= due) {
        await this.happen();
        // From when it was due: a slow disk makes no less traffic.
        due += this.#traffic.gap(perMinute);
      }
      if (clock.monotonic() - looked >= checkpointLook) {
        looked = clock.monotonic();
        if (told !== ledger.checkpoint) this.#end.checkpointed();
        told = ledger.checkpoint;
      }
    }
  }

  /** Lets one vehicle pass, or whatever else happens; resolves when that is durable. */
  async happen(): Promise<void> {
    const { clock, ledger } = this.#parts;
    const happening = this.#traffic.next(clock.utc(), () => this.#known());
    if (happening.kind === 'infraction') await ledger.seal(happening.seen);
    else await (happening.event.kind === 'alert' ? this.#alerts : this.#telemetry).offer(happening.event);
    this.#made += 1;
  }

  /** Puts the newest signed state of the log before the centre. */
  checkpointed(): void {
    this.#end.checkpointed();
  }

  /** Takes leave of the broker and closes the queues; what was not acknowledged is there at the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#draining;
    await this.#end.close();
    await Promise.all([this.#alerts.close(), this.#telemetry.close(), this.#parts.ledger.close()]);
  }

  get #sources(): Readonly<Record<Lane, LaneSource>> {
    return { alert: this.#alerts, infraction: this.#parts.ledger.source, telemetry: this.#telemetry };
  }

  #start(): void {
    const { unit, clock, timer, random, onFault } = this.#parts;
    const fault = (error: AtalayaError) => onFault(unit, error);
    const link = this.#end.open();
    const drain = new Drain({
      ...{ unit, link, sources: this.#sources, window: 64, budget: unmetered, clock, timer, random, resendAfter },
      onRefused: () => {},
      onFault: (_, error) => fault(error),
    });
    this.#drain = drain;
    if (link.state.kind === 'online') drain.online(link.state.session);
    this.#draining = supervise(({ signal, beat }) => drain.run(signal, beat), {
      ...{ name: `the outbox of ${unit}`, signal: this.#stop.signal, clock, timer, random, onFault: fault },
      backoff: { first: milliseconds(1000), most: milliseconds(60_000) },
      deadline: milliseconds(300_000),
      grace: milliseconds(3000),
    }).catch((error: unknown) => fault(error as AtalayaError));
  }

  #known() {
    const { queued, sentBytes, refused } = (this.#drain as Drain).figures;
    const reconnects = Math.max(0, this.#connections - 1);
    const uptimeS = (this.#parts.clock.monotonic() - this.#begun) / 1000;
    return {
      uptimeS,
      sync: { queued: { ...queued }, dropped: this.#telemetry.dropped, reconnects, sentBytes, refused },
    };
  }
}

/** What the state of a fleet says of when it was. */
export const bootOf = (clock: Clock): string => `simulated-${toIso(clock.utc())}`;
