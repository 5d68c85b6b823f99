import { z } from 'zod';
import { enrolledState, grant, renewalRequest } from '../../provisioning/contract/enrolment-documents.ts';
import { digest, instant, reason, unitId } from './names.ts';

/**
 * How the certificate of a unit is renewed while nobody goes there: the unit says how old its certificate is and asks for the next one, the
 * centre keeps that for whoever has the authority, and gives the unit the signed answer.
 */

/** What the age of a certificate asks for. */
export const certificateAges = ['not-due', 'due', 'expired'] as const;
export type CertificateAge = (typeof certificateAges)[number];

/**
 * A grant that renews and does nothing else: what a grant says of people, site, configuration and recipients travels by a technician's
 * hand alone, so that a stolen key of the authority gives a unit another certificate and nothing more.
 */
export const renewalGrant = z.strictObject(
  grant.pick({
    schema: true,
    unit: true,
    version: true,
    issued: true,
    certificate: true,
    authorities: true,
    signature: true,
  }).shape,
);
export type RenewalGrant = z.infer<typeof renewalGrant>;

/** What became of a grant that the unit was given. */
export const grantAnswer = z.looseObject({
  sha256: digest.describe('Of the bytes of the grant as they came'),
  at: instant,
  outcome: z.enum(['installed', 'refused']),
  reason: z.string().max(60).optional().describe('Of `refused`: as `GrantRefusal` of enrolment has it'),
  detail: reason.optional().describe('Of `refused`: what was wrong, and what to do'),
});
export type GrantAnswer = z.infer<typeof grantAnswer>;

/** What a unit says of its certificate. */
export const certificateReport = z.looseObject({
  at: instant,
  enrolled: z.looseObject(enrolledState.shape).describe('What is in force: the newest grant'),
  from: instant.describe('Beginning of the certificate in force'),
  due: instant.describe(
    'When this unit asks for the next one: after two thirds of its life, and a share of its own of what is left',
  ),
  age: z.enum(certificateAges),
  session: enrolledState.shape.certificate
    .optional()
    .describe('Serial of the certificate that this session was opened with'),
  request: renewalRequest.optional().describe('While the renewal is due and not granted'),
  answer: grantAnswer.optional().describe('What became of the grant that came last'),
  problem: reason.optional().describe('Why the certificate in force is not the one of the session'),
});
export type CertificateReport = z.infer<typeof certificateReport>;

/** What the centre shows of the certificate of a unit. */
export const renewalView = z.looseObject({
  unit: unitId,
  /** What the unit said last, and when that came. */
  report: certificateReport,
  reported: instant,
  /** The grant that it was given last. */
  grant: z
    .looseObject({
      version: z.int(),
      sha256: digest,
      by: z.string(),
      delivered: instant,
      /** When the broker had it; absent while it waits for one. */
      relayed: instant.optional(),
      /** Absent while the unit has said nothing of it. */
      answer: grantAnswer.optional(),
    })
    .optional(),
});
export type RenewalView = z.infer<typeof renewalView>;
