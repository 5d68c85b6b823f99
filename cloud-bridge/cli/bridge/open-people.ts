import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { PeopleKeeper } from '../../centre/api/people-keeper.ts';
import type { Archive } from '../../centre/archive/archive.ts';
import type { BridgeConfig } from './bridge-config.ts';
import { needed } from './needed-file.ts';

/**
 * Who may ask what of this bridge. A document that has expired is taken as well, and trusts nobody: archiving needs nobody's trust, and a
 * start must not fail for a date. Throws `key-missing`, `key-invalid`, and `document-refused` where the document does not hold for another
 * reason and none was in use before.
 */
export async function openPeople(
  config: BridgeConfig,
  archive: Archive,
  clock: Clock,
  log: Log,
): Promise<PeopleKeeper> {
  const { rootKey, document } = config.trust;
  const people = new PeopleKeeper(archive, rootKey === undefined ? undefined : await rootOf(rootKey), clock);
  if (document !== undefined) {
    try {
      await people.accept((await needed(document, 'trust.document')).toString(), 'taken');
    } catch (error) {
      // A newer one that was presented since is no reason to stay away.
      if (!isAtalayaError(error, 'document-refused') || (await people.standing()).kind === 'none') throw error;
      log.warn({ part: 'bridge', error }, 'the trust document of the configuration is not taken; the one in use stays');
    }
  }
  const standing = await people.standing();
  if (standing.kind !== 'in-force') {
    log.warn({ part: 'bridge' }, `nobody may ask anything of this bridge: ${standing.detail}`);
  }
  return people;
}

async function rootOf(path: string): Promise<KeyObject> {
  const pem = (await needed(path, 'trust.rootKey')).toString();
  // A public key could be made of it; but then the one key that decides who may do what lies on a machine that is always on.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new AtalayaError('key-invalid', `${path} is a private key; a bridge is given the public root key`, {
      hint: 'Name the file with the public key (NAME.public.pem beside NAME.pem) in trust.rootKey, and take the private one off this machine.',
    });
  }
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new AtalayaError('key-invalid', `${path} is no Ed25519 public key in PEM`, {
    hint: 'trust.rootKey names the public root key that atalaya-fleet new-root made.',
  });
}
