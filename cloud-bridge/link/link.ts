import type { AtalayaError } from '../../device/kernel/errors.ts';

/** What the broker granted. */
export interface LinkSession {
  /** 5, or 3.1.1 where the broker does not speak 5. */
  readonly protocol: '5' | '3.1.1';
  /** QoS 1 messages that the broker takes before it has acknowledged one (MQTT 5, 3.3.4); 65535 where it does not say. */
  readonly receiveMaximum: number;
  /** Bytes of the longest packet; undefined where the broker does not say. */
  readonly maximumPacketSize: number | undefined;
  /** `$share/...` works (MQTT 5, 3.2.2.3.13). Undefined where the broker does not say. */
  readonly sharedSubscriptions: boolean | undefined;
  /** The broker kept what was subscribed and queued for us. */
  readonly resumed: boolean;
}

export type LinkState =
  | { readonly kind: 'online'; readonly session: LinkSession }
  /** `fault` says why, in words for a technician: refused certificate, unknown host, broker gone. */
  | { readonly kind: 'offline'; readonly fault: AtalayaError | undefined };

export interface Arrival {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retained: boolean;
  readonly duplicate: boolean;
}

export interface LinkHandlers {
  /** After each connection, subscriptions made. What it throws ends the connection, and is tried again. */
  readonly online: (session: LinkSession) => void | Promise<void>;
  /** At the end of each session, and at each new reason for there being none. Undefined: we took leave. */
  readonly offline: (fault: AtalayaError | undefined) => void;
  /**
   * One after the other, never before `online` was called; the broker's acknowledgement waits for it, and so does the next message. It may
   * publish and wait for that. It does not throw for what is in a message: hostile input is counted there. What it throws all the same
   * ends the connection, and a broker that keeps our session sends the message again.
   */
  readonly arrived: (arrival: Arrival) => void | Promise<void>;
}

/**
 * A connection to a broker that is kept up: lost, it is made again after a wait that grows and is drawn at random, for ever, until closed.
 * It keeps nothing: what was not acknowledged when the connection was lost is rejected, and whoever published it offers it again.
 */
export interface Link {
  readonly state: LinkState;
  /** Messages that are published and not acknowledged. */
  readonly inFlight: number;
  /**
   * Resolves when the broker has acknowledged (QoS 1) or the socket has taken it (QoS 0). Rejects with `link-down` where there is no
   * connection or it is lost meanwhile, `link-refused` where the broker refuses this message for good.
   */
  publish(
    topic: string,
    payload: Buffer | string,
    options: { readonly qos: 0 | 1; readonly retain?: boolean },
  ): Promise<void>;
  /** Takes effect at once where online, and at each connection. */
  subscribe(filters: readonly string[]): Promise<void>;
  unsubscribe(filters: readonly string[]): Promise<void>;
  /** Publishes nothing more, takes leave with a DISCONNECT after `last` was published where it is given, and ends. May be called twice. */
  close(last?: { readonly topic: string; readonly payload: string; readonly retain: boolean }): Promise<void>;
}
