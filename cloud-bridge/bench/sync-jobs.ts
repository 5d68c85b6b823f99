import { runInProcess } from '../../device/bench/job-process.ts';

/** What is measured in a process of its own, so that neither clients nor figures share one with whoever asks. */

/** Certificates, PEM, and where the broker is. */
export interface ClientPlace {
  readonly url: string;
  readonly unit: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export type Job =
  /** QoS 1 messages of one event each, so many unacknowledged at a time; `events` of them, or as many as `ms` milliseconds let through. */
  | {
      readonly kind: 'bare';
      readonly place: ClientPlace;
      readonly window: number;
      readonly events: number;
      readonly ms?: number;
    }
  /** Units with queues that are full: from the moment at which all are let go until the centre has acknowledged the last event. */
  | {
      readonly kind: 'drain';
      readonly places: readonly ClientPlace[];
      readonly folder: string;
      readonly events: number;
    }
  /** A simulated fleet at a broker that runs. */
  | {
      readonly kind: 'fleet';
      readonly url: string;
      readonly certificates: string;
      readonly folder: string;
      readonly units: number;
      readonly rate: number;
      readonly minutes: number;
    };

export interface JobResults {
  readonly bare: { readonly events: number; readonly ms: number };
  readonly drain: {
    readonly events: number;
    readonly ms: number;
    readonly sentMessages: number;
    readonly sentBytes: number;
    readonly resentEvents: number;
    /** Growth of the process while it drained. */
    readonly grownBytes: number;
  };
  readonly fleet: {
    readonly settled: boolean;
    readonly offered: number;
    readonly acknowledged: number;
    readonly resentEvents: number;
    readonly reconnects: number;
    readonly bytesPerUnit: number;
    readonly cpuPerUnit: number;
    readonly lastedMs: number;
  };
}

/** Nothing that is measured takes so long. */
const deadline = 15 * 60_000;

/** Rejects with `internal` and the reason where the job fails. */
export function runJob<J extends Job>(job: J): Promise<JobResults[J['kind']]> {
  return runInProcess(new URL('./sync-worker.ts', import.meta.url), job, deadline);
}
