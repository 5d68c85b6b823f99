import { publicKeyOf } from '../../../../device/kernel/signed/key-id.ts';
import type { UnsignedDocument } from '../../../../device/kernel/signed/signed-document.ts';
import { verifyDocument } from '../../../../device/kernel/signed/verify-document.ts';
import type { StubFleet } from './stub-fleet.ts';

/** Whether the person of the stub signed a document: `signed` or `refused`. */
export function signedBy(fleet: StubFleet, document: unknown): string {
  return verifyDocument(
    document as UnsignedDocument,
    new Map([[fleet.person.id, publicKeyOf(fleet.person.publicPem, 'x')]]),
  ).kind;
}
