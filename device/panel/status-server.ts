import Fastify from 'fastify';
import type { HealthReport } from '../health/contract/health-report.ts';
import { AtalayaError, systemCode } from '../kernel/errors.ts';

export interface StatusSources {
  readonly health: () => HealthReport | Promise<HealthReport>;
  /** Text of the Prometheus exposition format. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface StatusServer {
  /** `host:port` as it was bound: port 0 of `listen` is any free one. */
  readonly address: string;
  /** Ends open connections too. May be called twice. */
  close(): Promise<void>;
}

/** How long a request may take to arrive, in ms: it has no body. */
const requestTimeout = 5000;

/**
 * Serves what may be known of a unit without being anybody: `GET /healthz` (200, or 503 where the unit does not do its work) and
 * `GET /metrics`. Nothing of evidence, plates or configuration, and nothing can be changed here. Throws `usage-invalid` where `listen` is
 * no `host:port`, or where it cannot be bound.
 */
export async function serveStatus(listen: string, sources: StatusSources): Promise<StatusServer> {
  const { host, port } = placeOf(listen);
  const server = Fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout,
    connectionTimeout: requestTimeout,
    keepAliveTimeout: requestTimeout,
    forceCloseConnections: true,
  });
  server.addHook('onSend', async (_, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  });
  server.get('/healthz', async (_, reply) => {
    const report = await sources.health();
    return reply.code(report.status === 'failed' ? 503 : 200).send(report);
  });
  server.get('/metrics', async (_, reply) => {
    const { contentType, text } = await sources.metrics();
    return reply.header('content-type', contentType).send(text);
  });
  server.setNotFoundHandler((_, reply) => reply.code(404).send({ error: 'there is /healthz and /metrics' }));
  // What went wrong inside is no stranger's business; that the state cannot be told is.
  server.setErrorHandler((error, _, reply) => {
    const code = error instanceof Error && 'statusCode' in error && Number(error.statusCode) < 500 ? 400 : 503;
    return reply.code(code).send({ error: code === 400 ? 'this is no request for here' : 'the state cannot be told' });
  });
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw new AtalayaError('usage-invalid', `cannot listen on ${listen}: ${systemCode(error) ?? 'it was refused'}`, {
      hint: 'Choose another address or port for `status.listen`.',
      cause: error,
    });
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
