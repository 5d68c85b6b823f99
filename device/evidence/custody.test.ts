import test from 'ava';
import { readWholeFile, writeWholeFile } from '../kernel/durable-file.ts';
import { sha256 } from '../kernel/hash.ts';
import { MemoryFiles } from '../kernel/testing/memory-files.ts';
import { EvidenceStore } from './evidence-store.ts';
import { createIdentity } from './sealing/identity.ts';
import { checkStore } from './testing/check-store.ts';
import { clerk, everything, evidenceOf, fault, gather, inMemory, linesOf, seal } from './testing/stores.ts';

const { recipient } = await createIdentity();
const recipients = { authority: [recipient], operators: [] };
const first = 'unit-1-000000001';
const second = 'unit-1-000000002';

async function opened(
  files = new MemoryFiles(),
): Promise<{ readonly files: MemoryFiles; readonly store: EvidenceStore }> {
  const store = await EvidenceStore.open('/data', inMemory(files, { recipients }));
  for (let at = store.ledger.last + 1; at <= 2; at += 1) await seal(store, at);
  return { files, store };
}

test('each act is a signed entry: who, when, what and why', async (t) => {
  const { files, store } = await opened();
  const { custody } = store;
  await custody.note({ kind: 'list' }, clerk);
  await custody.note({ kind: 'read', evidence: [first, second], opened: false }, clerk);
  await custody.note({ kind: 'export', evidence: [first], opened: true }, { ...clerk, reason: 'for the court' });
  const held = await custody.hold(first, 'court', clerk);
  t.like(held.record, {
    schema: 'atalaya/action/2',
    sequence: 6,
    actor: { kind: 'person', name: 'C. Clerk', account: 'clerk' },
    action: { kind: 'hold', evidence: first, hold: 'court' },
    reason: 'file 4711',
    time: { utc: '2023-11-14T22:13:20.000Z' },
  });
  await custody.release(first, 'court', { actor: { kind: 'policy', name: 'five days' }, reason: 'over' });
  t.deepEqual(
    (await linesOf(store))
      .filter((line) => line.kind === 'action')
      .map((line) => [line.action, line.subject, line.hold, line.actor, line.reason]),
    [
      ['list', null, null, 'C. Clerk', 'file 4711'],
      ['read', null, null, 'C. Clerk', 'file 4711'],
      ['export', null, null, 'C. Clerk', 'for the court'],
      ['hold', 1, 'court', 'C. Clerk', 'file 4711'],
      ['release', 1, 'court', 'five days', 'over'],
    ],
  );
  t.like(await store.read(5), { kind: 'action', record: { action: { kind: 'export', opened: true } } });
  await store.close();
  t.deepEqual((await checkStore('/data', files)).actions, [`hold ${first}`, `release ${first}`]);
});

test('held evidence is not erased until every hold is released', async (t) => {
  const { files, store } = await opened();
  const { custody } = store;
  await custody.hold(first, 'court', clerk);
  await custody.hold(first, 'appeal', clerk);
  for (const names of ['appeal, court', 'appeal']) {
    const refused = await fault(custody.erase(first, clerk));
    t.is(refused.code, 'evidence-held');
    t.true(refused.message.includes(`held by ${names} `), refused.message);
    if (names !== 'appeal') await custody.release(first, 'court', clerk);
  }
  await custody.release(first, 'appeal', clerk);
  await custody.erase(first, clerk);
  await store.close();
  t.like(await checkStore('/data', files), { erased: [first], held: [] });
});

test('what makes no sense is refused with its reason, and is no entry', async (t) => {
  const { files, store } = await opened();
  const { custody } = store;
  await custody.hold(first, 'court', clerk);
  await custody.erase(second, clerk);
  const { last } = store.ledger;
  const nobody = { actor: { kind: 'person', name: '', account: 'clerk' }, reason: 'file 4711' } as const;
  const cases = [
    ['evidence-held', /already held by court/, () => custody.hold(first, 'court', clerk)],
    ['evidence-held', /not held by appeal/, () => custody.release(first, 'appeal', clerk)],
    ['evidence-held', /held by court/, () => custody.erase(first, clerk)],
    ['evidence-erased', /entry 4 says by whom/, () => custody.erase(second, clerk)],
    ['evidence-erased', /was erased/, () => custody.hold(second, 'court', clerk)],
    ['evidence-unknown', /no evidence unit-1-000000009/, () => custody.erase('unit-1-000000009', clerk)],
    ['evidence-unknown', /no evidence unit-1-000000003/, () => custody.hold('unit-1-000000003', 'court', clerk)],
    ['evidence-unknown', /no evidence unit-1-1 /, () => custody.hold('unit-1-1', 'court', clerk)],
    ['evidence-unknown', /no evidence unit-2-/, () => custody.release('unit-2-000000001', 'court', clerk)],
    [
      'evidence-unknown',
      /no evidence/,
      () => custody.note({ kind: 'read', evidence: [first, 'x'], opened: false }, clerk),
    ],
    ['usage-invalid', /reason/, () => custody.hold(first, 'appeal', { ...clerk, reason: '' })],
    ['usage-invalid', /name/, () => custody.hold(first, 'appeal', nobody)],
    ['usage-invalid', /hold/, () => custody.hold(first, '', clerk)],
    ['usage-invalid', /evidence/, () => custody.note({ kind: 'export', evidence: [], opened: false }, clerk)],
    ['usage-invalid', /reason/, () => custody.note({ kind: 'list' }, { ...clerk, reason: '' })],
  ] as const;
  for (const [code, message, act] of cases) {
    const refused = await fault(act());
    t.is(refused.code, code, refused.message);
    t.regex(refused.message, message);
  }
  t.is(store.ledger.last, last);
  await store.close();
  t.like(await checkStore('/data', files), { erased: [second], held: [`${first} court`] });
});

test('an erasure without a reason destroys nothing, and the next start knows of nothing to finish', async (t) => {
  const { files, store } = await opened();
  t.is((await fault(store.custody.erase(first, { ...clerk, reason: '' }))).code, 'usage-invalid');
  await store.close();
  const again = await EvidenceStore.open('/data', inMemory(files, { recipients }));
  t.is(again.opening.finishedErasures, 0);
  await again.close();
  t.like(await checkStore('/data', files), { erased: [], evidence: [first, second] });
  t.deepEqual(await files.list('/data/erasing'), []);
});

test('erased evidence keeps its record and its proof; its files are gone, and those of others are not', async (t) => {
  const { files, store } = await opened();
  const before = await store.read(1);
  const { record } = await store.custody.erase(first, clerk);
  t.like(record.action, { kind: 'erase', evidence: first });
  t.like((await evidenceOf(store))[0], { id: first, erased: 3 });
  t.deepEqual(await store.read(1), before);
  await store.ledger.checkpoint();
  t.is((await store.ledger.inclusion(1)).hashes.length, 2);
  if (before?.kind !== 'evidence') return t.fail();
  t.is((await fault(gather(store.ciphertext(before.record, 'at.jpg')))).code, 'store-damaged');
  await store.close();
  t.like(await checkStore('/data', files), { erased: [first] });
  const left = [...(await everything('/data', files)).keys()];
  t.is(left.filter((path) => path.startsWith('/data/keys/')).length, 1);
});

test('a destruction that fails is told of, and the next start finishes it', async (t) => {
  const { files, store } = await opened();
  files.plan = ({ kind, path }) => (kind === 'open' && path.startsWith('/data/keys/') ? { code: 'EIO' } : undefined);
  t.is((await fault(store.custody.erase(first, clerk))).code, 'store-failed');
  files.plan = () => undefined;
  t.is((await fault(store.custody.erase(first, clerk))).code, 'evidence-erased');
  await t.throwsAsync(
    store.close().then(() => checkStore('/data', files)),
    { message: /is erased and has its key file/ },
  );
  const again = await EvidenceStore.open('/data', inMemory(files, { recipients }));
  t.is(again.opening.finishedErasures, 1);
  await again.close();
  t.like(await checkStore('/data', files), { erased: [first] });
});

test('acts that come at once take their turns: of two erasures one is refused, and a hold before one stops it', async (t) => {
  const { files, store } = await opened();
  const { custody } = store;
  const acts = await Promise.allSettled([
    custody.erase(first, clerk),
    custody.erase(first, clerk),
    custody.hold(second, 'court', clerk),
    custody.erase(second, clerk),
  ]);
  t.deepEqual(
    acts.map((act) => (act.status === 'fulfilled' ? 'done' : act.reason.code)),
    ['done', 'evidence-erased', 'done', 'evidence-held'],
  );
  await store.close();
  t.like(await checkStore('/data', files), { erased: [first], held: [`${second} court`] });
});

test('closing waits for an erasure that is under way', async (t) => {
  const { files, store } = await opened();
  const erasing = store.custody.erase(first, clerk);
  await store.close();
  t.is((await erasing).sequence, 3);
  t.like(await checkStore('/data', files), { erased: [first], checkpoint: 3 });
});

test('an index that lost a hold does not let the evidence go: what destroys looks at the journal', async (t) => {
  const { files, store } = await opened();
  await store.custody.hold(first, 'court', clerk);
  await store.custody.hold(second, 'police', clerk);
  await store.custody.release(second, 'police', clerk);
  await store.close();
  const path = '/data/index/00000000.json';
  const [, json = ''] = (await readWholeFile(files, path))?.toString().split('\n') ?? [];
  const edited = json.replace('"holds":["court"]', '"holds":[]');
  t.not(edited, json);
  await writeWholeFile(files, path, Buffer.from(`${sha256(edited)}\n${edited}\n`));

  const again = await EvidenceStore.open('/data', inMemory(files, { recipients }));
  t.deepEqual((await again.custody.line(first)).holds, []);
  const refused = await fault(again.custody.erase(first, clerk));
  t.deepEqual([refused.code, refused.message], ['evidence-held', `${first} is held by court and is not erased`]);
  await again.custody.erase(second, clerk);
  await again.close();
  t.like(await checkStore('/data', files), { erased: [second], held: [`${first} court`] });
});
