import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { LinkCredentials } from './link-options.ts';

export interface BrokerAddress {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
}

/** Throws `config-invalid`. */
export function parseBrokerUrl(text: string): BrokerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '')
    throw new AtalayaError('config-invalid', `${text} is no address of a broker such as mqtts://host:8883`);
  const tls = url.protocol === 'mqtts:';
  return { tls, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || (tls ? 8883 : 1883)) };
}

/**
 * A connection with Nagle off, TLS done, the broker's certificate verified. Rejects with the system's and the TLS library's errors, and
 * when the signal is aborted. With TLS 1.3 a broker's refusal of our certificate comes after this, as the first thing that is read.
 */
export function openSocket(
  address: BrokerAddress,
  credentials: LinkCredentials,
  serverName: string | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const { tls, host, port } = address;
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls({
          host,
          port,
          minVersion: 'TLSv1.2',
          ...(credentials.ca === undefined ? {} : { ca: credentials.ca }),
          ...(credentials.cert === undefined ? {} : { cert: credentials.cert }),
          ...(credentials.key === undefined ? {} : { key: credentials.key }),
          ...(serverName !== undefined ? { servername: serverName } : isIP(host) === 0 ? { servername: host } : {}),
        })
      : connectPlain({ host, port });
    socket.setNoDelay(true);
    const settle = () => {
      socket.off('error', failed);
      socket.off('close', closed);
      signal.removeEventListener('abort', aborted);
    };
    const failed = (error: Error) => {
      settle();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const closed = () => failed(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    const aborted = () => failed(new Error('stopped'));
    socket.once('error', failed);
    socket.once('close', closed);
    signal.addEventListener('abort', aborted, { once: true });
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      settle();
      resolve(socket);
    });
    if (signal.aborted) aborted();
  });
}
