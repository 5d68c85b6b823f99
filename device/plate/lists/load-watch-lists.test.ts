import { join } from 'node:path';
import test from 'ava';
import { makeFolders, readWholeFile, writeWholeFile } from '../../kernel/durable-file.ts';
import { ManualClock } from '../../kernel/manual-clock.ts';
import { fault } from '../../kernel/testing/fault.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { loadWatchLists } from './load-watch-lists.ts';
import { madeKey, madeList, madePlate, today } from './testing/made-lists.ts';

const key = madeKey();
const pem = key.publicKey.export({ format: 'pem', type: 'spki' }).toString();
const entries = [{ id: 'case-17', plate: 'ABCD12' }];
const settings = { lists: ['/lists/stolen.json'], listKey: '/lists/key.pem', memory: '/data/watch-lists.json' };
const clock = () => new ManualClock(today.utc);

async function filesWith(texts: Readonly<Record<string, string>>, files = new MemoryFiles()): Promise<MemoryFiles> {
  await makeFolders(files, '/lists');
  for (const [name, text] of Object.entries({ 'key.pem': pem, ...texts })) {
    await writeWholeFile(files, join('/lists', name), Buffer.from(text));
  }
  return files;
}

const version = (number: number) => madeList(key, entries, { version: number });

test('lists are opened and used, and the newest is remembered over a restart', async (t) => {
  const files = await filesWith({ 'stolen.json': await version(3) });
  const first = await loadWatchLists(settings, files, clock());
  t.deepEqual(first.refused, []);
  t.is(first.lists.match(madePlate('ABCD12')).length, 1);
  await filesWith({ 'stolen.json': await version(5) }, files);
  t.is((await loadWatchLists(settings, files, clock())).opened[0]?.head.version, 5);
  await filesWith({ 'stolen.json': await version(4) }, files);
  const back = await loadWatchLists(settings, files, clock());
  t.is(back.opened.length, 0);
  t.regex(back.refused[0]?.message ?? '', /\/lists\/stolen\.json: the watch list stolen 4 is older than stolen 5/);
  t.deepEqual(back.lists.match(madePlate('ABCD12')), []);
  t.notRegex((await readWholeFile(files, settings.memory))?.toString() ?? '', /ABCD12/);
});

test('what was in use is remembered after a power cut at any moment', async (t) => {
  const older = await version(3);
  const newer = await version(4);
  let cuts = 0;
  for (let at = 0; ; at += 1) {
    const files = await filesWith({ 'stolen.json': older });
    await loadWatchLists(settings, files, clock());
    await filesWith({ 'stolen.json': newer }, files);
    const begun = files.operations;
    files.plan = ({ number }) => (number === begun + at ? 'power-cut' : undefined);
    const used = await loadWatchLists(settings, files, clock()).then(
      ({ opened }) => opened.length > 0,
      () => false,
    );
    if (files.operations <= begun + at) break;
    cuts += 1;
    const after = files.survivors(seededRandom(at));
    await filesWith({ 'stolen.json': older }, after);
    const { opened, refused } = await loadWatchLists(settings, after, clock());
    t.is(opened.length + refused.length, 1);
    if (used) t.is(opened.length, 0, `cut ${at}: ${newer.length}`);
    for (const { code } of refused) t.is(code, 'list-refused');
  }
  t.true(cuts > 5);
});

test('a list that is refused keeps no other from being used', async (t) => {
  const files = await filesWith({
    'stolen.json': 'ABCD12',
    'authorised.json': await madeList(key, entries, { name: 'authorised' }),
    'twice.json': await madeList(key, entries, { name: 'authorised', version: 9 }),
  });
  const lists = ['stolen', 'authorised', 'twice', 'missing'].map((name) => `/lists/${name}.json`);
  const loaded = await loadWatchLists({ ...settings, lists }, files, clock());
  t.deepEqual(
    loaded.opened.map(({ head }) => [head.name, head.version]),
    [['authorised', 3]],
  );
  const reasons = [
    /stolen\.json: .*is not JSON/,
    /twice\.json: .*has the name authorised/,
    /missing\.json: .*does not exist/,
  ];
  t.is(loaded.refused.length, reasons.length);
  for (const [i, reason] of reasons.entries()) {
    t.regex(loaded.refused[i]?.message ?? '', reason);
    t.truthy(loaded.refused[i]?.hint);
    t.notRegex(loaded.refused[i]?.message ?? '', /ABCD12/);
  }
});

test('where the newest lists cannot be known or remembered, none is used, and why is said', async (t) => {
  const files = await filesWith({ 'stolen.json': await version(3) });
  await makeFolders(files, '/data');
  await writeWholeFile(files, settings.memory, Buffer.from('{"lists":{}}'));
  const damaged = await loadWatchLists(settings, files, clock());
  t.deepEqual([damaged.opened.length, damaged.refused[0]?.code], [0, 'store-damaged']);
  const full = await filesWith({ 'stolen.json': await version(3) });
  full.plan = ({ kind }) => (kind === 'write' ? { code: 'ENOSPC' } : undefined);
  const unkept = await loadWatchLists(settings, full, clock());
  t.deepEqual([unkept.opened.length, unkept.refused[0]?.code], [0, 'store-full']);
});

test('without the key nothing is opened at all', async (t) => {
  const files = await filesWith({ 'stolen.json': await version(3), 'key.pem': 'none' });
  t.is((await fault(loadWatchLists(settings, files, clock()))).code, 'key-invalid');
  const missing = await fault(loadWatchLists({ ...settings, listKey: '/lists/no.pem' }, files, clock()));
  t.is(missing.code, 'key-invalid');
  t.regex(missing.message, /does not exist/);
});
