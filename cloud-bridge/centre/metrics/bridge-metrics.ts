import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { bridgeRefusals } from '../bridge/refusals.ts';

/** Where the figures come from, asked at each scrape. */
export interface BridgeFigures {
  readonly online: boolean;
  readonly connections: number;
  readonly messages: number;
  readonly bytes: number;
  readonly archived: number;
  readonly duplicates: number;
  readonly transactions: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  readonly setAside: number;
  readonly acksSent: number;
  readonly acksLost: number;
  readonly units: number;
  readonly unitsOnline: number;
  readonly configsPending: number;
  readonly commandsPending: number;
  readonly jobsGiven: number;
  readonly jobsPending: number;
  readonly versionReports: number;
  readonly versionReportsRefused: number;
  readonly cosigned: number;
  readonly checkpointsWaiting: number;
  readonly blobsFinished: number;
  readonly blobsUnderWay: number;
  readonly blobBytes: number;
  readonly forwarded: number;
  readonly liveReaders: number;
  readonly trustInForce: boolean;
  readonly trustLeftS: number;
  readonly requests: number;
  /** By reason, of all units: a fleet's ids are no labels. */
  readonly refusedMessages: Readonly<Record<string, number>>;
  readonly refusedRequests: Readonly<Record<string, number>>;
  /** By status. */
  readonly updateEnds: Readonly<Record<string, number>>;
}

type Plain = Exclude<keyof BridgeFigures, 'refusedMessages' | 'refusedRequests' | 'updateEnds'>;

/** Name and meaning of each figure; `_total` only grows. */
const plain: { readonly [F in Plain]: readonly [name: string, help: string] } = {
  online: ['broker_connected', '1 while the broker is there'],
  connections: ['broker_connections_total', 'Connections made to the broker'],
  messages: ['messages_total', 'Messages that came from units'],
  bytes: ['message_bytes_total', 'Bytes of their payloads'],
  archived: ['events_archived_total', 'Events archived'],
  duplicates: ['events_duplicate_total', 'Events that were archived before'],
  transactions: ['archive_transactions_total', 'Transactions of events'],
  waiting: ['events_waiting', 'Events that wait for the archive'],
  waitingBytes: ['events_waiting_bytes', 'Bytes of messages that wait for the archive'],
  setAside: ['events_set_aside_total', 'Events kept aside, since the archive takes others and not them'],
  acksSent: ['acks_total', 'Acknowledgements given to the broker'],
  acksLost: ['acks_lost_total', 'Acknowledgements that the broker did not take'],
  units: ['units', 'Units ever heard of'],
  unitsOnline: ['units_online', 'Units that say that they are there'],
  configsPending: ['configurations_pending', 'Configurations that wait for the broker'],
  commandsPending: ['commands_pending', 'Commands that wait for the broker'],
  jobsGiven: ['update_jobs_total', 'Updates given to units, and taken back'],
  jobsPending: ['update_jobs_pending', 'Updates that wait for the director or the broker'],
  versionReports: ['version_reports_total', 'Version reports that came'],
  versionReportsRefused: ['version_reports_refused_total', 'Version reports that are not believed'],
  cosigned: ['checkpoints_cosigned_total', 'Checkpoints cosigned'],
  checkpointsWaiting: ['checkpoints_waiting', 'Checkpoints whose entries have not come'],
  blobsFinished: ['evidence_files_total', 'Sealed files fetched'],
  blobsUnderWay: ['evidence_files_under_way', 'Sealed files that are being fetched'],
  blobBytes: ['evidence_bytes_total', 'Bytes of sealed files that came'],
  forwarded: ['forwarded_total', 'Messages confirmed by the queues'],
  liveReaders: ['live_readers', 'Readers of live events'],
  trustInForce: ['trust_in_force', '1 while there is a trust document that has not expired'],
  trustLeftS: ['trust_expires_seconds', 'Seconds until the trust document expires; +Inf where it does not'],
  requests: ['requests_total', 'Requests of people'],
};

/** The Prometheus metrics of a bridge; names begin with `atalaya_bridge_`. */
export class BridgeMetrics {
  readonly #registry = new Registry();

  constructor(figures: () => BridgeFigures) {
    for (const [field, [name, help]] of Object.entries(plain) as [Plain, readonly [string, string]][]) {
      const gauge: Gauge = new Gauge({
        ...{ name: `atalaya_bridge_${name}`, help, registers: [this.#registry] },
        collect: () => gauge.set(Number(figures()[field])),
      });
    }
    for (const [field, name, help, known] of reasons) {
      const gauge: Gauge<'reason'> = new Gauge({
        ...{ name: `atalaya_bridge_${name}`, help, labelNames: ['reason'] as const, registers: [this.#registry] },
        collect: () => {
          // Every reason from the first scrape on, so that a rate has a beginning.
          for (const reason of known) gauge.set({ reason }, 0);
          for (const [reason, count] of Object.entries(figures()[field])) gauge.set({ reason }, count);
        },
      });
    }
    const ends: Gauge<'status'> = new Gauge({
      ...{ name: 'atalaya_bridge_updates_ended_total', help: 'Updates that came to an end, by what units say' },
      ...{ labelNames: ['status'] as const, registers: [this.#registry] },
      collect: () => {
        for (const [status, count] of Object.entries(figures().updateEnds)) ends.set({ status }, count);
      },
    });
    collectDefaultMetrics({ register: this.#registry, prefix: 'atalaya_bridge_' });
  }

  /** In the text format that Prometheus scrapes. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Stops measuring. */
  close(): void {
    this.#registry.clear();
  }
}

const reasons = [
  ['refusedMessages', 'messages_refused_total', 'Messages, or events in them, that were refused', bridgeRefusals],
  ['refusedRequests', 'requests_refused_total', 'Requests of people that were refused', []],
] as const;
