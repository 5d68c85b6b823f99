import type { UtcMilliseconds } from '../../../device/kernel/units.ts';
import type { GrantOutcome } from '../../../provisioning/contract/enrolment.ts';
import type { EnrolledState, RenewalRequest } from '../../../provisioning/contract/enrolment-documents.ts';
import type { CertificateAge } from '../../contract/certificate.ts';

/** The certificate in force, and how old it is. */
export interface InForce {
  readonly enrolled: EnrolledState;
  readonly life: { readonly from: UtcMilliseconds; readonly until: UtcMilliseconds };
  /** When this unit asks for the next one. */
  readonly due: UtcMilliseconds;
  readonly plan: { readonly kind: CertificateAge };
}

/** Keys and certificate of a unit, as far as their renewal goes. */
export interface RenewableIdentity {
  /** Undefined before enrolment. */
  certificate(): Promise<InForce | undefined>;
  /** For a new key, the same one until it is granted; signed by the one in force. */
  renewalRequest(): Promise<RenewalRequest>;
  /** Puts a grant in force, all of it or nothing. The grant in force once more is `installed`. Throws the faults of the disk. */
  install(grant: Uint8Array): Promise<GrantOutcome>;
}
