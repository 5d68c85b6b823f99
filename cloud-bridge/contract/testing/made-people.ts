import { createPublicKey, type KeyObject } from 'node:crypto';
import { type DocumentSigner, signDocument } from '../../../device/kernel/signed/sign-document.ts';
import { utcMilliseconds } from '../../../device/kernel/units.ts';
import { type Trust, trustSchemaId } from '../acts.ts';
import { openTrust, type People, type TrustTime } from '../people.ts';
import { makePersonKey, signerOf } from '../person-key.ts';
import type { Role } from '../roles.ts';

/** When the people of tests were issued, and an hour later. */
export const issuedAt = Date.UTC(2026, 2, 1, 12);
export const today: TrustTime = { utc: utcMilliseconds(issuedAt + 3_600_000), reliable: true };

/** A person who can sign. */
export interface MadePerson {
  readonly name: string;
  readonly role: Role;
  readonly publicPem: string;
  readonly signer: DocumentSigner;
}

export function makePerson(name: string, role: Role): MadePerson {
  const { privatePem, publicPem } = makePersonKey();
  return { name, role, publicPem, signer: signerOf(privatePem) };
}

export function makeRoot(): { readonly signer: DocumentSigner; readonly publicKey: KeyObject } {
  const { privatePem, publicPem } = makePersonKey();
  return { signer: signerOf(privatePem), publicKey: createPublicKey(publicPem) };
}

/** A trust document over these people, unsigned. */
export function trustOf(people: readonly MadePerson[], version = 1): Omit<Trust, 'signature'> {
  return {
    schema: trustSchemaId,
    version,
    issued: new Date(issuedAt).toISOString(),
    people: people.map(({ name, role, publicPem }) => ({ name, role, publicKey: publicPem })),
  };
}

/** The people as a unit or a centre has them. */
export async function peopleOf(people: readonly MadePerson[], version = 1): Promise<People> {
  const root = makeRoot();
  const document = await signDocument(trustOf(people, version), root.signer);
  return openTrust(JSON.stringify(document), root.publicKey, today);
}
