import test from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { allFiles, contentOf, flip, leafOf, leavesUpTo, logOver, unitSigner } from './testing/log-fixtures.ts';
import { naiveRoot, rootFromInclusion } from './testing/naive-tree.ts';
import { TransparencyLog } from './transparency-log.ts';

const signer = unitSigner('ed25519');

test('any damage to the tiles at the edge is found, and they are made anew from the journal', async (t) => {
  const files = new MemoryFiles();
  const journal = leavesUpTo(700);
  const made = await TransparencyLog.open('/log', logOver(files, signer, journal));
  const whole = new Map<string, Buffer>();
  for (const path of await allFiles(files, '/log')) whole.set(path, await contentOf(files, path));
  const edge = ['/log/tile/0/002.p/188', '/log/tile/1/000.p/2', '/log/tile/entries/002.p/188'];
  for (const path of edge) {
    for (const harm of ['flip', 'cut', 'remove', 'lengthen'] as const) {
      if (harm === 'flip') await flip(files, path, 40);
      else if (harm === 'remove') await files.remove(path);
      else await (await files.open(path, 'update')).truncate(harm === 'cut' ? 20 : whole.get(path)!.byteLength + 1);
      const log = await TransparencyLog.open('/log', logOver(files, signer, journal));
      t.true(log.opening.rebuiltTiles, `${harm} ${path}`);
      t.truthy(log.opening.reason);
      t.deepEqual(log.latest, made.latest);
      for (const [file, content] of whole) t.deepEqual(await contentOf(files, file), content, file);
    }
  }
});

test('a damaged tile elsewhere never comes into a proof, and a rebuild heals it', async (t) => {
  for (const path of ['/log/tile/0/001', '/log/tile/1/000']) {
    const files = new MemoryFiles();
    const journal = leavesUpTo(66_000);
    await TransparencyLog.open('/log', logOver(files, signer, journal));
    await flip(files, path, 77);
    const log = await TransparencyLog.open('/log', logOver(files, signer, journal));
    t.false(log.opening.rebuiltTiles);
    const fault = await t.throwsAsync(log.inclusion(300));
    t.true(isAtalayaError(fault, 'store-damaged'));
    t.regex(fault?.message ?? '', new RegExp(path));
    const healed = await TransparencyLog.open('/log', logOver(files, signer, journal, { rebuild: true }));
    t.true(healed.opening.rebuiltTiles);
    const { leafHash, hashes } = await healed.inclusion(300);
    t.deepEqual(rootFromInclusion(300, 66_000, leafHash, hashes), log.latest?.root);
  }
});

test('a journal that contradicts the checkpoint is refused with both roots, and no tile is touched', async (t) => {
  const files = new MemoryFiles();
  const journal = leavesUpTo(600);
  const { latest } = await TransparencyLog.open('/log', logOver(files, signer, journal));
  await flip(files, '/log/tile/0/002.p/88', 3);
  const before = await contentOf(files, '/log/tile/0/000');
  const changed = journal.with(5, leafOf(9999));
  const fault = await t.throwsAsync(TransparencyLog.open('/log', logOver(files, signer, changed)));
  t.true(isAtalayaError(fault, 'store-damaged'));
  t.true(fault?.message.includes(latest!.root.toString('hex')));
  t.true(fault?.message.includes(naiveRoot(changed).toString('hex')));
  t.deepEqual(await contentOf(files, '/log/tile/0/000'), before);
});

test('a journal shorter than the checkpoint, or than it says, is refused', async (t) => {
  const files = new MemoryFiles();
  await TransparencyLog.open('/log', logOver(files, signer, leavesUpTo(600)));
  const cut = await t.throwsAsync(TransparencyLog.open('/log', logOver(files, signer, leavesUpTo(599))));
  t.true(isAtalayaError(cut, 'store-damaged'));
  t.regex(cut?.message ?? '', /covers 600 entries and the journal has 599/);
  const short = await t.throwsAsync(
    TransparencyLog.open('/log', logOver(files, signer, leavesUpTo(610), { size: 620 })),
  );
  t.true(isAtalayaError(short, 'store-damaged'));
});

test('a checkpoint of another key or another unit is refused, and stays', async (t) => {
  for (const other of [unitSigner('ed25519'), unitSigner('p256'), unitSigner('ed25519', 'atalaya/unit-8')]) {
    const files = new MemoryFiles();
    await TransparencyLog.open('/log', logOver(files, signer, leavesUpTo(3)));
    const before = await contentOf(files, '/log/checkpoint');
    const fault = await t.throwsAsync(TransparencyLog.open('/log', logOver(files, other, leavesUpTo(3))));
    t.true(isAtalayaError(fault, 'key-mismatch'));
    t.deepEqual(await contentOf(files, '/log/checkpoint'), before);
  }
});

test('a checkpoint that is missing or damaged is made anew from the journal; damaged bytes are kept aside', async (t) => {
  const files = new MemoryFiles();
  const journal = leavesUpTo(300);
  const { latest } = await TransparencyLog.open('/log', logOver(files, signer, journal));
  await files.remove('/log/checkpoint');
  const missing = await TransparencyLog.open('/log', logOver(files, signer, journal));
  t.is(missing.opening.checkpoint, 'none');
  t.true(missing.opening.rebuiltTiles);
  t.is(missing.latest?.note, latest?.note);
  await flip(files, '/log/checkpoint', 17);
  const damaged = await contentOf(files, '/log/checkpoint');
  const again = await TransparencyLog.open('/log', logOver(files, signer, journal));
  t.is(again.opening.checkpoint, 'unreadable');
  t.is(again.latest?.note, latest?.note);
  t.deepEqual(await contentOf(files, '/log/checkpoint.unreadable'), damaged);
  t.is(latest?.note, (await contentOf(files, '/log/checkpoint')).toString());
});
