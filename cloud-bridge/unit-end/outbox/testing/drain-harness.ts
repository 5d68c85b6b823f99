import { ManualClock } from '../../../../device/kernel/manual-clock.ts';
import { MemoryFiles } from '../../../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../../../device/kernel/testing/seeded-random.ts';
import { milliseconds } from '../../../../device/kernel/units.ts';
import type { LaneSource } from '../../../contract/lane-source.ts';
import { type Lane, laneOf, type OutboxEvent } from '../../../contract/outbox.ts';
import type { LinkSession } from '../../../link/link.ts';
import { unmetered } from '../data-budget.ts';
import { Drain, type DrainOptions } from '../drain.ts';
import { Spool } from '../spool.ts';
import { HostileLink } from './hostile-link.ts';
import { ModelCentre, type ModelCentreOptions } from './model-centre.ts';

export const unit = 'unit-7';

export interface HarnessOptions {
  readonly files?: MemoryFiles;
  readonly centre?: ModelCentreOptions;
  readonly session?: Partial<LinkSession>;
  readonly drain?: Partial<DrainOptions>;
  readonly telemetryBytes?: number;
  readonly wrap?: (source: LaneSource, lane: Lane) => LaneSource;
}

/** A drain on spools in memory, a link that does what it is told, and a centre behind it. */
export class DrainHarness {
  readonly clock = new ManualClock();
  readonly link: HostileLink;
  readonly centre: ModelCentre;
  readonly spools: Readonly<Record<Lane, Spool>>;
  readonly drain: Drain;
  /** Names of the topics' last levels and what they bore, in the order in which they came. */
  readonly delivered: { readonly topic: string; readonly payload: Buffer }[] = [];
  readonly refused: string[] = [];
  readonly faults: string[] = [];
  readonly #options: HarnessOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(spools: Readonly<Record<Lane, Spool>>, options: HarnessOptions) {
    this.#options = options;
    this.spools = spools;
    this.centre = new ModelCentre(unit, options.centre);
    this.link = new HostileLink(seededRandom(1), {
      online: (session) => this.drain.online(session),
      offline: () => this.drain.offline(),
      delivered: (topic, payload) => {
        this.delivered.push({ topic: topic.slice(`atalaya/v1/${unit}/`.length), payload });
        this.centre.take(topic, payload);
      },
    });
    const wrap = options.wrap ?? ((source: LaneSource) => source);
    this.drain = new Drain({
      unit,
      link: this.link,
      sources: {
        alert: wrap(spools.alert, 'alert'),
        infraction: wrap(spools.infraction, 'infraction'),
        telemetry: wrap(spools.telemetry, 'telemetry'),
      },
      window: 8,
      spared: 0,
      budget: unmetered,
      clock: this.clock,
      timer: this.clock,
      random: seededRandom(2),
      resendAfter: milliseconds(30_000),
      onRefused: (lane, sequence, reason) => this.refused.push(`${lane}/${sequence}: ${reason}`),
      onFault: (lane, fault) => this.faults.push(`${lane}: ${fault.code}`),
      ...options.drain,
    });
    this.#running = this.drain.run(this.#stop.signal);
  }

  static async open(options: HarnessOptions = {}): Promise<DrainHarness> {
    const { files = new MemoryFiles(), telemetryBytes } = options;
    const open = (lane: Lane, mostBytes?: number) =>
      Spool.open(`/data/${lane}`, {
        files,
        lane,
        random: seededRandom(lane.length),
        clock: new ManualClock(),
        ...(mostBytes === undefined ? {} : { mostBytes }),
      });
    return new DrainHarness(
      {
        alert: await open('alert'),
        infraction: await open('infraction'),
        telemetry: await open('telemetry', telemetryBytes),
      },
      options,
    );
  }

  offer(...events: readonly OutboxEvent[]): Promise<readonly number[]> {
    return Promise.all(events.map((event) => this.spools[laneOf[event.kind]].offer(event)));
  }

  connect(more: Partial<LinkSession> = {}): void {
    const session = {
      protocol: '5',
      receiveMaximum: 65_535,
      maximumPacketSize: undefined,
      sharedSubscriptions: true,
      resumed: false,
    } as const;
    this.link.connect({ ...session, ...this.#options.session, ...more });
  }

  /** Lets everything happen that waits for no time and no broker. */
  async settle(): Promise<void> {
    for (let i = 0; i < 5; i += 1) await this.clock.advance(0);
  }

  /** The broker takes so many messages, the oldest first, or all that there are and come. */
  async deliver(messages = Number.POSITIVE_INFINITY): Promise<void> {
    await this.settle();
    for (let i = 0; i < messages && this.link.inFlight > 0; i += 1) {
      this.link.step(0);
      await this.settle();
    }
  }

  /** The centre says how far it is. */
  async acknowledge(): Promise<void> {
    const ack = this.centre.ack();
    if (ack !== undefined) this.drain.acknowledged(ack);
    await this.settle();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.clock.advance(0);
    await this.#running;
  }
}
