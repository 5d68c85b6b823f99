import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import type { JsonValue } from '../canonical-json.ts';
import { AtalayaError } from '../errors.ts';
import { keyId, publicKeyOf } from './key-id.ts';
import { type DocumentSigner, signDocument } from './sign-document.ts';
import { type SignedDocument, signedBytes } from './signed-document.ts';
import { verifyDocument } from './verify-document.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const signer: DocumentSigner = { id: keyId(publicKey), sign: async (message) => sign(null, message, privateKey) };
const keys = new Map<string, KeyObject>([
  [keyId(publicKey), publicKey],
  [keyId(other.publicKey), other.publicKey],
]);

const good = await signDocument({ schema: 'atalaya/thing/1', list: [1, { b: 'é', a: null }], more: undefined }, signer);

test('what is signed is the canonical JSON without the signature', (t) => {
  t.is(signedBytes(good).toString(), '{"list":[1,{"a":null,"b":"é"}],"schema":"atalaya/thing/1"}');
  t.is(good.signature.value.length, 88);
});

test('a document holds after it has travelled as JSON, in any order and spelling', (t) => {
  const document = fc.dictionary(
    fc.string().filter((name) => !['schema', 'signature', '__proto__'].includes(name)),
    fc.jsonValue({ stringUnit: 'grapheme' }),
    { maxKeys: 6 },
  );
  return fc.assert(
    fc.asyncProperty(document, async (fields) => {
      const body = { schema: 'x', ...(fields as Record<string, JsonValue>) };
      const signed = await signDocument(body, signer);
      const travelled = Object.fromEntries(Object.entries(JSON.parse(JSON.stringify(signed, null, 3))).reverse());
      t.deepEqual(verifyDocument(travelled as SignedDocument, keys), { kind: 'signed', key: signer.id });
    }),
    { numRuns: 200 },
  );
});

test('a document of which any value was changed, added or taken out is altered', (t) => {
  const value = fc.oneof(fc.jsonValue(), fc.constant(undefined));
  fc.assert(
    fc.property(fc.constantFrom('schema', 'list', 'other', 'signature '), value, (field, changed) => {
      fc.pre(JSON.stringify(changed) !== JSON.stringify((good as Record<string, unknown>)[field]));
      const altered = { ...good, [field]: changed } as SignedDocument;
      const verified = verifyDocument(altered, keys);
      return verified.kind === 'refused' && verified.reason === 'altered';
    }),
    { numRuns: 500 },
  );
  t.pass();
});

const { key, value } = good.signature;
const turned = Buffer.from(value, 'base64');
turned[3] = (turned[3] as number) ^ 1;
const table: readonly (readonly [what: string, signature: unknown, reason: string])[] = [
  ['no signature', undefined, 'not-signed'],
  ['null', null, 'signature-malformed'],
  ['a text', 'yes', 'signature-malformed'],
  ['a list', [], 'signature-malformed'],
  ['a field more', { key, value, more: 1 }, 'signature-malformed'],
  ['a short key', { key: key.slice(1), value }, 'signature-malformed'],
  ['a key in capitals', { key: key.toUpperCase(), value }, 'signature-malformed'],
  ['a short value', { key, value: value.slice(4) }, 'signature-malformed'],
  [
    'another spelling of the same bytes',
    { key, value: `${value.slice(0, 85)}${respelled(value[85] as string)}==` },
    'signature-malformed',
  ],
  ['base64 for URLs', { key, value: `-${value.slice(1)}` }, 'signature-malformed'],
  ['a line break at the end', { key, value: `${value}\n` }, 'signature-malformed'],
  ['an unknown key', { key: '0'.repeat(64), value }, 'unknown-key'],
  ['a name that every object has', { key: 'constructor', value }, 'signature-malformed'],
  ['the key of another', { key: keyId(other.publicKey), value }, 'altered'],
  ['one bit turned', { key, value: turned.toString('base64') }, 'altered'],
  ['zeros', { key, value: Buffer.alloc(64).toString('base64') }, 'altered'],
];

/** The next letter has the same upper two bits, and bits that base64 does not use here set. */
function respelled(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return letters[letters.indexOf(letter) + 1] as string;
}

for (const [what, signature, reason] of table) {
  test(`refused: ${what}`, (t) => {
    const verified = verifyDocument({ ...good, signature } as SignedDocument, keys);
    t.like(verified, { kind: 'refused', reason });
    if (verified.kind === 'refused') t.true(verified.detail.length > 5 && !verified.detail.includes(value));
  });
}

test('what has no canonical JSON was signed by nobody: a refusal, not a fault', (t) => {
  for (const odd of ['\ud800', Number.NaN, Number.POSITIVE_INFINITY]) {
    t.like(verifyDocument({ ...good, odd }, keys), { kind: 'refused', reason: 'altered' });
  }
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  t.like(verifyDocument({ ...good, cyclic } as never, keys), { kind: 'refused', reason: 'altered' });
});

test('a signature under one kind of document is worth nothing under another', (t) => {
  t.like(verifyDocument({ ...good, schema: 'atalaya/other/1' }, keys), { kind: 'refused', reason: 'altered' });
});

test('a key that is not Ed25519 verifies nothing', (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  t.like(verifyDocument(good, new Map([[key, rsa]])), { kind: 'refused', reason: 'unknown-key' });
});

test('a key has one name, whichever half is asked; a PEM text is one public Ed25519 key or refused', (t) => {
  t.is(keyId(privateKey), keyId(publicKey));
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  t.is(keyId(publicKeyOf(pem, 'the key')), key);
  const priv = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  for (const text of ['', 'x', priv, `${priv}${pem}`, pem.slice(0, 60)]) {
    const error = t.throws(() => publicKeyOf(text, 'the key'), { instanceOf: AtalayaError });
    t.is(error?.code, 'key-invalid');
    t.false(error?.message.includes('BEGIN') ?? true);
  }
});
