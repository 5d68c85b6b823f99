import test from 'ava';
import { utcMilliseconds } from '../../kernel/units.ts';
import { judgeDesired } from './judge-desired.ts';
import { refusalCodes, spokenAll } from './refusal.ts';
import type { Settings } from './settings.ts';
import { badDocuments } from './testing/bad-documents.ts';
import { baseConfig, contextOf, draft, makeCast, signedText, today } from './testing/signed.ts';

const cast = await makeCast();
const { supervisor, operator } = cast.signers;

const good: Settings = { signal: { beacon: { onMs: 3000 } } };
const signed = (settings: Settings, changes: Settings = {}) => signedText(draft(settings, changes), supervisor);
const bad = badDocuments(cast);

test('a good document of an operator or a supervisor fits', async (t) => {
  for (const signer of [supervisor, operator]) {
    const judged = judgeDesired(await signedText(draft(good), signer), contextOf(cast));
    if (judged.kind !== 'fits') return t.fail(JSON.stringify(judged));
    t.is(judged.config.signal.beacon.onMs, 3000);
    t.deepEqual(judged.changed, ['signal.beacon.onMs']);
    t.is(judged.needs, 'live');
    t.is(judged.person.key, signer.id);
    t.deepEqual({ ...judged.config, signal: baseConfig().signal }, baseConfig(), 'everything else is the own file');
  }
});

for (const { what, text, codes, context } of bad) {
  test(`refused: ${what}: ${codes.join(', ')}`, async (t) => {
    const judged = judgeDesired(await text, contextOf(cast, context));
    if (judged.kind !== 'refused') return t.fail(judged.kind);
    t.deepEqual(judged.refusals.map(({ code }) => code).sort(), [...codes].sort(), JSON.stringify(judged.refusals));
    for (const said of spokenAll(judged.refusals)) t.regex(said, /^[a-z-]+: \S/);
  });
}

test('the table has every way in which a document can be bad', (t) => {
  t.true(bad.length >= 40, `${bad.length}`);
  const seen = new Set(bad.flatMap(({ codes }) => codes));
  const elsewhere = [
    'certificate-without-key',
    'trust-without-root',
    'contradiction',
    'apply-failed',
    'broker-not-reached',
    'frames-not-seen',
    'evidence-not-sealed',
    'not-started',
    'boots-used-up',
    'no-longer-fits',
    'document-lost',
    'state-lost',
    'not-durable',
    'audit-behind',
    'by-hand',
  ];
  const missing = Object.keys(refusalCodes).filter((code) => !seen.has(code) && !elsewhere.includes(code));
  t.deepEqual(missing, []);
});

test('a document that was accepted is known again, expired or not, and whoever is trusted now', async (t) => {
  const text = await signed(good, { expires: '2026-03-01T12:30:00Z' });
  const first = judgeDesired(text, contextOf(cast));
  if (first.kind !== 'fits') return t.fail(first.kind);
  const later = { utc: utcMilliseconds(today + 86_400_000), reliable: true };
  const again = judgeDesired(text, contextOf(cast, { highest: first.ref, now: later, people: undefined }));
  t.deepEqual(again, { kind: 'known', ref: first.ref });
});

test('where the clock is not reliable a document may be from the future', async (t) => {
  const text = await signed(good, { issued: '2026-03-02T12:00:00Z' });
  const now = { utc: utcMilliseconds(today), reliable: false };
  t.is(judgeDesired(text, contextOf(cast, { now })).kind, 'fits');
});

test('null gives back what the own file says, of a field and of a section', async (t) => {
  const current = { ...baseConfig(), signal: { ...baseConfig().signal, deadlineMs: 900 } };
  for (const settings of [{ signal: { deadlineMs: null } }, { signal: null }, {}] as Settings[]) {
    const judged = judgeDesired(await signed(settings), contextOf(cast, { current }));
    if (judged.kind !== 'fits') return t.fail(JSON.stringify(judged));
    t.deepEqual(judged.config, baseConfig());
    t.deepEqual(judged.changed, ['signal.deadlineMs']);
    t.is(judged.needs, 'restart');
  }
});

test('what a document does not speak of is not held against it', async (t) => {
  const base = { ...baseConfig(), detector: { ...baseConfig().detector, bundle: '/opt/own', threads: 60 } };
  t.is(judgeDesired(await signed(good), contextOf(cast, { base, current: base })).kind, 'fits');
});
