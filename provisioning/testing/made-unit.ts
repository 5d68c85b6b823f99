import { ManualClock } from '../../device/kernel/manual-clock.ts';
import type { Authority } from '../ca/authority.ts';
import { signHolder } from '../ca/sign-holder.ts';
import { readSigningRequest } from '../ca/signing-request.ts';
import type { EnrolledState, Grant } from '../contract/enrolment-documents.ts';
import { composeGrant, type GrantParts } from '../enrol/compose-grant.ts';
import { UnitEnrolment, type UnitEnrolmentOptions } from '../enrol/unit-enrolment.ts';
import type { FolderFiles } from '../identity/folder-files.ts';
import { LinkingFiles } from './linking-files.ts';

export const unitFolder = '/data/identity';

/** A unit on files in memory, open for a claim. */
export function madeUnit(
  files: FolderFiles = new LinkingFiles(),
  more: Partial<UnitEnrolmentOptions> = {},
): UnitEnrolment {
  return new UnitEnrolment({
    folder: unitFolder,
    files,
    clock: new ManualClock(Date.now()),
    serial: async () => ({ serial: '10000000ABCDEF01', from: 'device-tree' }),
    claim: { isOpen: () => true },
    data: '/var/lib/atalaya',
    ...more,
  });
}

export interface GrantOrder {
  readonly unit?: string;
  readonly parts?: GrantParts;
  readonly enrolled?: EnrolledState;
  readonly renews?: boolean;
  readonly days?: number;
}

/** What the technician's program does with a request. */
export async function grantFor(authority: Authority, csr: string, order: GrantOrder = {}): Promise<Grant> {
  const { unit = 'north-1', parts = {}, enrolled, renews = false, days = 365 } = order;
  const request = await readSigningRequest(csr, 'unit');
  const key = await authority.unlock(undefined);
  const signed = await signHolder(authority, key, { kind: 'unit', name: unit, request, days, renews });
  return composeGrant(
    {
      unit,
      chain: signed.chain,
      authorities: authority.authoritiesPem(),
      parts,
      enrolled,
      registered: authority.register.last,
      now: authority.now,
    },
    key,
  );
}
