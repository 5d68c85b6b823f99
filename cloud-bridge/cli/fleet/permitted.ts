import { AtalayaError } from '../../../device/kernel/errors.ts';
import { mayDo, type Permission } from '../../contract/roles.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { idOf } from '../../fleet/trust-draft.ts';
import type { Session } from './session.ts';

/**
 * Whether this person may do what is asked, by the trust document of the centre: before an editor is opened, a question asked, or it is
 * said that nothing is to be done. The centre judges every request again. Throws `act-refused`.
 */
export async function requirePermission({ client, signer, io }: Session, permission: Permission): Promise<void> {
  const { trust } = await client.call('trust', { parameters: {} }, io.signal);
  const person = trust.people.find(({ publicKey }) => idOf(publicKey) === signer.id);
  if (person !== undefined && mayDo(person.role, permission)) return;
  const why =
    person === undefined
      ? `the trust document of the centre does not name the key ${signer.id.slice(0, 16)}`
      : `the role ${person.role} of ${person.name} has no permission ${permission}`;
  throw new AtalayaError('act-refused', `not-allowed: ${why}`, {
    hint: `Have somebody do it whose role allows it. Who that is: ${fleetProgram} trust list`,
  });
}
