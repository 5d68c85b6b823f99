import type { KeyObject } from 'node:crypto';
import type { z } from 'zod';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { keyId, publicKeyOf } from '../../device/kernel/signed/key-id.ts';
import { type DocumentSigner, signDocument } from '../../device/kernel/signed/sign-document.ts';
import { toIso, type UtcMilliseconds } from '../../device/kernel/units.ts';
import { type Trust, trust, trustSchemaId } from '../contract/acts.ts';
import { digest } from '../contract/names.ts';
import { faultsOf, readJson } from '../contract/read-json.ts';
import type { Role } from '../contract/roles.ts';
import { fleetProgram } from './program-name.ts';

/** A trust document while it is written: people come and go, then the root key signs it under the next version. */

const trustDraft = trust.extend({ lastSignedBy: digest.optional() });

/**
 * A trust document, signed or not. While it is not, `lastSignedBy` is the id of the root key that signed the version before: units and
 * bridges believe that key alone.
 */
export type TrustDraft = z.infer<typeof trustDraft>;

export const emptyTrust = (now: UtcMilliseconds): TrustDraft => ({
  schema: trustSchemaId,
  version: 1,
  issued: toIso(now),
  people: [],
});

/** Throws `document-refused`. Signed or not. */
export function readTrustDraft(text: string, what: string): TrustDraft {
  const json = readJson(text);
  const read = json.kind === 'json' ? trustDraft.safeParse(json.value) : undefined;
  if (read?.success === true) return read.data;
  const why = read === undefined ? (json.kind === 'refused' ? json.detail : '') : faultsOf(read.error);
  throw new AtalayaError('document-refused', `${what} is no trust document: ${why}`, {
    hint: `Name another --file. ${fleetProgram} trust add begins one where there is none.`,
  });
}

/** Throws `usage-invalid` where the name or the key stands there already, `key-invalid`. */
export function withPerson(
  before: TrustDraft,
  person: { readonly name: string; readonly role: Role; readonly publicKey: string },
): TrustDraft {
  const key = keyId(publicKeyOf(person.publicKey, 'the key of this person'));
  for (const other of before.people) {
    if (other.name === person.name)
      throw refused(
        `${person.name} is in it already`,
        `Remove that entry first (${fleetProgram} trust remove), or give another name.`,
      );
    if (idOf(other.publicKey) === key)
      throw refused(
        `the key is the one of ${other.name}`,
        `A key is one person. Make another one: ${fleetProgram} new-key`,
      );
  }
  return edited({ ...before, people: [...before.people, person] });
}

/** Throws `usage-invalid` where nobody is called so. */
export function withoutPerson(before: TrustDraft, name: string): TrustDraft {
  const people = before.people.filter((person) => person.name !== name);
  if (people.length < before.people.length) return edited({ ...before, people });
  throw refused(`nobody in it is called ${name}`, `The names: ${fleetProgram} trust list`);
}

/**
 * By the root key; what was signed before is signed anew as the next version. Throws `key-wrong` where another root key signed the
 * version before, unless `newRoot` says that this is meant.
 */
export async function signTrust(
  draft: TrustDraft,
  { now, expires, newRoot = false }: SignTrust,
  root: DocumentSigner,
): Promise<Trust> {
  const { expires: _, lastSignedBy, ...body } = edited(draft);
  if (lastSignedBy !== undefined && lastSignedBy !== root.id && !newRoot) {
    const [before, is] = [lastSignedBy.slice(0, 16), root.id.slice(0, 16)];
    throw new AtalayaError(
      'key-wrong',
      `the version before was signed by the root key ${before}, and this one is ${is}: every unit and bridge that has the first would refuse the document`,
      {
        hint: 'Sign with that root key. Where it is lost or no longer safe, say --new-root, and give the new public root key to every unit and every bridge by hand.',
      },
    );
  }
  return signDocument({ ...body, issued: toIso(now), ...(expires === undefined ? {} : { expires }) }, root);
}

export interface SignTrust {
  readonly now: UtcMilliseconds;
  /** ISO 8601. */
  readonly expires?: string;
  /** Another root key than the one before may sign. */
  readonly newRoot?: boolean;
}

/** Whether another root key than that of this signer signed the version before. */
export function hasOtherRoot({ lastSignedBy, signature }: TrustDraft, { id }: DocumentSigner): boolean {
  const before = signature?.key ?? lastSignedBy;
  return before !== undefined && before !== id;
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
function edited({ signature, ...body }: TrustDraft): TrustDraft {
  if (signature === undefined) return body;
  return { ...body, version: body.version + 1, lastSignedBy: signature.key };
}

function refused(why: string, hint: string): AtalayaError {
  return new AtalayaError('usage-invalid', `the trust document stays as it is: ${why}`, { hint });
}
