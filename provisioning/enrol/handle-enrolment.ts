import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Enrolment, GrantRefusal } from '../contract/enrolment.ts';
import { longestEnrolmentDocument } from '../contract/enrolment-documents.ts';
import {
  type EnrolmentAnswer,
  type EnrolmentCall,
  type EnrolmentRoute,
  enrolmentRoutes,
} from '../contract/enrolment-routes.ts';

/** What each refusal of a grant is to HTTP. */
const refusals: Readonly<Record<GrantRefusal, EnrolmentAnswer['status']>> = {
  malformed: 400,
  'not-signed': 403,
  untrusted: 403,
  closed: 403,
  'other-key': 409,
  'other-unit': 409,
  older: 409,
  expired: 409,
  'configuration-invalid': 409,
};

const works: Readonly<Record<EnrolmentRoute, (enrolment: Enrolment, body: Uint8Array) => Promise<EnrolmentAnswer>>> = {
  identity: async (enrolment) => good(await enrolment.identity()),
  request: async (enrolment) => good(await enrolment.request()),
  grant: async (enrolment, body) => {
    const outcome = await enrolment.install(body);
    if (outcome.kind === 'installed') {
      const { enrolled, scene, broker } = outcome;
      return good({ enrolled, scene, broker });
    }
    return bad(refusals[outcome.reason], outcome.reason, outcome.detail);
  },
};

/**
 * Answers a call of the technician's program; whoever serves HTTP hands it over and sends the answer back as `application/json`. Faults of
 * the store are answers with what to do; any other fault is thrown.
 */
export async function handleEnrolment(
  enrolment: Enrolment,
  { method, path, body }: EnrolmentCall,
): Promise<EnrolmentAnswer> {
  const named = (Object.keys(enrolmentRoutes) as EnrolmentRoute[]).find(
    (route) => enrolmentRoutes[route].path === path,
  );
  if (named === undefined) return bad(404, 'not-found', 'there is nothing here');
  if (enrolmentRoutes[named].method !== method) return bad(405, 'method', `ask with ${enrolmentRoutes[named].method}`);
  if (body.byteLength > longestEnrolmentDocument) return bad(413, 'too-long', 'the grant is too long');
  try {
    return await works[named](enrolment, body);
  } catch (error) {
    if (!(error instanceof AtalayaError)) throw error;
    return bad(507, error.code, error.hint === undefined ? error.message : `${error.message}. ${error.hint}`);
  }
}

const good = (value: unknown): EnrolmentAnswer => ({ status: 200, body: `${JSON.stringify(value)}\n` });
const bad = (status: EnrolmentAnswer['status'], reason: string, detail: string): EnrolmentAnswer => ({
  status,
  body: `${JSON.stringify({ reason, detail: detail.slice(0, 2000) })}\n`,
});
