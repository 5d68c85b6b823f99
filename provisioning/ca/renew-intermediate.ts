import { X509Certificate } from 'node:crypto';
import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { utcMilliseconds } from '../../device/kernel/units.ts';
import { type Authority, keyFileOf, lifeOf } from './authority.ts';
import { makeAuthorityKey, readAuthorityKey, writeAuthorityKey } from './authority-key.ts';
import { makeIntermediateCertificate } from './certificates.ts';
import type { AuthorityRecord } from './register.ts';

export interface RenewalPlan {
  /** File of the root's key. */
  readonly rootKey: string;
  /** Of the root's key. */
  readonly rootPassphrase: string | undefined;
  /** Of the key that signs now, and of the new one. */
  readonly passphrase: string | undefined;
  readonly days: number;
  /** The old authority is not to be believed any more: its key was stolen. Everything that it signed is refused from the next list on. */
  readonly retire: boolean;
}

/**
 * Puts a new authority below the root, which signs from now on; what the old one signed stays good until it expires, unless it is
 * retired. Throws `key-missing`, `key-wrong`, `key-mismatch`, `authority-expired`, `store-full`, `store-failed`.
 */
export async function renewIntermediate(authority: Authority, plan: RenewalPlan): Promise<AuthorityRecord> {
  const { register, now, tools, current } = authority;
  const text = await readWholeFile(tools.files, plan.rootKey);
  if (text === undefined) {
    throw new AtalayaError('key-missing', `the root's key is not at ${plan.rootKey}`, {
      hint: 'Mount the stick that it lies on, and name its folder with --root.',
    });
  }
  const rootKey = readAuthorityKey(text.toString(), plan.rootPassphrase, "the root's key");
  if (rootKey.fingerprint !== authority.rootFingerprint) {
    throw new AtalayaError('key-mismatch', `the key at ${plan.rootKey} is not the one of this authority's root`, {
      hint: 'Name the folder that ca init wrote the root key to.',
    });
  }
  const rootEnds = utcMilliseconds(Date.parse(new X509Certificate(authority.root).validTo));
  if (rootEnds <= now) authority.checkAlive();
  // A mistyped passphrase must not become the one of the new key.
  await authority.unlock(plan.passphrase);
  const key = makeAuthorityKey();
  const life = lifeOf(now, plan.days, rootEnds);
  const serial = authority.newSerial();
  const name = `${authority.name}, authority ${register.generations + 1}`;
  const pem = await makeIntermediateCertificate({ pem: authority.root, key: rootKey }, key, { name, serial, life });
  const content = Buffer.from(writeAuthorityKey(key, plan.passphrase));
  await writeWholeFile(tools.files, authority.at(keyFileOf(key.fingerprint)), content);
  const record = { kind: 'authority', fingerprint: key.fingerprint, serial, pem, ...life, at: now } as const;
  await register.append(
    record,
    ...(plan.retire ? [{ kind: 'retired', fingerprint: current.fingerprint, at: now } as const] : []),
  );
  await authority.settle();
  return record;
}
