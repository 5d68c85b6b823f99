import type { Clock } from '../../device/kernel/clock.ts';
import type { Backoff, Random } from '../../device/kernel/supervise.ts';
import type { Timer } from '../../device/kernel/timer.ts';
import type { Milliseconds, Seconds } from '../../device/kernel/units.ts';

/** QoS 1 messages that a broker may send before one is acknowledged, unless the options say otherwise. */
export const usualWindow = 64;

/** What the broker says of us when we are lost without a leave-taking. At QoS 1. */
export interface LinkWill {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
}

/** PEM. */
export interface LinkCredentials {
  /** The authorities that a broker's certificate is trusted by. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export interface LinkOptions extends LinkCredentials {
  /** `mqtts://host:port`; `mqtt://host:port` without TLS, for tests. Without a port 8883 and 1883. */
  readonly url: string;
  readonly clientId: string;
  /** Name in the broker's certificate, where it is not the host of `url`. */
  readonly serverName?: string;
  /** `auto`: 5, and 3.1.1 with a broker that does not speak 5. */
  readonly protocol: 'auto' | '5' | '3.1.1';
  /** Silence after which the broker is asked whether it is there; after half as much more the connection is given up. */
  readonly keepAlive: Seconds;
  /** How long the broker keeps subscriptions and queue of a lost connection; 0: not at all. 3.1.1 knows only 0 and for ever. */
  readonly sessionExpiry: Seconds;
  /**
   * QoS 1 messages that the broker may send before one is acknowledged: told to it with MQTT 5. Of a broker that sends more bytes than
   * such a window is good for (320 KiB a place, 16 MiB at the least) the connection is ended. 64 where absent.
   */
  readonly receiveMaximum?: number;
  readonly will?: LinkWill;
  readonly backoff: Backoff;
  /** For a connection until the broker has let us in, and for each answer to a subscription. */
  readonly connectDeadline: Milliseconds;
  /**
   * For each of the two answers of a leave-taking: to the last message and to the DISCONNECT. One second where absent. A broker that is
   * frozen must not hold an end up; after it the connection is broken off.
   */
  readonly leaveDeadline?: Milliseconds;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  /** Asked at each connection, so that renewed files are used; in place of `ca`, `cert` and `key`. What it throws is a reason to be offline. */
  readonly credentials?: () => Promise<LinkCredentials>;
}
