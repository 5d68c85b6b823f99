import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makePersonKey, signerOf } from '../../cloud-bridge/contract/person-key.ts';
import { type Acceptance, publishedAcceptanceSchema, readAcceptance, signAcceptance } from './acceptance.ts';
import { someProof } from './testing/fake-unit.ts';
import { madeReport, testedAt } from './testing/made-test.ts';

const key = makePersonKey();
const document: Acceptance = {
  ...{ schema: 'atalaya/acceptance/1', unit: 'north-1', outcome: 'accepted', began: testedAt, at: testedAt },
  ...{ by: { name: 'Ana', role: 'technician', key: key.id }, program: '0.1.0', identity: null, centre: 'unix:/x' },
  ...{ test: madeReport(), clockAheadS: 0.4, lines: [], picture: null, evidence: someProof, doubts: [] },
  ...{ refusal: null, decided: true, faults: [], missing: [], files: [] },
};

test('a document goes through its one form of bytes, and no other', async (t) => {
  const bytes = await signAcceptance(document, signerOf(key.privatePem));
  const { signature, ...read } = readAcceptance(bytes, 'it');
  t.deepEqual(read, document);
  t.is(signature.key, key.id);
  const text = bytes.toString();
  for (const [other, words] of [
    [text.replace('{', '{ '), /not in the form that is signed/],
    [text.replace('"decided":true', '"decided":true,"decided":true'), /not in the form that is signed/],
    [text.replace('"doubts":[]', '"doubts":[],"more":1'), /is no acceptance/],
    [`\ufeff${text}`, /is not JSON/],
  ] as const) {
    t.throws(() => readAcceptance(Buffer.from(other), 'it'), { code: 'document-refused', message: words });
  }
  const wrong = { ...document, files: [{ name: 'x', bytes: -1, sha256: '' }] };
  await t.throwsAsync(signAcceptance(wrong, signerOf(key.privatePem)), { code: 'internal' });
});

test('the published schema is the one that documents are read by', async (t) => {
  const published = await readFile(join(import.meta.dirname, 'schema/acceptance-1.json'), 'utf8');
  t.deepEqual(
    JSON.parse(published),
    JSON.parse(publishedAcceptanceSchema()),
    'write publishedAcceptanceSchema() there',
  );
});
