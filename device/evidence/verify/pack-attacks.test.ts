import test from 'ava';
import type { Part } from './finding.ts';
import { busyUnit, ed25519, failures, p256, told, verdictOnPack } from './testing/attacks.ts';
import { packOf, putSums, type Tree } from './testing/tiny-folders.ts';
import { TinyUnit } from './testing/tiny-unit.ts';

test('whole packs are OK: with an older checkpoint, after an erasure, with opened files', async (t) => {
  for (const keys of [ed25519(), p256()]) {
    const unit = busyUnit('u-1', keys);
    const options = { checkpoints: [unit.checkpoint(3)] };
    const verdict = await verdictOnPack(unit, packOf(unit, 1, { since: 3 }), options);
    t.true(verdict.ok, told(verdict));
    t.like(verdict.counts, { evidence: 1, files: 2, notices: 1 });
    t.like((await verdictOnPack(unit, packOf(unit, 2, { erasure: 6 }))).counts, { failures: 0, erased: 1 });
    const opened = packOf(unit, 1).set('opened/still-0.jpg', Buffer.from('picture'));
    putSums(opened);
    t.like((await verdictOnPack(unit, opened)).counts, { failures: 0, notices: 2 });
  }
});

type Change = (tree: Tree, unit: TinyUnit) => unknown;
const edit = (tree: Tree, path: string, change: (text: string) => string) =>
  tree.set(path, Buffer.from(change(tree.get(path)?.toString() ?? '')));
const take = (tree: Tree, from: Tree, ...paths: string[]) => {
  for (const path of paths) tree.set(path, from.get(path) as Buffer);
};
const signedBy = (name: string, unit: TinyUnit): TinyUnit => {
  const other = busyUnit(name);
  const foreign = new TinyUnit(name, { publicKey: unit.publicKey, privateKey: undefined as never });
  foreign.sign = (bytes) => unit.sign(bytes);
  foreign.entries.push(...other.entries);
  return foreign;
};

/** Each is done by somebody who makes `SHA256SUMS` fit again, but for those that say otherwise. */
const attacks: Readonly<Record<string, readonly [Part, string, Change]>> = {
  'the ciphertext of another package': [
    'file',
    'files/still-0.jpg.age',
    (tree) => take(tree, packOf(busyUnit('u-2'), 1), 'files/still-0.jpg.age'),
  ],
  'two ciphertexts change places': [
    'file',
    'files/still-0.jpg.age',
    (tree) => {
      const [a, b] = [tree.get('files/still-0.jpg.age') as Buffer, tree.get('files/still-1.jpg.age') as Buffer];
      tree.set('files/still-0.jpg.age', b).set('files/still-1.jpg.age', a);
    },
  ],
  'a ciphertext is missing': ['file', 'files/still-1.jpg.age', (tree) => tree.delete('files/still-1.jpg.age')],
  'a ciphertext too many': ['file', 'files/more.age', (tree) => tree.set('files/more.age', Buffer.of(1))],
  'an opened file too many': ['file', 'opened/more', (tree) => tree.set('opened/more', Buffer.of(1))],
  'two packs mixed: the record': [
    'record',
    'record.json',
    (tree, unit) => take(tree, packOf(unit, 3), 'record.json', 'record.sig'),
  ],
  'two packs mixed: the proof': [
    'inclusion-proof',
    'log/inclusion',
    (tree, unit) => take(tree, packOf(unit, 3), 'log/inclusion'),
  ],
  'two packs mixed: record, leaf and proof': [
    'file',
    'files/still-0.jpg.age',
    (tree, unit) => take(tree, packOf(unit, 3), 'record.json', 'record.sig', 'leaf', 'log/inclusion'),
  ],
  'the proof of another index': [
    'inclusion-proof',
    'log/inclusion',
    (tree) => edit(tree, 'log/inclusion', (text) => text.replace('index 0', 'index 1')),
  ],
  'a hash less in the proof': [
    'inclusion-proof',
    'log/inclusion',
    (tree) => edit(tree, 'log/inclusion', (text) => text.replace(/(index 0\n)[^\n]+\n/, '$1')),
  ],
  'an older checkpoint in the proof': [
    'inclusion-proof',
    'log/inclusion',
    (tree, unit) => edit(tree, 'log/inclusion', (text) => text.replace(/atalaya\/.*$/s, unit.checkpoint(5))),
  ],
  'the consistency proof of another size': [
    'consistency-proof',
    'log/consistency',
    (tree, unit) => take(tree, packOf(unit, 1, { since: 4 }), 'log/consistency'),
  ],
  'no consistency proof': ['consistency-proof', 'log/consistency', (tree) => tree.delete('log/consistency')],
  'no older checkpoint': ['checkpoint', 'log/since', (tree) => tree.delete('log/since')],
  'the signature of another key': [
    'signature',
    'record.sig',
    (tree) => tree.set('record.sig', busyUnit().sign(tree.get('record.json') as Buffer)),
  ],
  'everything of another key': [
    'key',
    'keys/unit.pem',
    (tree) => {
      tree.clear();
      for (const [path, bytes] of packOf(busyUnit(), 1)) tree.set(path, bytes);
    },
  ],
  'the checkpoint of another unit': [
    'record',
    'record.json',
    (tree, unit) => {
      const note = signedBy('u-2', unit).checkpoint();
      tree.set('log/checkpoint', Buffer.from(note));
      edit(tree, 'log/inclusion', (text) => text.replace(/atalaya\/.*$/s, note));
    },
  ],
  'white space in the record': ['record', 'record.json', (tree) => edit(tree, 'record.json', (text) => `${text}\n`)],
  'upper case in the leaf': ['leaf', 'leaf', (tree) => edit(tree, 'leaf', (text) => text.toUpperCase())],
  'an erasure of another package': [
    'erasure',
    'erasure/record.json',
    (tree, unit) => {
      const other = packOf(unit, 2, { erasure: 6 });
      take(tree, other, 'erasure/record.json', 'erasure/record.sig', 'erasure/leaf', 'erasure/inclusion');
    },
  ],
  'an erasure without its proof': [
    'inclusion-proof',
    'erasure/inclusion',
    (tree, unit) => take(tree, packOf(unit, 2, { erasure: 6 }), 'erasure/record.json'),
  ],
};

for (const [name, [part, path, change]] of Object.entries(attacks)) {
  test(`the pack is changed: ${name}`, async (t) => {
    const unit = busyUnit();
    const tree = packOf(unit, 1, { since: 3 });
    change(tree, unit);
    putSums(tree);
    const verdict = await verdictOnPack(unit, tree);
    t.false(verdict.ok);
    t.true(
      failures(verdict).some((one) => one.part === part && one.path === path),
      told(verdict),
    );
  });
}

test('a pack after an erasure must not hold what was erased', async (t) => {
  const unit = busyUnit();
  const tree = packOf(unit, 2, { erasure: 6 });
  take(tree, packOf(unit, 2), 'files/still-0.jpg.age');
  putSums(tree);
  t.regex(told(await verdictOnPack(unit, tree)), /^erasure files\/still-0\.jpg\.age: Destruction not finished/);
});

test('SHA256SUMS: a file more, a file less, a line twice, other spellings, paths that lead out', async (t) => {
  const unit = busyUnit();
  const lines: Readonly<Record<string, (text: string) => string>> = {
    'a line less': (text) => text.replace(/[^\n]+ {2}leaf\n/, ''),
    'a line twice': (text) => `${text}${text.split('\n')[0]}\n`,
    'a file that is not there': (text) => `${text}${'0'.repeat(64)}  none\n`,
    'upper case': (text) => text.replace(/^[0-9a-f]{64}/, (hash) => hash.toUpperCase()),
    'binary mode': (text) => text.replace('  ', ' *'),
    'a path that leads out': (text) => `${text}${'0'.repeat(64)}  ../x\n`,
    'a path in another spelling': (text) => text.replace('  leaf', '  ./leaf'),
    'no line end': (text) => text.slice(0, -1),
  };
  for (const [name, change] of Object.entries(lines)) {
    const tree = packOf(unit, 1);
    edit(tree, 'SHA256SUMS', change);
    const verdict = await verdictOnPack(unit, tree);
    t.true(
      failures(verdict).some((one) => one.part === 'sums'),
      `${name}: ${told(verdict)}`,
    );
  }
});

test('a kept checkpoint that nothing in the pack is proven against', async (t) => {
  const unit = busyUnit();
  for (const [size, tree] of [
    [3, packOf(unit, 1)],
    [3, packOf(unit, 1, { since: 4 })],
  ] as const) {
    t.regex(
      told(await verdictOnPack(unit, tree, { checkpoints: [unit.checkpoint(size)] })),
      /holds no proof from this/,
    );
  }
  // Whoever has the key makes another log, and a pack from it: only the kept checkpoint tells.
  const forked = new TinyUnit('u-1', { publicKey: unit.publicKey, privateKey: undefined as never });
  forked.sign = (bytes) => unit.sign(bytes);
  forked.evidence(2, 41);
  t.true((await verdictOnPack(unit, packOf(forked, 1))).ok);
  for (const size of [1, 3, 6]) {
    t.false((await verdictOnPack(unit, packOf(forked, 1), { checkpoints: [unit.checkpoint(size)] })).ok);
  }
});

test('a pack whose record has a schema that is not known was not checked, and is not OK', async (t) => {
  const unit = new TinyUnit('u-1', ed25519());
  unit.evidence(1, 40, (record) => ({ ...record, schema: 'atalaya/evidence/9' }));
  const tree = packOf(unit, 1);
  tree.set('files/still-0.jpg.age', Buffer.from('another picture'));
  putSums(tree);
  t.regex(told(await verdictOnPack(unit, tree)), /^record record\.json: .*its files were not checked/);
});

test('a kept checkpoint of the same size with another root, and of another unit', async (t) => {
  const unit = busyUnit();
  const tree = packOf(unit, 1);
  const other = unit.note(`atalaya/u-1\n6\n${unit.root(0, 5).toString('base64')}\n`);
  t.regex(told(await verdictOnPack(unit, tree, { checkpoints: [other] })), /The log was rewritten/);
  const foreign = signedBy('u-2', unit).checkpoint();
  t.false((await verdictOnPack(unit, tree, { checkpoints: [foreign] })).ok);
});
