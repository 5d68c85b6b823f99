import type { Lane } from '../contract/outbox.ts';

/** A unit by its name, and what it is connected through: each has a line of its own to the broker, and so has the bridge. */
export type Station = 'bridge' | `unit-${number}`;
/** A process. */
export type Party = 'broker' | Station;

/** What is done to the parts. Times in milliseconds. */
export type Fault =
  /** SIGKILL, and started again on its folder after `ms`. */
  | { readonly kind: 'kill'; readonly party: Station; readonly ms: number }
  /** The same; `forgetful`: without the file in which it keeps sessions, queues and retained messages. */
  | { readonly kind: 'kill-broker'; readonly forgetful: boolean; readonly ms: number }
  /** SIGSTOP, and SIGCONT after `ms`. */
  | { readonly kind: 'freeze'; readonly party: Party; readonly ms: number }
  /** A reset of the connection. */
  | { readonly kind: 'cut'; readonly line: Station }
  /** A reset after so many further bytes towards the broker or from it: in the middle of a message. */
  | { readonly kind: 'cut-mid-message'; readonly line: Station; readonly way: 'up' | 'down'; readonly bytes: number }
  /** Nothing comes through, and nobody is told. */
  | { readonly kind: 'line-down'; readonly line: Station; readonly ms: number }
  /** Each byte is later by `delayMs`, give or take `jitterMs`. */
  | {
      readonly kind: 'delay';
      readonly line: Station;
      readonly delayMs: number;
      readonly jitterMs: number;
      readonly ms: number;
    }
  /** Packets are lost. */
  | { readonly kind: 'loss'; readonly line: Station; readonly percent: number; readonly ms: number }
  /** No more than so many kilobits a second in each direction. */
  | { readonly kind: 'rate'; readonly line: Station; readonly kbit: number; readonly ms: number }
  /** So many events of a lane at once. */
  | { readonly kind: 'burst'; readonly unit: Station; readonly lane: Lane; readonly count: number };

/** A fault, and when it begins: milliseconds since the plan did. */
export interface PlannedFault {
  readonly at: number;
  readonly fault: Fault;
}

/** Milliseconds that a fault lasts; 0 for one that is over at once. */
export const lastingOf = (fault: Fault): number => ('ms' in fault ? fault.ms : 0);

/** A fault as it is counted in the account. */
export function nameOf(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return fault.party === 'bridge' ? 'bridge killed' : 'unit killed';
    case 'kill-broker':
      return fault.forgetful ? 'broker killed, all forgotten' : 'broker killed';
    case 'freeze':
      return fault.party === 'broker' || fault.party === 'bridge' ? `${fault.party} frozen` : 'unit frozen';
    case 'cut':
      return 'link cut';
    case 'cut-mid-message':
      return 'link cut in a message';
    case 'line-down':
      return 'link down';
    case 'delay':
      return 'link delayed';
    case 'loss':
      return 'packets lost';
    case 'rate':
      return 'link slowed';
    case 'burst':
      return `burst of ${fault.lane}`;
  }
}
