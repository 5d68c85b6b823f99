import type { KeyObject } from 'node:crypto';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { keyId, publicKeyOf } from '../../device/kernel/signed/key-id.ts';
import { type DocumentSigner, signDocument } from '../../device/kernel/signed/sign-document.ts';
import { toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import { type Trust, trust, trustSchemaId } from '../contract/acts.ts';
import { faultsOf, readJson } from '../contract/read-json.ts';
import type { Role } from '../contract/roles.ts';

/** A trust document while it is written: people come and go, then the root key signs it under the next version. */

export const emptyTrust = (now: UtcMilliseconds): Trust => ({
  schema: trustSchemaId,
  version: 1,
  issued: toIso(now),
  people: [],
});

/** Throws `document-refused`. Signed or not. */
export function readTrustDraft(text: string, what: string): Trust {
  const json = readJson(text);
  const read = json.kind === 'json' ? trust.safeParse(json.value) : undefined;
  if (read?.success === true) return read.data;
  const why = read === undefined ? (json.kind === 'refused' ? json.detail : '') : faultsOf(read.error);
  throw new AtalayaError('document-refused', `${what} is no trust document: ${why}`, {
    hint: 'trust add begins one where there is none.',
  });
}

/** Throws `usage-invalid` where the name or the key stands there already, `key-invalid`. */
export function withPerson(
  before: Trust,
  person: { readonly name: string; readonly role: Role; readonly publicKey: string },
): Trust {
  const key = keyId(publicKeyOf(person.publicKey, 'the key of this person'));
  for (const other of before.people) {
    if (other.name === person.name)
      throw refused(`${person.name} is in it already`, 'Remove that entry first, or give another name.');
    if (idOf(other.publicKey) === key)
      throw refused(`the key is the one of ${other.name}`, 'A key is one person: make another one with new-key.');
  }
  return edited({ ...before, people: [...before.people, person] });
}

/** Throws `usage-invalid` where nobody is called so. */
export function withoutPerson(before: Trust, name: string): Trust {
  const people = before.people.filter((person) => person.name !== name);
  if (people.length < before.people.length) return edited({ ...before, people });
  throw refused(`nobody in it is called ${name}`, 'trust list shows the names.');
}

/** By the root key; what was signed before is signed anew as the next version. */
export async function signTrust(
  draft: Trust,
  times: { readonly now: UtcMilliseconds; readonly expires?: string },
  root: DocumentSigner,
): Promise<Trust> {
  const { expires: _, ...body } = edited(draft);
  const { now, expires } = times;
  return signDocument({ ...body, issued: toIso(now), ...(expires === undefined ? {} : { expires }) }, root);
}

/** Hexadecimal id of a person's key; undefined for what is no key. */
export function idOf(publicKey: string): string | undefined {
  let key: KeyObject;
  try {
    key = publicKeyOf(publicKey, 'a key');
  } catch {
    return undefined;
  }
  return keyId(key);
}

/** What bears a signature is of its version for ever: what is written on it becomes the next one. */
function edited({ signature, ...body }: Trust): Trust {
  return signature === undefined ? body : { ...body, version: body.version + 1 };
}

function refused(why: string, hint: string): AtalayaError {
  return new AtalayaError('usage-invalid', `the trust document stays as it is: ${why}`, { hint });
}
