import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Trust } from '../../contract/acts.ts';
import { mayDo, notAllowedWords, type Permission } from '../../contract/roles.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import { idOf } from '../../fleet/trust-draft.ts';
import type { Session } from './session.ts';

/**
 * Whether this person may do what is asked, by the trust document of the centre: before an editor is opened, a question asked, or it is
 * said that nothing is to be done. The centre judges every request again. `what`: what is to be done, where the permission has another
 * name. The document comes out. Throws `act-refused`.
 */
export async function requirePermission(
  { client, signer, io }: Session,
  permission: Permission,
  what?: string,
): Promise<Trust> {
  const { trust } = await client.call('trust', { parameters: {} }, io.signal);
  const person = trust.people.find(({ publicKey }) => idOf(publicKey) === signer.id);
  if (person !== undefined && mayDo(person.role, permission)) return trust;
  const why =
    person === undefined
      ? `the trust document of the centre does not name the key ${signer.id.slice(0, 16)}`
      : notAllowedWords(person, permission, what);
  throw new AtalayaError('act-refused', `not-allowed: ${why}`, {
    hint: `Have somebody do it whose role allows it. Who that is: ${fleetProgram} trust list`,
  });
}
