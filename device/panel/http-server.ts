import Fastify, { type FastifyInstance } from 'fastify';
import { AtalayaError, systemCode } from '../kernel/errors.ts';

export interface HttpServer {
  /** `host:port` as it was bound: port 0 of `listen` is any free one. */
  readonly address: string;
  /** Ends open connections too. May be called twice. */
  close(): Promise<void>;
}

export interface HttpServerOptions {
  /** `host:port`. */
  readonly listen: string;
  /** What is served, for messages. */
  readonly what: string;
  /** What the address is called where it can be changed, for the hint. */
  readonly setting: string;
  /** Longest body that is read, bytes. */
  readonly longestBody: number;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not listen there; ports below 1024 are for root',
};

/** How long a request may take to arrive, in ms. */
const requestTimeout = 5000;

/**
 * Serves what `routes` puts there: bounded in time and bytes, kept by no cache. Throws `usage-invalid` where `listen` is no `host:port`, or
 * where it cannot be bound.
 */
export async function serveHttp(
  { listen, what, setting, longestBody }: HttpServerOptions,
  routes: (server: FastifyInstance) => void,
): Promise<HttpServer> {
  const { host, port } = placeOf(listen);
  const server = Fastify({
    logger: false,
    bodyLimit: longestBody,
    requestTimeout,
    connectionTimeout: requestTimeout,
    keepAliveTimeout: requestTimeout,
    forceCloseConnections: true,
  });
  server.addHook('onSend', async (_, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  });
  routes(server);
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    const code = systemCode(error) ?? '';
    throw new AtalayaError(
      'usage-invalid',
      `cannot listen on ${listen} for ${what}: ${reasons[code] ?? (code || 'it was refused')}`,
      {
        hint: `Choose another address or port for ${setting}.`,
        cause: error,
      },
    );
  }
  const bound = server.addresses()[0];
  const shown = host.includes(':') ? `[${host}]` : host;
  return { address: `${shown}:${typeof bound === 'object' ? bound.port : port}`, close: () => server.close() };
}

function placeOf(listen: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/i.exec(listen) ?? [];
  const [host, port] = [bracketed ?? plain, Number(digits)];
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new AtalayaError('usage-invalid', `${listen} is no host and port`, {
    hint: 'Write it as 127.0.0.1:9464 or [::1]:9464.',
  });
}
