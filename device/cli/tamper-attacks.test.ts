import { appendFile, cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Verdict } from '../evidence/verify/finding.ts';
import { parseKey } from '../evidence/verify/keys.ts';
import { type StoreOptions, verifyStore } from '../evidence/verify/verify-store.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { changeJournal, forgedErasure, type JournalLine, linesIn } from './testing/journal-forgery.ts';
import { keyPair, type MadeData, madeData, manyActs, sealWhole } from './testing/made-data.ts';
import { busyData, copyOf, failuresOf, filesIn, told } from './testing/tampered-store.ts';

/** What somebody does to a real store who can write to its medium: all of it is found, and named. */

const keys = keyPair();
const [busy, another, twin] = await Promise.all([busyData({ keys }), madeData({ unit: 'unit-2' }), madeData({ keys })]);
for (const made of [another, twin]) {
  const store = await made.open({ segmentBytes: 60_000 });
  for (let i = 0; i < 6; i += 1) await sealWhole(store, i * 10);
  await manyActs(store, 60);
  await store.close();
}
test.after.always(async () => {
  for (const made of [busy, another, twin]) await made.remove();
});

const verified = async (made: MadeData, folder: string, more: Partial<StoreOptions> = {}): Promise<Verdict> =>
  verifyStore(folder, { key: parseKey(await readFile(made.publicKey, 'utf8')), ...more });

/** What is done to the entries by somebody who makes all frames and hashes of the journal fit again, and what finds it. */
const entryAttacks: Readonly<
  Record<string, readonly [change: (lines: JournalLine[], others: Others) => JournalLine[], says: RegExp]>
> = {
  'an entry is dropped': [(lines) => lines.toSpliced(20, 1), /entries are missing|1 entries are missing/],
  'an entry is dropped, and the rest numbered anew': [
    (lines) => numbered(lines.toSpliced(20, 1)),
    /^record .*says that it is number/m,
  ],
  'the newest entry is dropped': [(lines) => lines.slice(0, -1), /^journal .*cut or rolled back/m],
  'the oldest entry is dropped': [(lines) => lines.slice(1), /^journal/m],
  'two entries change places': [(lines) => swapped(lines, 30, 31), /^journal .*order was changed|^journal .*missing/m],
  'two entries change places, and are numbered anew': [
    (lines) => numbered(swapped(lines, 30, 31)),
    /^record .*says that it is number/m,
  ],
  'an entry stands twice': [(lines) => lines.toSpliced(25, 0, lines[24] as JournalLine), /used twice/],
  'an entry stands twice, and the rest is numbered anew': [
    (lines) => numbered(lines.toSpliced(25, 0, lines[24] as JournalLine)),
    /^record/m,
  ],
  'an entry of another unit': [
    (lines, { unit }) => numbered(lines.with(40, unit[40] as JournalLine)),
    /^(record|signature).*(another signer|unit|signature)/m,
  ],
  'an entry of another store of this unit with the same key': [
    (lines, { store }) => lines.with(3, store[3] as JournalLine),
    /^journal .*do not give the root/m,
  ],
  'a record with the signature of another': [
    (lines) => lines.with(9, { sequence: 10, payload: signedAs(lines, 9, 10) }),
    /^signature/m,
  ],
  'the newest entries of another store with the same key': [
    (lines, { store }) => [...lines.slice(0, 50), ...store.slice(50, 60)],
    /^journal/m,
  ],
};

interface Others {
  readonly unit: readonly JournalLine[];
  readonly store: readonly JournalLine[];
}

const numbered = (lines: readonly JournalLine[]): JournalLine[] =>
  lines.map(({ payload }, i) => ({ sequence: i + 1, payload }));

const swapped = (lines: readonly JournalLine[], a: number, b: number): JournalLine[] =>
  lines.with(a, lines[b] as JournalLine).with(b, lines[a] as JournalLine);

function signedAs(lines: readonly JournalLine[], one: number, other: number): Buffer {
  const [record, signature] = [one, other].map((i) => JSON.parse(String(lines[i]?.payload)));
  return Buffer.from(canonicalJson({ record: record.record, signature: signature.signature }));
}

test.serial('entries that are dropped, moved, repeated or replayed', async (t) => {
  const others = { unit: await linesIn(another.store), store: await linesIn(twin.store) };
  for (const [name, [change, says]] of Object.entries(entryAttacks)) {
    await using copy = await copyOf(busy.older);
    await changeJournal(copy.path, (lines) => change([...lines], others));
    const verdict = await verified(busy, copy.path);
    t.false(verdict.ok, name);
    t.regex(told(verdict), says, name);
  }
  await using same = await copyOf(busy.older);
  await changeJournal(same.path, (lines) => lines);
  t.true((await verified(busy, same.path)).ok, 'the forgery itself changes nothing');
});

const nth = (names: readonly string[], i: number): string => names.at(i) ?? '';

/** What is done to files, and one of the findings. */
const fileAttacks: Readonly<Record<string, readonly [change: (store: string) => Promise<unknown>, says: RegExp]>> = {
  'the last segment is gone': [async (at) => rm(await segment(at, -1)), /^journal .*(cut or rolled back|holds)/m],
  'the first segment is gone': [async (at) => rm(await segment(at, 0)), /^journal/m],
  'a segment in between is gone': [async (at) => rm(await segment(at, 2)), /^journal/m],
  'two segments change names': [async (at) => exchange(await segment(at, 1), await segment(at, 2)), /^journal/m],
  'a segment stands twice': [
    async (at) => cp(await segment(at, 1), join(at, 'journal/000000000050.journal')),
    /^journal/m,
  ],
  'a segment is cut in the middle of a line': [async (at) => truncate(await segment(at, 1), 3001), /^journal/m],
  'the last segment is cut': [async (at) => truncate(await segment(at, -1), 3001), /^journal/m],
  'a segment of another unit': [
    async (at) => cp(await segment(another.store, 0), await segment(at, 0)),
    /^(journal|record|signature)/m,
  ],
  'a segment of another store with the same key': [
    async (at) => cp(await segment(twin.store, 0), await segment(at, 0)),
    /^journal/m,
  ],
  'the journal and the log of another unit': [
    async (at) => parts(another.store, at, ['journal', 'log']),
    /^(checkpoint|signature)/m,
  ],
  'the log of another store with the same key': [async (at) => parts(twin.store, at, ['log']), /^(journal|tile)/m],
  'the checkpoint is gone': [async (at) => rm(join(at, 'log/checkpoint')), /^checkpoint log\/checkpoint/m],
  'the checkpoint is an older one': [
    async (at) =>
      writeFile(
        join(at, 'log/checkpoint'),
        (await readFile(join(busy.older, 'log/checkpoint'), 'utf8')).replace('\n', '\n\n'),
      ),
    /^checkpoint/m,
  ],
  'a full tile is gone': [async (at) => rm(join(at, 'log/tile/0/000')), /^tile log\/tile\/0\/000/m],
  'a tile is cut': [async (at) => truncate(join(at, 'log/tile/0/000'), 8160), /^tile log\/tile\/0\/000/m],
  'a tile is longer': [async (at) => appendFile(join(at, 'log/tile/1/000.p/1'), 'x'), /^tile log\/tile\/1\/000\.p\/1/m],
  'a bundle is gone': [async (at) => rm(join(at, 'log/tile/entries/000')), /^entry-bundle log\/tile\/entries\/000/m],
  'a bundle is another': [
    async (at) => cp(join(twin.store, 'log/tile/entries'), join(at, 'log/tile/entries'), { recursive: true }),
    /^entry-bundle/m,
  ],
  'a blob is gone': [async (at) => rm(await stored(at, 'blobs', 5)), /^blob blobs\//m],
  'a blob is cut': [async (at) => truncate(await stored(at, 'blobs', 6), 10), /^blob blobs\//m],
  'a blob is longer': [async (at) => appendFile(await stored(at, 'blobs', 7), '\0'), /^blob blobs\//m],
  'two blobs change places': [
    async (at) => exchange(await stored(at, 'blobs', 1), await stored(at, 'blobs', 2)),
    /^blob blobs\//m,
  ],
  'a key file is gone': [async (at) => rm(await stored(at, 'keys', 0)), /^key-file keys\//m],
  'two key files change places': [
    async (at) => exchange(await stored(at, 'keys', 0), await stored(at, 'keys', 1)),
    /^key-file keys\//m,
  ],
  'the key beside the evidence is another': [async (at) => parts(another.store, at, ['public']), /^key public\//m],
  'what was erased is back': [
    async (at) => parts(busy.older, at, ['blobs', 'keys']),
    /^erasure .*Destruction not finished/m,
  ],
};

async function segment(store: string, i: number): Promise<string> {
  return join(store, 'journal', nth((await readdir(join(store, 'journal'))).sort(), i));
}

async function stored(store: string, kind: 'blobs' | 'keys', i: number): Promise<string> {
  return join(store, kind, nth(await filesIn(join(store, kind)), i));
}

async function exchange(one: string, other: string): Promise<void> {
  await rename(one, `${one}.x`);
  await rename(other, one);
  await rename(`${one}.x`, other);
}

async function parts(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) await cp(join(from, name), join(to, name), { recursive: true });
}

test.serial('segments, tiles, blobs and keys that are gone, cut, longer, exchanged or of another store', async (t) => {
  for (const [name, [change, says]] of Object.entries(fileAttacks)) {
    await using copy = await copyOf(busy.store);
    await change(copy.path);
    const verdict = await verified(busy, copy.path);
    t.false(verdict.ok, name);
    t.regex(told(verdict), says, name);
  }
});

test.serial('rolled back, or rewritten with the right key: found against a kept checkpoint, and only so', async (t) => {
  const newest = await readFile(join(busy.store, 'log/checkpoint'), 'utf8');
  t.true((await verified(busy, busy.older)).ok);
  t.regex(told(await verified(busy, busy.older, { checkpoints: [newest] })), /^checkpoint .*rolled back/m);
  // An insider goes on from the older state with the right key, to the same number of entries and beyond.
  await using data = await copyOf(busy.older);
  const insider = join(busy.home, 'insider');
  await mkdir(insider);
  await cp(data.path, join(insider, 'evidence'), { recursive: true });
  const store = await busy.openAt(join(insider, 'evidence'));
  await manyActs(store, busy.entries);
  await store.close();
  const folder = join(insider, 'evidence');
  const alone = await verified(busy, folder);
  t.true(alone.ok, told(alone));
  t.true(
    (await verified(busy, folder, { checkpoints: [busy.kept] })).ok,
    'what was kept before the change still holds',
  );
  t.regex(told(await verified(busy, folder, { checkpoints: [newest] })), /^checkpoint .*rewritten/m);
});

test.serial('an erasure that another key states destroys no proof', async (t) => {
  await using copy = await copyOf(busy.store);
  const lines = await linesIn(copy.path);
  const forged = forgedErasure(lines, 2, busy.unit, keyPair().privateKey);
  await changeJournal(copy.path, (all) => [...all, forged.line]);
  for (const digest of forged.bodies) await rm(join(copy.path, 'blobs', digest.slice(0, 2), digest));
  await rm(join(copy.path, 'keys', forged.keys.slice(0, 2), forged.keys));
  const verdict = await verified(busy, copy.path);
  t.false(verdict.ok);
  t.true(
    failuresOf(verdict).some(({ part, entry }) => part === 'signature' && entry === lines.length + 1),
    told(verdict),
  );
});
