import type { HealthReport } from '../health/contract/health-report.ts';
import { type HttpServer, serveHttp } from './http-server.ts';

export interface StatusSources {
  readonly health: () => HealthReport | Promise<HealthReport>;
  /** Text of the Prometheus exposition format. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

/**
 * Serves what may be known of a unit without being anybody: `GET /healthz` (200, or 503 where the unit does not do its work) and
 * `GET /metrics`. Nothing of evidence, plates or configuration, and nothing can be changed here. Throws `usage-invalid` where `listen` is
 * no `host:port`, or where it cannot be bound.
 */
export function serveStatus(listen: string, sources: StatusSources): Promise<HttpServer> {
  return serveHttp({ listen, what: 'health and metrics', setting: '`status.listen`', longestBody: 1024 }, (server) => {
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
      return reply
        .code(code)
        .send({ error: code === 400 ? 'this is no request for here' : 'the state cannot be told' });
    });
  });
}
