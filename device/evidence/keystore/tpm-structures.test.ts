import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { derOfTpmSignature, spkiOfTpmPublic } from './tpm-structures.ts';

/** TPM2B_PUBLIC of a key that a TPM made with the attributes of a unit's key. */
const made = Buffer.from(
  '00580023000b000404720000001000180' +
    '00b000300100020ada1e4a14938ca0e295a0d16c3b9fc827c7cf3210cf975a187dc64bcfdd6c3bb' +
    '00201c3e68b8e435beec52780580aee5fc2ce51f13d98b9754329c717d9ac14b2db4',
  'hex',
);

/** TPMT_SIGNATURE of two integers, each without its leading zeros where `short`. */
function tpmSignature(r: Buffer, s: Buffer, short: boolean): Buffer {
  const sized = (integer: Buffer) => {
    const digits = short ? integer.subarray(integer.findIndex((byte) => byte !== 0)) : integer;
    return [Buffer.of(0, digits.byteLength), digits];
  };
  return Buffer.concat([Buffer.from('0018000b', 'hex'), ...sized(r), ...sized(s)]);
}

test('a public key as a TPM gives it is read', (t) => {
  const spki = spkiOfTpmPublic(made, 'here');
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  t.is(key.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  t.deepEqual(key.export({ format: 'der', type: 'spki' }), spki);
  t.is(key.export({ format: 'jwk' }).x, made.subarray(24, 56).toString('base64url'));
});

test('a coordinate without its leading zeros is filled up', (t) => {
  const short = Buffer.concat([made.subarray(0, 22), Buffer.of(0, 31), made.subarray(25)]);
  short.writeUInt16BE(short.byteLength - 2);
  const spki = spkiOfTpmPublic(short, 'here');
  t.is(spki.byteLength, 91);
  t.is(spki[27], 0);
  t.deepEqual(spki.subarray(28), Buffer.concat([made.subarray(25, 56), made.subarray(58)]));
});

test('a key that is no signing key made in the TPM is refused, and says why', (t) => {
  const cases: readonly (readonly [number, number, RegExp])[] = [
    [3, 0x01, /elliptic/],
    [9, 0x70, /fixedTPM/],
    [9, 0x62, /fixedParent/],
    [9, 0x52, /sensitiveDataOrigin/],
    [7, 0x00, /sign/],
    [7, 0x05, /restricted/],
    [7, 0x06, /decrypt/],
    [15, 0x1a, /scheme/],
    [17, 0x0c, /scheme/],
    [19, 0x04, /curve/],
  ];
  for (const [at, value, why] of cases) {
    const changed = Buffer.from(made);
    changed[at] = value;
    const error = t.throws(() => spkiOfTpmPublic(changed, 'here'), { instanceOf: AtalayaError });
    t.is(error?.code, 'key-invalid');
    t.regex(error?.message ?? '', why);
  }
});

test('any other bytes are refused as such', (t) => {
  const refused = (read: () => unknown, code: 'key-invalid' | 'key-unavailable') => {
    try {
      read();
      return false;
    } catch (error) {
      return isAtalayaError(error, code);
    }
  };
  const signature = tpmSignature(Buffer.alloc(32, 1), Buffer.alloc(32, 2), false);
  for (let length = 0; length < made.byteLength; length += 1) {
    t.true(refused(() => spkiOfTpmPublic(made.subarray(0, length), 'here'), 'key-invalid'));
  }
  for (let length = 0; length < signature.byteLength; length += 1) {
    t.true(refused(() => derOfTpmSignature(signature.subarray(0, length)), 'key-unavailable'));
  }
  t.true(refused(() => spkiOfTpmPublic(Buffer.concat([made, Buffer.of(0)]), 'here'), 'key-invalid'));
  t.true(refused(() => derOfTpmSignature(Buffer.concat([signature, Buffer.of(0)])), 'key-unavailable'));
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 120 }),
      (bytes) =>
        refused(() => spkiOfTpmPublic(bytes, 'here'), 'key-invalid') &&
        refused(() => derOfTpmSignature(bytes), 'key-unavailable'),
    ),
  );
});

test('a signature becomes the DER that Node writes', (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (let i = 0; i < 300; i += 1) {
    const message = Buffer.from(`message ${i}`);
    const raw = sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    for (const short of [false, true]) {
      const der = derOfTpmSignature(tpmSignature(raw.subarray(0, 32), raw.subarray(32), short));
      t.true(verify('sha256', message, publicKey, der));
    }
  }
});

test('integers of any size are encoded as the standard wants them', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['01', '020101'],
    ['7f', '02017f'],
    ['80', '02020080'],
    ['0100', '02020100'],
    ['ff'.repeat(32), `022100${'ff'.repeat(32)}`],
    ['00'.repeat(31), '020100'],
  ];
  for (const [digits, encoded] of cases) {
    const integer = Buffer.concat([Buffer.alloc(32 - digits.length / 2), Buffer.from(digits, 'hex')]);
    const body = encoded + encoded;
    t.is(
      derOfTpmSignature(tpmSignature(integer, integer, false)).toString('hex'),
      `30${(body.length / 2).toString(16).padStart(2, '0')}${body}`,
    );
  }
});
