import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import test from 'ava';
import { keyId } from '../../device/kernel/signed/key-id.ts';
import type { VersionReport } from '../contract/version-report.ts';
import { composeVersionReport, type ReportFacts, type ReportSigner, signVersionReport } from './compose-report.ts';
import { verifyVersionReport } from './verify-report.ts';

const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const pem = (key: KeyObject) => key.export({ format: 'pem', type: 'spki' }).toString();

const signers: Record<VersionReport['signature']['algorithm'], ReportSigner> = {
  ed25519: async (bytes) => ({
    key: keyId(ed25519.publicKey),
    algorithm: 'ed25519',
    value: sign(null, bytes, ed25519.privateKey).toString('base64'),
  }),
  p256: async (bytes) => ({
    key: keyId(p256.publicKey),
    algorithm: 'p256',
    value: sign('sha256', bytes, p256.privateKey).toString('base64'),
  }),
};
const keys = { ed25519: pem(ed25519.publicKey), p256: pem(p256.publicKey) };

const nonce = 'ab'.repeat(16);
const facts: ReportFacts = {
  unit: 'unit-1',
  at: Date.parse('2026-03-01T12:00:00Z'),
  job: { id: 'job-0001', nonce },
  hardware: ['x64', 'x64-pc'],
  slot: 'a',
  trial: true,
  parts: [
    {
      kind: 'program',
      name: 'unit',
      version: '1.2.0',
      release: 2,
      target: 'unit-1.2.0-r2-x64.tar.zst',
      sha256: '1'.repeat(64),
      tree: '2'.repeat(64),
    },
  ],
  metadata: { image: { root: 1, timestamp: 2, snapshot: 2, targets: 2 }, director: null },
  refused: [{ at: '2026-03-01T11:00:00.000Z', reason: 'wrong-unit: the metadata of the director is of another unit' }],
};
const report = await signVersionReport(composeVersionReport(facts), signers.ed25519);

for (const algorithm of ['ed25519', 'p256'] as const) {
  test(`a report signed with ${algorithm} holds after it has travelled, in any order of its fields`, async (t) => {
    // An ECDSA signature has one of several lengths.
    for (let turn = 0; turn < 20; turn++) {
      const signed = await signVersionReport(
        composeVersionReport({ ...facts, at: facts.at + turn }),
        signers[algorithm],
      );
      const travelled = Object.fromEntries(Object.entries(JSON.parse(JSON.stringify(signed))).reverse());
      const verified = verifyVersionReport(travelled, keys[algorithm], { unit: 'unit-1', nonce });
      t.deepEqual(verified, { kind: 'verified', report: signed });
    }
  });
}

test('a report of an image, of a unit that never had a job and has no repositories', async (t) => {
  const { job: _job, hardware: _hardware, ...rest } = facts;
  const poor: ReportFacts = {
    ...rest,
    slot: 'image',
    trial: false,
    parts: [{ kind: 'program', name: 'unit', version: '1.0.0', release: 1 }],
    metadata: { image: null, director: null },
    refused: [],
  };
  const signed = await signVersionReport(composeVersionReport(poor), signers.ed25519);
  t.like(verifyVersionReport(signed, keys.ed25519), { kind: 'verified' });
  t.like(verifyVersionReport(signed, keys.ed25519, { nonce }), { kind: 'refused', reason: 'stale' });
});

test('of many refusals the newest are told, and of a long reason the beginning', async (t) => {
  const refused = Array.from({ length: 80 }, (_, index) => ({
    at: facts.refused[0]?.at ?? '',
    reason: `${index}: ${'é\u{1f6a7}'.repeat(1500)}`,
  }));
  const signed = await signVersionReport(composeVersionReport({ ...facts, refused }), signers.ed25519);
  t.is(signed.refused.length, 50);
  t.true(signed.refused[0]?.reason.startsWith('30: '));
  t.like(verifyVersionReport(JSON.parse(JSON.stringify(signed)), keys.ed25519), { kind: 'verified' });
});

const { value } = report.signature;
const table: readonly (readonly [what: string, given: unknown, reason: string])[] = [
  ['nothing', undefined, 'malformed'],
  ['a field more', { ...report, more: 1 }, 'malformed'],
  ['no signature', { ...report, signature: undefined }, 'malformed'],
  ['another release', { ...report, parts: [{ ...report.parts[0], release: 3 }] }, 'altered'],
  ['another unit', { ...report, unit: 'unit-2' }, 'altered'],
  ['another nonce', { ...report, nonce: 'cd'.repeat(16) }, 'altered'],
  ['a trial that is over', { ...report, trial: false }, 'altered'],
  ['a refusal less', { ...report, refused: [] }, 'altered'],
  ['a signature of zeros', { ...report, signature: { ...report.signature, value: `${'A'.repeat(86)}==` } }, 'altered'],
  ['another algorithm', { ...report, signature: { ...report.signature, algorithm: 'p256' } }, 'key-unknown'],
  ['another key', { ...report, signature: { ...report.signature, key: keyId(p256.publicKey) } }, 'key-unknown'],
  [
    'a signature that is not base64',
    { ...report, signature: { ...report.signature, value: `-${value.slice(1)}` } },
    'malformed',
  ],
  ['a surrogate alone', { ...report, refused: [{ at: report.at, reason: '\ud800' }] }, 'altered'],
];

for (const [what, given, reason] of table) {
  test(`refused: ${what}`, (t) => {
    t.like(verifyVersionReport(given, keys.ed25519), { kind: 'refused', reason });
  });
}

test('a key that is not the unit’s, and texts that are no key', (t) => {
  t.like(verifyVersionReport(report, keys.p256), { reason: 'key-unknown' });
  const secret = ed25519.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  for (const text of ['', 'x', secret, keys.ed25519.slice(0, 50)])
    t.like(verifyVersionReport(report, text), { reason: 'key-unusable' });
  t.like(verifyVersionReport(report, keys.ed25519, { unit: 'unit-2' }), { reason: 'other-unit' });
});
