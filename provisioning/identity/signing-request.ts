import { der, pemBlock } from './der.ts';

const commonName = '2.5.4.3';
const serialNumber = '2.5.4.5';
const ecdsaWithSha256 = '1.2.840.10045.4.3.2';

export interface RequestSubject {
  /** Serial of the board. */
  readonly serial: string;
  /** Name of the unit, once it has one. */
  readonly unit?: string;
}

/** What a request is signed with: a key in a file, or one in a TPM. */
export interface RequestSigner {
  /** SubjectPublicKeyInfo, DER, of a P-256 key. */
  readonly spki: Uint8Array;
  /** ECDSA with SHA-256, ASN.1 DER. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A PKCS#10 request (RFC 2986), PEM. The serial stands in the subject's `serialNumber`; its CN is the unit's name, where it has one. */
export async function makeSigningRequest({ serial, unit }: RequestSubject, signer: RequestSigner): Promise<string> {
  const subject = der.sequence(
    ...(unit === undefined ? [] : [attribute(commonName, der.utf8(unit))]),
    attribute(serialNumber, der.printable(serial)),
  );
  const info = der.sequence(der.integer(0), subject, signer.spki, der.context(0));
  const signature = await signer.sign(info);
  return pemBlock(
    'CERTIFICATE REQUEST',
    der.sequence(info, der.sequence(der.oid(ecdsaWithSha256)), der.bits(signature)),
  );
}

function attribute(type: string, value: Uint8Array): Buffer {
  return der.set(der.sequence(der.oid(type), value));
}
