import type { Milliseconds } from '../../device/kernel/units.ts';
import type { JobUpdate } from '../../ota/contract/job.ts';
import type { VersionReport } from '../../ota/contract/version-report.ts';
import type { Reply } from '../contract/acts.ts';
import type { OutboxEvent } from '../contract/outbox.ts';
import type { Reported } from '../contract/state.ts';
import type { Inboxes } from '../unit-end/unit-end.ts';

/** What a simulated unit does for whoever obeys in its name. */
export interface UnitBody {
  /** What became of a configuration: said now, and at each connection. */
  report(reported: Reported): void;
  /** Rejects with `link-down` where it did not get through. */
  reply(reply: Reply): Promise<void>;
  /** Rejects with `link-down`. */
  block(evidence: string, file: string, block: number, content: Uint8Array): Promise<void>;
  stateChanged(): void;
  /** How far an update has got, and what the unit runs: said now, and at each connection. */
  updateSaid(update: JobUpdate): void;
  versionsSaid(report: VersionReport): void;
  /** Begins anew, in a moment: leaves the broker, has `restarted` do what a start does, and comes back. Not waited for. */
  restart(): void;
  /** Figures so often, for so long. */
  diagnose(time: Milliseconds, every: Milliseconds): void;
  /** What it has done since a moment of the monotonic clock. */
  did(since: Milliseconds): { readonly brokerReached: boolean; readonly framesSeen: boolean };
}

/** What people at the centre ask of a unit, obeyed. None of it throws but `close`. */
export interface Obedience extends Pick<Inboxes, 'desired' | 'command' | 'evidenceGet'> {
  /** What it adds to what the unit says of itself. */
  readonly state: {
    readonly configuration?: Reported['inForce'];
    readonly flags?: Readonly<Record<string, boolean>>;
  };
  /** Whether the configuration in force has events of this kind sent. */
  sends(kind: OutboxEvent['kind']): boolean;
  /** Share of what passes that it sees. */
  readonly sees: number;
  /** There may be an update. */
  notified(): void;
  /** A connection stands. */
  online(): void;
  /** A configuration is on trial, and `tick` to be called more often. */
  readonly onTrial: boolean;
  /** To be called every second or two: deadlines. */
  tick(): Promise<void>;
  /** Does what a start does, with what is on the disk. */
  restarted(): Promise<void>;
  /** Rejects with the faults of the disk. */
  close(): Promise<void>;
}

/** A unit that nobody has anything to say to. */
export const deaf: Obedience = {
  state: {},
  onTrial: false,
  sees: 1,
  notified: () => {},
  sends: () => true,
  desired: async () => {},
  command: async () => {},
  evidenceGet: async () => {},
  online: () => {},
  tick: async () => {},
  restarted: async () => {},
  close: async () => {},
};
