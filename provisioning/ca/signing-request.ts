import { createPublicKey, type KeyObject, webcrypto } from 'node:crypto';
// The package's container of extensions needs it, and does not bring it along.
import 'reflect-metadata';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { sha256 } from '../../device/kernel/hash.ts';
import type { HolderKind } from './names.ts';

/** A signing request whose own signature holds. */
export interface CheckedRequest {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array<ArrayBuffer>;
  /** Hexadecimal SHA-256 of `spki`. */
  readonly fingerprint: string;
  readonly publicKey: KeyObject;
  /** CN of the subject, where it has one. */
  readonly name: string | undefined;
  /** `serialNumber` of the subject: of the board. */
  readonly serial: string | undefined;
}

const longestRequest = 16 * 1024;
const leastRsaBits = 2048;

/**
 * Reads a PKCS#10 request. Throws `document-refused` for what is none, one that its own key did not sign, and a key that is not fit for a
 * holder of this kind: P-256 for a unit; P-384 and RSA of 2048 bits or more too for the machines of the centre.
 */
export async function readSigningRequest(pem: string, kind: HolderKind): Promise<CheckedRequest> {
  if (pem.length > longestRequest || !/^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem)) {
    throw refused('it is no CERTIFICATE REQUEST in PEM');
  }
  let request: Pkcs10CertificateRequest;
  let spki: Uint8Array<ArrayBuffer>;
  let publicKey: KeyObject;
  try {
    request = new Pkcs10CertificateRequest(pem.replaceAll('NEW CERTIFICATE REQUEST', 'CERTIFICATE REQUEST'));
    spki = new Uint8Array(request.publicKey.rawData);
    publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (error) {
    throw refused('it cannot be decoded', error);
  }
  const unfit = unfitness(publicKey, kind);
  if (unfit !== undefined) throw refused(unfit);
  if (!(await holds(request))) throw refused('its signature is not of the key that it names');
  const [name, ...more] = request.subjectName.getField('CN');
  if (more.length > 0) throw refused('it has several names');
  return { spki, fingerprint: sha256(spki), publicKey, name, serial: request.subjectName.getField('2.5.4.5')[0] };
}

async function holds(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify(webcrypto);
  } catch {
    return false;
  }
}

function unfitness({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, kind: HolderKind): string | undefined {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {};
  if (namedCurve === 'prime256v1') return undefined;
  if (kind === 'unit') return `its key is of the kind ${namedCurve ?? asymmetricKeyType}, and units have P-256`;
  if (namedCurve === 'secp384r1') return undefined;
  if (asymmetricKeyType !== 'rsa')
    return `its key is of the kind ${namedCurve ?? asymmetricKeyType}; P-256, P-384 or RSA is wanted`;
  return modulusLength >= leastRsaBits
    ? undefined
    : `its RSA key has ${modulusLength} bits, and ${leastRsaBits} are the least`;
}

function refused(why: string, cause?: unknown): AtalayaError {
  return new AtalayaError('document-refused', `the signing request is refused: ${why}`, {
    hint: 'Have the unit write its request anew; for a server: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes',
    ...(cause === undefined ? {} : { cause }),
  });
}
