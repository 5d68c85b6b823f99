import { z } from 'zod';
import type { UnitIdentity } from './enrolment.ts';
import {
  type BrokerInForce,
  brokerInForce,
  type EnrolledState,
  type EnrolmentRequest,
  enrolledState,
  enrolmentRequest,
  grant,
  type SceneInForce,
  sceneInForce,
  unitIdentity,
} from './enrolment-documents.ts';

/**
 * What a unit serves to the technician's program on its local network. Plain HTTP: nothing secret goes over it, the request is
 * authenticated by the fingerprint that a person compares, and the grant by its signature.
 */
export const enrolmentRoutes = {
  identity: { method: 'GET', path: '/enrol/identity' },
  request: { method: 'GET', path: '/enrol/request' },
  grant: { method: 'PUT', path: '/enrol/grant' },
} as const;
export type EnrolmentRoute = keyof typeof enrolmentRoutes;

/** A refusal, of any route: what happened and what to do, for a person. */
export const enrolmentRefusal = z.strictObject({
  reason: z.string().max(60),
  detail: z.string().max(2000),
});
export type EnrolmentRefusal = z.infer<typeof enrolmentRefusal>;

/** Bodies of the answers with status 200. */
export const enrolmentAnswers = {
  identity: unitIdentity,
  request: enrolmentRequest,
  grant: z.strictObject({ enrolled: enrolledState, scene: sceneInForce.optional(), broker: brokerInForce.optional() }),
} as const;

/** The same as types. */
export interface EnrolmentAnswers {
  readonly identity: UnitIdentity;
  readonly request: EnrolmentRequest;
  readonly grant: {
    readonly enrolled: EnrolledState;
    readonly scene?: SceneInForce | undefined;
    readonly broker?: BrokerInForce | undefined;
  };
}

/** Body of `grant`. */
export const enrolmentBody = grant;

/** What reaches `handleEnrolment` of a request. */
export interface EnrolmentCall {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly body: Uint8Array;
}

/** What goes back, as JSON. */
export interface EnrolmentAnswer {
  readonly status: 200 | 400 | 403 | 404 | 405 | 409 | 413 | 507;
  /** JSON. */
  readonly body: string;
}
