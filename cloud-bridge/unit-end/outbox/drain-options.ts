import type { Clock } from '../../../device/kernel/clock.ts';
import type { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import type { Milliseconds } from '../../../device/kernel/units.ts';
import type { LaneSource } from '../../contract/lane-source.ts';
import type { Lane } from '../../contract/outbox.ts';
import type { Link } from '../../link/link.ts';
import type { DataBudget } from './data-budget.ts';

export interface DrainOptions {
  readonly unit: string;
  readonly link: Pick<Link, 'publish' | 'inFlight'>;
  readonly sources: Readonly<Record<Lane, LaneSource>>;
  /** Messages in flight at the broker; the broker may allow fewer. */
  readonly window: number;
  /** Places of the broker's window that are left to whoever else publishes: state, replies, evidence. 2 where absent; never the last one. */
  readonly spared?: number;
  readonly budget: DataBudget;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /**
   * What the broker took and the centre has not acknowledged for so long is sent again; the wait doubles each time, up to 32 times this. The
   * first time everything is; from then on one event of the lane, until the centre acknowledges or refuses something of the lane.
   */
  readonly resendAfter: Milliseconds;
  /** Bytes of a lane that were sent and that the centre has not acknowledged: what is sent again after a loss at most. 4 MiB where absent. */
  readonly unacknowledgedBytes?: number;
  /** The centre will not take this event, ever. Told once for each, in a run; the lane goes on behind it. */
  readonly onRefused: (lane: Lane, sequence: number, reason: string) => void;
  /** A lane cannot go on for now: its queue cannot be read, or the broker refuses its messages. It is tried again; the others go on. */
  readonly onFault: (lane: Lane, fault: AtalayaError) => void;
}

/** Since the drain was made. */
export interface DrainFigures {
  /** Events that the centre has not acknowledged. */
  readonly queued: Readonly<Record<Lane, number>>;
  readonly sentMessages: number;
  /** Topics and payloads. */
  readonly sentBytes: number;
  readonly sentEvents: number;
  /** Of these, events that had been sent before. */
  readonly resentEvents: number;
  /** Telemetry that was passed over to save data. */
  readonly thinned: number;
  /** Events that the centre will not take. */
  readonly refused: number;
  /** Acknowledgements of another numbering, or of what was never there. */
  readonly ignoredAcks: number;
  /** Messages at the broker, and their bytes. */
  readonly inFlight: number;
  readonly inFlightBytes: number;
}
