import test from 'ava';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { EvidenceStore } from '../evidence-store.ts';
import { createIdentity } from '../sealing/identity.ts';
import type { StoreOptions } from '../store-options.ts';
import { checkStore } from '../testing/check-store.ts';
import { contextAt, framesAround, infractionAt } from '../testing/fixtures.ts';
import { clerk, everything, evidenceOf, inMemory, linesOf, seal } from '../testing/stores.ts';
import type { RetentionPolicy } from './plan-retention.ts';

const { recipient } = await createIdentity();
const recipients = { authority: [recipient], operators: [] };
const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);

const policyOf = (more: Partial<RetentionPolicy> = {}): RetentionPolicy => ({
  name: 'thirty days',
  rules: 'all',
  keepDays: 30,
  whenFull: false,
  ...more,
});

const erasedOf = async (store: EvidenceStore): Promise<readonly string[]> =>
  (await evidenceOf(store)).filter(({ erased }) => erased !== null).map(({ id }) => id);

/** A store on one disk whose clock a test sets; opened again, the clock is read anew. */
function trial(more: Partial<StoreOptions> = {}) {
  const files = new MemoryFiles();
  const clock = new ManualClock(start);
  const open = () => EvidenceStore.open('/data', inMemory(files, { clock, policies: [policyOf()], ...more }));
  return { files, clock, open };
}

test('evidence goes for its age, oldest first, in the name of its policy; what is held stays until it is released', async (t) => {
  const { files, clock, open } = trial({ recipients });
  const store = await open();
  const ids: string[] = [];
  for (let i = 0; i < 4; i += 1) {
    ids.push((await seal(store, i)).id);
    await clock.advance(10 * day);
  }
  await store.custody.hold(ids[0] as string, 'court', clerk);
  t.deepEqual(await store.retain(), { erased: [], freed: 0, dateDistrusted: undefined });
  await clock.advance(day);
  const { erased, freed } = await store.retain();
  t.deepEqual(erased, [ids[1]]);
  t.is(freed, (await evidenceOf(store))[1]?.bytes as number);
  const act = (await linesOf(store)).at(-1);
  t.like(act, { kind: 'action', action: 'erase', actor: 'thirty days', subject: 2 });
  t.regex(act?.kind === 'action' ? act.reason : '', /sealed 31 days ago; thirty days keeps 30/);
  await store.custody.release(ids[0] as string, 'court', clerk);
  t.deepEqual((await store.retain()).erased, [ids[0]]);
  t.deepEqual((await store.retain()).erased, []);
  await store.close();
  t.deepEqual((await checkStore('/data', files)).erased, [ids[1], ids[0]]);
});

test('a plate goes with its evidence: no file of it is left, and nothing that opens one', async (t) => {
  const { files, clock, open } = trial({ recipients });
  const store = await open();
  const { id } = await seal(store, 0, 'AB123CD');
  const stored = async () =>
    [...(await everything('/data', files)).keys()].filter((path) => /^\/data\/(blobs|keys)\//.test(path));
  const entry = await store.read(1);
  if (entry?.kind !== 'evidence') return t.fail();
  const roles = entry.record.files.map(({ role }) => role);
  t.deepEqual(roles.slice(-3), ['plate', 'plate-crop', 'plate-vehicle']);
  t.is((await stored()).length, 1 + roles.length);
  await clock.advance(31 * day);
  t.deepEqual((await store.retain()).erased, [id]);
  t.deepEqual(await stored(), []);
  await store.close();
  t.deepEqual((await checkStore('/data', files)).erased, [id]);
});

test('without a policy, or with one for other rules, nothing goes', async (t) => {
  for (const policies of [[], [policyOf({ rules: ['speeding'] })]]) {
    const { clock, open } = trial({ policies });
    const store = await open();
    await seal(store, 1);
    await clock.advance(150 * day);
    t.deepEqual((await store.retain()).erased, []);
    await store.close();
  }
});

test('a clock that is set back: records go on in their order with the dates as they are, and nothing goes for its age', async (t) => {
  const { clock, open, files } = trial();
  const store = await open();
  const first = await seal(store, 1);
  await clock.advance(40 * day);
  const second = await seal(store, 2);
  clock.setUtc(start - 400 * day);
  const third = await seal(store, 3);
  t.deepEqual(
    [first, second, third].map(({ sequence }) => sequence),
    [1, 2, 3],
  );
  t.deepEqual(
    [first, second, third].map(({ record }) => record.sealed.utc.slice(0, 10)),
    ['2026-01-01', '2026-02-10', '2024-11-27'],
  );
  t.true(third.record.sealed.elapsedMs >= second.record.sealed.elapsedMs);
  const { erased, dateDistrusted } = await store.retain();
  t.deepEqual(erased, []);
  t.regex(dateDistrusted ?? '', /the clock has stepped by -\d+ minutes since the start/);
  await store.close();
  t.is((await checkStore('/data', files)).checkpoint, 3);
});

test('a start with a clock that stands before the newest evidence erases nothing', async (t) => {
  const { clock, open } = trial();
  const store = await open();
  await seal(store, 1);
  await clock.advance(40 * day);
  await seal(store, 2);
  await store.close();
  clock.setUtc(start + 39 * day);
  const again = await open();
  const { erased, dateDistrusted } = await again.retain();
  t.deepEqual([erased, dateDistrusted], [[], 'the clock is before the newest evidence']);
  await again.close();
  clock.setUtc(start + 40 * day);
  const right = await open();
  t.is((await right.retain()).erased.length, 1);
  await right.close();
});

test('a clock that jumps ahead erases nothing, neither while the store is open nor after the next start', async (t) => {
  const { clock, open } = trial();
  const store = await open();
  await seal(store, 1);
  clock.setUtc(start + 3650 * day);
  const { erased, dateDistrusted } = await store.retain();
  t.deepEqual(erased, []);
  t.regex(dateDistrusted ?? '', /the clock has stepped by \d+ minutes since the start/);
  await store.close();
  const again = await open();
  const later = await again.retain();
  t.deepEqual(later.erased, []);
  t.regex(later.dateDistrusted ?? '', /180 days after the newest evidence; a person must look/);
  await again.close();
});

test('evidence whose date nothing states never goes for its age', async (t) => {
  const undated = new ManualClock(start);
  const base = { utc: () => undated.utc(), monotonic: () => undated.monotonic() };
  const files = new MemoryFiles();
  const clockOf = (isDated: boolean) => ({ ...base, state: () => ({ ...undated.state(), dated: isDated }) });
  const open = (isDated: boolean) =>
    EvidenceStore.open('/data', inMemory(files, { clock: clockOf(isDated), policies: [policyOf()] }));
  const store = await open(false);
  await seal(store, 1);
  await undated.advance(100 * day);
  t.deepEqual(await store.retain(), { erased: [], freed: 0, dateDistrusted: 'nothing states the date' });
  await store.close();
  const again = await open(true);
  t.deepEqual((await again.retain()).erased, []);
  await again.close();
});

test('what is due for its age goes before anything goes early for want of space', async (t) => {
  const policies = [
    policyOf({ name: 'lights', rules: ['red-light'], keepDays: undefined, whenFull: true }),
    policyOf({ name: 'speeds', rules: ['speeding'], keepDays: 5 }),
  ];
  const { files, clock, open } = trial({ recipients, policies, keepFreeBytes: 200_000 });
  const store = await open();
  const light = await seal(store, 1);
  const measured = {
    rule: 'speeding',
    speedKmh: 71,
    uncertaintyKmh: 1,
    limitKmh: 50,
    toleranceKmh: 3,
    chargedKmh: 68,
  } as const;
  const speed = await store.seal(
    { ...infractionAt(120), rule: 'speeding', measured },
    framesAround(120),
    contextAt(120),
  );
  await clock.advance(10 * day);
  files.capacity = 2 ** 40 - (await store.space()).free + 199_000;
  t.deepEqual((await store.retain()).erased, [speed.id]);
  files.capacity = files.capacity - (await store.space()).free + 199_999;
  t.deepEqual((await store.retain()).erased, [light.id]);
  await store.close();
  t.deepEqual((await checkStore('/data', files)).erased, [speed.id, light.id]);
});

test('passes that overlap are one, and one that the disk stops goes on with the next', async (t) => {
  const { files, clock, open } = trial({ recipients });
  const store = await open();
  for (let i = 0; i < 3; i += 1) await seal(store, i);
  await clock.advance(31 * day);
  let opened = 0;
  files.plan = ({ kind, path }) => {
    if (kind !== 'open' || !path.startsWith('/data/keys/')) return undefined;
    opened += 1;
    return opened === 2 ? { code: 'EIO' } : undefined;
  };
  const passes = await Promise.allSettled([store.retain(), store.retain()]);
  t.deepEqual(
    passes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  files.plan = () => undefined;
  const { erased } = await store.retain();
  t.deepEqual([erased.length, (await erasedOf(store)).length], [1, 3]);
  await store.close();
  const again = await open();
  t.is(again.opening.finishedErasures, 1);
  await again.close();
  t.is((await checkStore('/data', files)).erased.length, 3);
});
