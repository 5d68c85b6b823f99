import { longestEnrolmentDocument } from '../../provisioning/contract/enrolment-documents.ts';
import {
  type EnrolmentAnswer,
  type EnrolmentCall,
  enrolmentRoutes,
} from '../../provisioning/contract/enrolment-routes.ts';
import { type EnrolmentPage, enrolmentPage } from './enrolment-page.ts';
import { type HttpServer, serveHttp } from './http-server.ts';

export interface EnrolmentSources {
  /** What the page shows now. */
  readonly page: () => Promise<EnrolmentPage>;
  /** Answers the technician's program. */
  readonly answer: (call: EnrolmentCall) => Promise<EnrolmentAnswer>;
}

/**
 * Serves a unit's local page for enrolment: `/` for a person, the routes of the contract for the technician's program. Nothing that it
 * serves is secret. Throws `usage-invalid` where `listen` is no `host:port`, or where it cannot be bound.
 */
export function serveEnrolment(listen: string, { page, answer }: EnrolmentSources): Promise<HttpServer> {
  return serveHttp(
    { listen, what: 'the local page', setting: '--listen', longestBody: longestEnrolmentDocument + 1 },
    (server) => {
      server.removeAllContentTypeParsers();
      server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
      server.get('/', async (_, reply) =>
        reply
          .header('content-type', 'text/html; charset=utf-8')
          .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
          .send(enrolmentPage(await page())),
      );
      for (const { path } of Object.values(enrolmentRoutes)) {
        server.route({
          method: ['GET', 'PUT'],
          url: path,
          handler: async ({ method, body }, reply) => {
            const given = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
            const { status, body: text } = await answer({ method, path, body: given });
            return reply.code(status).header('content-type', 'application/json').send(text);
          },
        });
      }
      server.setNotFoundHandler((_, reply) => reply.code(404).send(refusal('not-found', 'the page of this unit is /')));
      server.setErrorHandler((error, _, reply) => {
        const code = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
        return code === 413
          ? reply.code(413).send(refusal('too-long', 'the grant is too long'))
          : reply.code(code < 500 ? 400 : 503).send(refusal('failed', 'the unit cannot answer this; look at its log'));
      });
    },
  );
}

const refusal = (reason: string, detail: string) => ({ reason, detail });
