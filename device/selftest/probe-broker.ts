import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '../kernel/clock.ts';
import type { Timer } from '../kernel/timer.ts';
import { milliseconds } from '../kernel/units.ts';
import type { BrokerFacts } from './facts.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface BrokerProbe {
  /** `mqtts://host:port`. */
  readonly url: string;
  /** PEM, as the link uses them. */
  readonly ca?: Uint8Array;
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timer: Timer;
}

const PATIENCE = milliseconds(10_000);
/** With TLS 1.3 a server says after its own handshake that it does not take a client's certificate (RFC 8446, 4.4.2.4): so long is waited for it. */
const SECOND_THOUGHTS = milliseconds(400);

/** Undefined for what is no address of a broker. */
export function brokerAddress(url: string): BrokerAddress | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  const tls = protocol === 'mqtts:' || protocol === 'ssl:' || protocol === 'tls:';
  if (!tls && protocol !== 'mqtt:' && protocol !== 'tcp:') return undefined;
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? (tls ? 8883 : 1883) : Number(port), tls };
}

/**
 * Opens a connection to the broker as far as both sides know each other, and closes it. Not one message of MQTT is said: a second session under
 * the unit's name would take over the first, and what the broker keeps for the unit with it. Never rejects.
 */
export async function probeBroker({ url, ca, cert, key, clock, timer }: BrokerProbe): Promise<BrokerFacts> {
  const address = brokerAddress(url);
  if (address === undefined) return { kind: 'offline', forMs: 0, says: `${url} is no address of a broker.` };
  const begun = clock.monotonic();
  const { host, port, tls } = address;
  const pem = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes));
  const socket: Socket = tls
    ? connectTls({
        host,
        port,
        servername: /[a-z]/i.test(host) ? host : '',
        ca: pem(ca),
        cert: pem(cert),
        key: pem(key),
      })
    : connectPlain({ host, port });
  const done = new AbortController();
  try {
    return await new Promise<BrokerFacts>((resolve) => {
      const offline = (says: string) => resolve({ kind: 'offline', forMs: clock.monotonic() - begun, says });
      socket.on('error', (error) => offline(error.message));
      socket.on('close', () => offline('the broker closed the connection.'));
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        const handshakeMs = clock.monotonic() - begun;
        void timer.sleep(SECOND_THOUGHTS, done.signal).then(() => resolve({ kind: 'reached', handshakeMs }));
      });
      void timer.sleep(PATIENCE, done.signal).then(() => {
        if (!done.signal.aborted) offline(`no answer within ${PATIENCE / 1000} s.`);
      });
    });
  } finally {
    done.abort();
    socket.destroy();
  }
}
