import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import type { Part } from './finding.ts';
import { parseKey } from './keys.ts';
import { busyUnit, ed25519, failures, p256, told, verdictOnStore } from './testing/attacks.ts';
import {
  type JournalLine,
  linesOf,
  payloadOf,
  putJournal,
  storeOf,
  type Tree,
  written,
} from './testing/tiny-folders.ts';
import { digest, type JsonObject, moment, TinyUnit } from './testing/tiny-unit.ts';
import { verifyStore } from './verify-store.ts';

const notices = (verdict: { findings: readonly { severity: string; says: string }[] }) =>
  verdict.findings.filter(({ severity }) => severity === 'notice').map(({ says }) => says);

test('a whole store is OK, and counted', async (t) => {
  for (const keys of [ed25519(), p256()]) {
    const unit = busyUnit('u-1', keys);
    for (const workers of [0, 3]) {
      const options = { workers, checkpoints: [unit.checkpoint(4), unit.checkpoint(0)] };
      const verdict = await verdictOnStore(unit, storeOf(unit, { perSegment: 2 }), options);
      t.true(verdict.ok, told(verdict));
      t.like(verdict.counts, {
        segments: 3,
        records: 6,
        evidence: 3,
        actions: 2,
        unknown: 1,
        erased: 1,
        held: 1,
        files: 2,
      });
      t.deepEqual(verdict.checkpoint, { size: 6, root: unit.root().toString('base64') });
      t.is(verdict.unit, 'u-1');
      t.is(notices(verdict).length, 1);
    }
  }
});

type Rewrite = (lines: JournalLine[], unit: TinyUnit) => JournalLine[];

const rewrites: Readonly<Record<string, readonly [Part, Rewrite]>> = {
  'an entry is dropped': ['journal', (lines) => lines.toSpliced(2, 1)],
  'the last entry is dropped': ['journal', (lines) => lines.slice(0, -1)],
  'the first entry is dropped': ['journal', (lines) => lines.slice(1)],
  'an entry stands twice': ['journal', (lines) => lines.toSpliced(2, 0, lines[1] as JournalLine)],
  'two entries change places': ['journal', ([a, b, ...rest]) => [b as JournalLine, a as JournalLine, ...rest]],
  'two entries change places and numbers': [
    'record',
    ([a, b, ...rest]) => [
      { sequence: 1, payload: (b as JournalLine).payload },
      { sequence: 2, payload: (a as JournalLine).payload },
      ...rest,
    ],
  ],
  'a jump of numbers would fill the memory': [
    'journal',
    (lines) => lines.with(2, { ...(lines[2] as JournalLine), sequence: 999_999_999_999 }),
  ],
  'an entry of another unit': [
    'record',
    (lines) => lines.with(1, { sequence: 2, payload: payloadOf(busyUnit('u-2').entries[1] as never) }),
  ],
  'an entry of another unit with the same key': [
    'record',
    (lines, unit) => {
      const other = new TinyUnit('u-2', { publicKey: unit.publicKey, privateKey: undefined as never });
      other.sign = (bytes) => unit.sign(bytes);
      for (let entry = 0; entry < 2; entry += 1) other.append({ schema: 'x/y/9' });
      return lines.with(1, { sequence: 2, payload: payloadOf(other.entries[1] as never) });
    },
  ],
  'a signature by another key': [
    'signature',
    (lines, unit) => {
      const record = unit.entries[1]?.record as Buffer;
      return lines.with(1, { sequence: 2, payload: payloadOf({ record, signature: busyUnit().sign(record) }) });
    },
  ],
  'a signed record takes the place of another': [
    'journal',
    (lines, unit) => {
      const record = Buffer.from((unit.entries[4]?.record.toString() ?? '').replace('true', 'false'));
      return lines.with(4, { sequence: 5, payload: payloadOf({ record, signature: unit.sign(record) }) });
    },
  ],
  'base64 without its padding': ['signature', edited(1, (text) => text.replace(/=+"\}$/, '"}'))],
  'base64 with unused bits set': [
    'signature',
    edited(1, (text) => text.replace(/[AQgw]=="\}$/, (end) => `${next(end[0])}=="}`)),
  ],
  'white space in base64': ['signature', edited(1, (text) => text.replace(/==/, '==\\n'))],
  'white space in the record': ['journal', edited(1, (text) => text.replace(',"boot"', ', "boot"'))],
  'the keys in another order': [
    'journal',
    edited(2, (text) => text.replace(/("boot":"[^"]*"),("files":\[\])/, '$2,$1')),
  ],
  'a number in another spelling': ['journal', edited(1, (text) => text.replace('172.5', '1.725e2'))],
  'a letter as an escape': ['journal', edited(1, (text) => text.replace('Mayor', '\\u004dayor'))],
  'a key twice': ['journal', edited(1, (text) => text.replace('"boot":', '"boot":"x","boot":'))],
  'a third member': ['journal', edited(1, (text) => text.replace('{"record"', '{"more":1,"record"'))],
  'a lone surrogate': ['journal', edited(1, (text) => text.replace('Mayor', '\\ud800'))],
};

/** The text of one payload changed, with a frame that fits it. */
function edited(index: number, change: (text: string) => string): Rewrite {
  return (lines) => {
    const line = lines[index] as JournalLine;
    const text = line.payload.toString();
    const payload = Buffer.from(change(text));
    if (payload.toString() === text) throw new Error('nothing was changed');
    return lines.with(index, { ...line, payload });
  };
}

const next = (letter = 'A') => String.fromCharCode(letter.charCodeAt(0) + 1);

for (const [name, [part, rewrite]] of Object.entries(rewrites)) {
  test(`the journal is written anew: ${name}`, async (t) => {
    const unit = busyUnit();
    const tree = storeOf(unit);
    for (const path of tree.keys()) if (path.startsWith('journal/')) tree.delete(path);
    putJournal(tree, rewrite(linesOf(unit), unit));
    const verdict = await verdictOnStore(unit, tree);
    t.false(verdict.ok);
    t.true(
      failures(verdict).some((one) => one.part === part && one.path.startsWith('journal')),
      told(verdict),
    );
  });
}

const pathsIn = (tree: Tree, form: RegExp) => [...tree.keys()].filter((path) => form.test(path));
const swap = (tree: Tree, [a = '', b = '']: readonly string[]) => {
  const [one, other] = [tree.get(a) as Buffer, tree.get(b) as Buffer];
  tree.set(a, other).set(b, one);
};
const cut = (tree: Tree, path: string, bytes: number) => tree.set(path, (tree.get(path) as Buffer).subarray(0, -bytes));

const changes: Readonly<Record<string, readonly [Part, (tree: Tree) => unknown]>> = {
  'a segment is missing at the beginning': ['journal', (tree) => tree.delete('journal/000000000001.journal')],
  'a segment is missing in the middle': ['journal', (tree) => tree.delete('journal/000000000003.journal')],
  'the last segment is missing': ['journal', (tree) => tree.delete('journal/000000000005.journal')],
  'all segments are missing': ['journal', (tree) => pathsIn(tree, /^journal/).map((path) => tree.delete(path))],
  'two segments change places': ['journal', (tree) => swap(tree, pathsIn(tree, /^journal/))],
  'the last segment is cut': ['journal', (tree) => cut(tree, 'journal/000000000005.journal', 1)],
  'a closed segment is cut': ['journal', (tree) => cut(tree, 'journal/000000000003.journal', 100)],
  'a closed segment is empty': ['journal', (tree) => tree.set('journal/000000000003.journal', Buffer.alloc(0))],
  'two bodies change places': ['blob', (tree) => swap(tree, pathsIn(tree, /^blobs/))],
  'a body is missing': ['blob', (tree) => tree.delete(pathsIn(tree, /^blobs/)[0] ?? '')],
  'a body is longer': ['blob', (tree) => tree.set(pathsIn(tree, /^blobs/)[0] ?? '', Buffer.alloc(41))],
  'a key file is missing': ['key-file', (tree) => tree.delete(pathsIn(tree, /^keys/)[0] ?? '')],
  'a tile is missing': ['tile', (tree) => tree.delete('log/tile/0/000.p/6')],
  'a tile is cut': ['tile', (tree) => cut(tree, 'log/tile/0/000.p/6', 32)],
  'a tile is longer': [
    'tile',
    (tree) =>
      tree.set('log/tile/0/000.p/6', Buffer.concat([tree.get('log/tile/0/000.p/6') as Buffer, Buffer.alloc(32)])),
  ],
  'a tile goes beyond the journal': ['tile', (tree) => tree.set('log/tile/0/000.p/7', Buffer.alloc(224))],
  'a tile of a tree far beyond': ['tile', (tree) => tree.set('log/tile/2/000.p/1', Buffer.alloc(32))],
  'a bundle is missing': ['entry-bundle', (tree) => tree.delete('log/tile/entries/000.p/6')],
  'the checkpoint is missing': ['checkpoint', (tree) => tree.delete('log/checkpoint')],
};

for (const [name, [part, change]] of Object.entries(changes)) {
  test(`the store is changed: ${name}`, async (t) => {
    const unit = busyUnit();
    const tree = storeOf(unit, { perSegment: 2 });
    change(tree);
    const verdict = await verdictOnStore(unit, tree);
    t.false(verdict.ok);
    t.true(
      failures(verdict).some((one) => one.part === part),
      told(verdict),
    );
  });
}

test('an older copy of the whole store is found against a kept checkpoint', async (t) => {
  const unit = busyUnit();
  const older = storeOf(unit);
  unit.evidence(0);
  const kept = unit.checkpoint();
  const alone = await verdictOnStore(unit, older);
  t.true(alone.ok, 'an older copy is whole in itself');
  const verdict = await verdictOnStore(unit, older, { checkpoints: [kept] });
  t.regex(told(verdict), /^checkpoint kept checkpoint 1: The store was rolled back/m);
});

test('a log that was signed anew is found against a kept checkpoint', async (t) => {
  const keys = ed25519();
  const kept = busyUnit('u-1', keys).checkpoint(2);
  const other = new TinyUnit('u-1', keys);
  for (let entry = 0; entry < 4; entry += 1) other.append({ schema: 'x/y/9' });
  const verdict = await verdictOnStore(other, storeOf(other), { checkpoints: [kept] });
  t.regex(told(verdict), /^checkpoint kept checkpoint 1: The log was rewritten/);
});

test('checkpoints of another unit, by another key, and with a line twice', async (t) => {
  const unit = busyUnit();
  const note = unit.checkpoint();
  const line = note.slice(note.indexOf('\u2014'));
  const foreign = new TinyUnit('u-2', { publicKey: unit.publicKey, privateKey: undefined as never });
  foreign.sign = (bytes) => unit.sign(bytes);
  const notes: Readonly<Record<string, string>> = {
    'another key': busyUnit().checkpoint(),
    'another unit': foreign.checkpoint(0),
    'line twice': note + line,
    'text after the root': unit.note(`atalaya/u-1\n6\n${unit.root().toString('base64')}\nmore\n`),
    'size with a zero in front': unit.note(`atalaya/u-1\n06\n${unit.root().toString('base64')}\n`),
    'root without padding': unit.note(`atalaya/u-1\n6\n${unit.root().toString('base64').replace('=', '')}\n`),
    'line ends of another system': note.replaceAll('\n', '\r\n'),
    'no signature': note.slice(0, note.indexOf('\u2014')),
    'size beyond the journal': unit.note(`atalaya/u-1\n7\n${unit.root().toString('base64')}\n`),
    'another root': unit.note(`atalaya/u-1\n6\n${unit.root(0, 5).toString('base64')}\n`),
  };
  for (const [name, text] of Object.entries(notes)) {
    const verdict = await verdictOnStore(unit, storeOf(unit).set('log/checkpoint', Buffer.from(text)));
    t.false(verdict.ok, name);
    t.regex(told(verdict), /^(checkpoint|journal|record) /, name);
  }
});

test('erasures: forged, unfinished, of what is held, of a body that another package has', async (t) => {
  const unit = new TinyUnit('u-1', ed25519());
  const one = unit.evidence(2);
  const two = unit.evidence(1);
  const cases: Readonly<Record<string, readonly [Part, JsonObject]>> = {
    'another key file': ['erasure', { keys: digest('x') }],
    'a body less': ['erasure', { bodies: [digest(one.files[0]?.body as Buffer)] }],
    'a body of another package': ['erasure', { bodies: [...one.files, ...two.files].map(({ body }) => digest(body)) }],
    'no such package': ['erasure', { evidence: 'u-1-000000009' }],
    itself: ['erasure', { evidence: 'u-1-000000003' }],
  };
  for (const [name, [part, change]] of Object.entries(cases)) {
    unit.erase(one, change);
    const verdict = await verdictOnStore(unit, storeOf(unit));
    t.true(
      failures(verdict).some((found) => found.part === part && found.entry === 3),
      `${name}: ${told(verdict)}`,
    );
    unit.entries.pop();
    one.erased = false;
  }
  const whole = storeOf(unit);
  unit.erase(one);
  const tree = storeOf(unit);
  t.true((await verdictOnStore(unit, tree)).ok);
  for (const path of pathsIn(whole, /^(blobs|keys)/)) {
    if (tree.has(path)) continue;
    const verdict = await verdictOnStore(unit, new Map(tree).set(path, whole.get(path) as Buffer));
    t.deepEqual(
      failures(verdict).map((found) => [found.part, found.path]),
      [['erasure', path]],
    );
    t.regex(told(verdict), /Destruction not finished/);
  }
  unit.action({ kind: 'hold', evidence: two.id, hold: 'court' });
  unit.erase(two);
  t.regex(told(await verdictOnStore(unit, storeOf(unit))), /^hold .*erased while it was held \(court\)/);
});

test('what is no failure is noticed: entries beyond the checkpoint, a torn tail, files that nothing names, a clock set back', async (t) => {
  const unit = busyUnit();
  unit.evidence(0, 0, (record) => ({ ...record, sealed: { ...moment(7), utc: '2020-01-01T00:00:00.000Z' } }));
  const tree = storeOf(unit, { size: 6 });
  const journal = 'journal/000000000001.journal';
  const whole = tree.get(journal) as Buffer;
  tree.set(journal, Buffer.concat([whole, Buffer.from('J1 0000')]));
  tree.set(`blobs/ab/ab${'0'.repeat(62)}`, Buffer.from('left over'));
  tree.set('blobs/ab/x.part', Buffer.alloc(1));
  const verdict = await verdictOnStore(unit, tree);
  t.true(verdict.ok, told(verdict));
  const said = notices(verdict).join('\n');
  for (const form of [/1 entry is newer/, /torn tail/, /Nothing names this file/, /unfinished file/, /lies before/])
    t.regex(said, form);
  t.true(verdict.findings.some(({ byte, path }) => path === journal && byte === whole.byteLength));
});

test('a record that is signed but not of its schema', async (t) => {
  const unit = new TinyUnit('u-1', ed25519());
  unit.evidence(1, 40, (record) => ({ ...record, more: 1 }));
  unit.action({ kind: 'list' }, { reason: '' });
  unit.evidence(0, 0, (record) => ({ ...record, id: 'u-1-000000001' }));
  const said = told(await verdictOnStore(unit, storeOf(unit)));
  for (const form of [/record\.more is not a member/, /record\.reason must be/, /record\.id must be u-1-000000003/])
    t.regex(said, form);
});

test('a store that is not there is refused, and a run can be stopped', async (t) => {
  const unit = busyUnit();
  const key = parseKey(unit.pem);
  using folder = written(storeOf(unit));
  await t.throwsAsync(verifyStore(folder.path, { key, signal: AbortSignal.abort(new Error('enough')) }), {
    message: 'enough',
  });
  rmSync(join(folder.path, 'log'), { recursive: true });
  const error = await t.throwsAsync(verifyStore(join(folder.path, 'log'), { key }));
  t.true(isAtalayaError(error, 'usage-invalid'));
});
