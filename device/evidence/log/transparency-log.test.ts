import test from 'ava';
import fc from 'fast-check';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { readCheckpoint } from './checkpoint.ts';
import { noteKey, parseNote } from './note.ts';
import { formatConsistency, formatInclusion } from './proof.ts';
import { allFiles, contentOf, leafOf, leavesUpTo, logOver, makeWitness, unitSigner } from './testing/log-fixtures.ts';
import { consistencyHolds, naiveRoot, rootFromInclusion } from './testing/naive-tree.ts';
import { TransparencyLog } from './transparency-log.ts';

const signer = unitSigner('ed25519');

test('a new log is empty, and its first checkpoint is that of what was appended', async (t) => {
  const files = new MemoryFiles();
  const log = await TransparencyLog.open('/log', logOver(files, signer, []));
  t.is(log.size, 0);
  t.is(log.latest, undefined);
  t.deepEqual(log.opening, {
    size: 0,
    checkpointSize: 0,
    checkpoint: 'none',
    rebuiltTiles: false,
    reason: undefined,
  });
  await t.throwsAsync(log.inclusion(0), { message: /no checkpoint/ });
  t.deepEqual((await log.checkpoint()).root, naiveRoot([]));
  t.is(log.append(leafOf(0)), 0);
  t.is(log.append(leafOf(1)), 1);
  const checkpoint = await log.checkpoint();
  t.deepEqual(checkpoint.root, naiveRoot(leavesUpTo(2)));
  t.is(checkpoint.note, (await contentOf(files, '/log/checkpoint')).toString());
  t.deepEqual(await allFiles(files, '/log'), ['/log/checkpoint', '/log/tile/0/000.p/2', '/log/tile/entries/000.p/2']);
});

test('appends, checkpoints and new starts in any order give the roots and proofs of the definition', async (t) => {
  const step = fc.oneof(
    fc.record({ append: fc.oneof(fc.nat(40), fc.nat(600), fc.constantFrom(255, 256, 257)) }),
    fc.constant('checkpoint' as const),
    fc.constant('restart' as const),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 6, maxLength: 6 }),
      async (steps, draws) => {
        const files = new MemoryFiles();
        const journal: Buffer[] = [];
        let log = await TransparencyLog.open('/log', logOver(files, signer, journal));
        for (const what of steps) {
          if (what === 'checkpoint') {
            t.deepEqual((await log.checkpoint()).root, naiveRoot(journal));
          } else if (what === 'restart') {
            const before = log.latest;
            await log.close();
            log = await TransparencyLog.open('/log', logOver(files, signer, journal));
            t.is(log.size, journal.length);
            if (before !== undefined) t.deepEqual(log.latest, before);
          } else {
            for (let count = 0; count < what.append; count += 1) {
              journal.push(leafOf(journal.length));
              t.is(log.append(journal.at(-1)!), journal.length - 1);
            }
          }
        }
        for (const [one, other] of journal.length === 0 ? [] : draws) {
          const size = 1 + (one % journal.length);
          const from = 1 + (other % size);
          const root = naiveRoot(journal.slice(0, size));
          const proof = await log.inclusion(from - 1, size);
          t.deepEqual(rootFromInclusion(from - 1, size, proof.leafHash, proof.hashes), root);
          const old = naiveRoot(journal.slice(0, from));
          t.true(consistencyHolds(from, size, old, root, await log.consistency(from, size)));
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('past 65,536 leaves a third level is written and read again', async (t) => {
  const files = new MemoryFiles();
  const journal = leavesUpTo(66_000);
  const first = await TransparencyLog.open('/log', logOver(files, signer, journal));
  t.true(first.opening.rebuiltTiles);
  t.deepEqual(first.latest?.root, naiveRoot(journal));
  const log = await TransparencyLog.open('/log', logOver(files, signer, journal));
  t.is(log.opening.checkpoint, 'read');
  t.false(log.opening.rebuiltTiles);
  for (const index of [0, 255, 256, 40_000, 65_535, 65_536, 65_999]) {
    const { size, leafHash, hashes, checkpoint } = await log.inclusion(index);
    t.deepEqual(rootFromInclusion(index, size, leafHash, hashes), checkpoint?.root);
  }
  const old = naiveRoot(journal.slice(0, 300));
  t.true(consistencyHolds(300, 66_000, old, log.latest!.root, await log.consistency(300)));
  t.is((await contentOf(files, '/log/tile/2/000.p/1')).byteLength, 32);
});

test('a start costs the leaves since the checkpoint and one file a level', async (t) => {
  const files = new MemoryFiles();
  const journal = leavesUpTo(66_100);
  await TransparencyLog.open('/log', logOver(files, signer, journal.slice(0, 66_000)));
  const asked: number[] = [];
  const read: string[] = [];
  const before = files.operations;
  files.plan = ({ kind, path }) => {
    if (kind === 'read') read.push(path);
    return undefined;
  };
  const options = logOver(files, signer, journal, {
    leaves: async function* (from) {
      asked.push(from);
      yield* journal.slice(from);
    },
  });
  const log = await TransparencyLog.open('/log', options);
  t.is(log.size, 66_100);
  t.deepEqual(asked, [66_000]);
  t.deepEqual(read, [
    '/log/checkpoint',
    '/log/tile/0/257.p/208',
    '/log/tile/1/001.p/1',
    '/log/tile/2/000.p/1',
    '/log/tile/entries/257.p/208',
  ]);
  t.true(files.operations - before < 60);
});

test('only the partial tiles of the newest checkpoint are kept', async (t) => {
  const files = new MemoryFiles();
  const journal: Buffer[] = [];
  const log = await TransparencyLog.open('/log', logOver(files, signer, journal));
  for (const upTo of [3, 100, 200, 300, 512, 700]) {
    while (log.size < upTo) log.append(leafOf(log.size));
    await log.checkpoint();
  }
  t.deepEqual(
    (await allFiles(files, '/log')).filter((path) => path.includes('.p/')),
    ['/log/tile/0/002.p/188', '/log/tile/1/000.p/2', '/log/tile/entries/002.p/188'],
  );
  await log.close();
  const longer = await TransparencyLog.open('/log', logOver(files, signer, leavesUpTo(9_000)));
  t.is(longer.opening.checkpointSize, 700);
  await longer.checkpoint();
  t.deepEqual(
    (await allFiles(files, '/log')).filter((path) => path.includes('.p/')),
    ['/log/tile/0/035.p/40', '/log/tile/1/000.p/35', '/log/tile/entries/035.p/40'],
  );
});

test('an append while a checkpoint is being written is in the next; calls that wait share one', async (t) => {
  const files = new MemoryFiles();
  const log = await TransparencyLog.open('/log', logOver(files, signer, []));
  for (let index = 0; index < 250; index += 1) log.append(leafOf(index));
  const first = log.checkpoint();
  await Promise.resolve();
  await Promise.resolve();
  for (let index = 250; index < 600; index += 1) log.append(leafOf(index));
  const second = log.checkpoint();
  const third = log.checkpoint();
  t.is((await first).size, 250);
  t.deepEqual((await first).root, naiveRoot(leavesUpTo(250)));
  t.is((await second).size, 600);
  t.is(await second, await third);
  const before = files.operations;
  t.is(await log.checkpoint(), await second);
  t.is(files.operations, before);
  const again = await TransparencyLog.open('/log', logOver(files, signer, leavesUpTo(600)));
  t.false(again.opening.rebuiltTiles);
});

test('the buffer of a leaf belongs to the caller again after the append', async (t) => {
  const log = await TransparencyLog.open('/log', logOver(new MemoryFiles(), signer, []));
  const leaf = leafOf(0);
  log.append(leaf);
  leaf.fill(0);
  t.deepEqual((await log.checkpoint()).root, naiveRoot([leafOf(0)]));
  t.true(
    isAtalayaError(
      t.throws(() => log.append(Buffer.alloc(65_536))),
      'usage-invalid',
    ),
  );
  t.is(log.size, 1);
});

test('P-256: checkpoints hold and are read again', async (t) => {
  const files = new MemoryFiles();
  const p256 = unitSigner('p256');
  const { latest } = await TransparencyLog.open('/log', logOver(files, p256, leavesUpTo(5)));
  const key = noteKey(p256.name, 'p256', p256.spki);
  t.is(readCheckpoint(Buffer.from(latest!.note), key).kind, 'good');
  const log = await TransparencyLog.open('/log', logOver(files, p256, leavesUpTo(9)));
  t.is(log.opening.checkpointSize, 5);
  t.is(log.size, 9);
});

test('a signer whose key does not fit gives no checkpoint; the next call tries again', async (t) => {
  const files = new MemoryFiles();
  let sign = unitSigner('ed25519').sign;
  const log = await TransparencyLog.open('/log', logOver(files, { ...signer, sign: (text) => sign(text) }, []));
  log.append(leafOf(0));
  t.true(isAtalayaError(await t.throwsAsync(log.checkpoint()), 'key-mismatch'));
  t.is(log.latest, undefined);
  sign = signer.sign;
  t.is((await log.checkpoint()).size, 1);
});

test('cosignatures of known witnesses are kept, the newest of each; all else is refused', async (t) => {
  const files = new MemoryFiles();
  const [one, two, stranger] = [makeWitness('w.example/1'), makeWitness('w.example/2'), makeWitness('w.example/3')];
  const options = logOver(files, signer, leavesUpTo(3), { witnesses: [one.vkey, two.vkey] });
  const log = await TransparencyLog.open('/log', options);
  const { text, note } = log.latest!;
  const names = () => {
    const parsed = parseNote(Buffer.from(log.latest!.note));
    return parsed.ok ? parsed.note.signatures.map((line) => line.name) : [];
  };
  await log.cosign(two.cosign(text, 100n));
  t.deepEqual(names(), [signer.name, 'w.example/2']);
  const both = await log.cosign(`${one.cosign(text, 100n)}${stranger.cosign(text, 5n).split('\n').at(-2)}\n`);
  t.deepEqual(names(), [signer.name, 'w.example/1', 'w.example/2']);
  t.is((await log.cosign(one.cosign(text, 50n))).note, both.note);
  t.not((await log.cosign(one.cosign(text, 150n))).note, both.note);
  const refused = async (content: string, message: RegExp) => {
    const before = log.latest;
    const fault = await t.throwsAsync(log.cosign(content), { message });
    t.true(isAtalayaError(fault, 'cosignature-refused'));
    t.is(log.latest, before);
  };
  await refused(stranger.cosign(text, 1n), /no cosignature of a known witness, and one of "w.example\/3"$/);
  const unknown = await t.throwsAsync(log.cosign(stranger.cosign(text, 1n)));
  t.regex((unknown as AtalayaError).hint ?? '', /evidence.witnesses/, 'what helps is said');
  await refused(note, /no cosignature of a known witness/);
  await refused(one.cosign(text.replace('\n3\n', '\n4\n'), 1n), /not over the newest checkpoint/);
  await refused(one.cosign(text, 1n).replace(text, text.replace('\n3\n', '\n2\n')), /not over the newest/);
  await refused('nonsense', /not a signed note/);
  const forged = one.cosign('other\n', 1n).replace('other\n', text);
  await refused(forged, /does not hold/);
  await log.close();
  const again = await TransparencyLog.open('/log', options);
  t.is(again.latest?.note, log.latest?.note);
  again.append(leafOf(3));
  t.false((await again.checkpoint()).note.includes('w.example'));
  await t.throwsAsync(TransparencyLog.open('/log', { ...options, witnesses: ['x'] }), { message: /verifier key/ });
});

test('proofs are written in their formats', async (t) => {
  const log = await TransparencyLog.open('/log', logOver(new MemoryFiles(), signer, leavesUpTo(5)));
  const proof = await log.inclusion(4);
  t.is(
    formatInclusion(proof, proof.checkpoint!.note),
    `c2sp.org/tlog-proof@v1\nindex 4\n${proof.hashes[0]!.toString('base64')}\n\n${log.latest!.note}`,
  );
  t.is(formatConsistency(await log.consistency(5)), '');
  t.regex(formatConsistency(await log.consistency(3)), /^([A-Za-z0-9+/]{43}=\n)+$/);
  t.is((await log.inclusion(1, 3)).checkpoint, undefined);
  t.true(isAtalayaError(await t.throwsAsync(log.inclusion(5)), 'usage-invalid'));
  t.true(isAtalayaError(await t.throwsAsync(log.inclusion(0, 6)), 'usage-invalid'));
});

test('a closed log refuses', async (t) => {
  const log = await TransparencyLog.open('/log', logOver(new MemoryFiles(), signer, []));
  log.append(leafOf(0));
  const last = log.checkpoint();
  await log.close();
  t.is((await last).size, 1);
  t.true(
    isAtalayaError(
      t.throws(() => log.append(leafOf(1))),
      'store-closed',
    ),
  );
  t.true(isAtalayaError(await t.throwsAsync(log.checkpoint()), 'store-closed'));
  t.true(isAtalayaError(await t.throwsAsync(log.cosign('')), 'store-closed'));
});
