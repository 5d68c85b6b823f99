import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { idOf } from '../../fleet/trust-draft.ts';
import type { Session } from './session.ts';

/** Names of the people whom the centre trusts, by the id of their key; none where the centre does not say. For display only. */
export async function namesOf({ client, io }: Session): Promise<ReadonlyMap<string, string>> {
  try {
    const { trust } = await client.call('trust', { parameters: {} }, io.signal);
    return new Map(trust.people.map(({ name, publicKey }) => [idOf(publicKey) ?? '', name]));
  } catch (error) {
    if (isAtalayaError(error, 'act-refused')) return new Map();
    throw error;
  }
}
