import test from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import { MemoryFiles } from '../../kernel/testing/memory-files.ts';
import { seededRandom } from '../../kernel/testing/seeded-random.ts';
import { readCheckpoint } from './checkpoint.ts';
import { noteKey } from './note.ts';
import { leavesUpTo, logOver, unitSigner } from './testing/log-fixtures.ts';
import { naiveRoot } from './testing/naive-tree.ts';
import { TransparencyLog } from './transparency-log.ts';

const signer = unitSigner('ed25519');
const key = noteKey(signer.name, signer.algorithm, signer.spki);
const journal = leavesUpTo(900);
const roots = new Map<number, string>();

function rootOf(size: number): string {
  const known = roots.get(size) ?? naiveRoot(journal.slice(0, size)).toString('hex');
  roots.set(size, known);
  return known;
}

/** What a run does, step by step; `acknowledged` is told of each checkpoint. */
type Run = (files: MemoryFiles, acknowledged: (size: number) => void) => Promise<void>;

const sizes = [1, 3, 255, 256, 300, 520, 600];

const fromNothing: Run = async (files, acknowledged) => {
  const log = await TransparencyLog.open('/log', logOver(files, signer, []));
  for (const size of sizes) {
    while (log.size < size) log.append(journal[log.size]!);
    acknowledged((await log.checkpoint()).size);
  }
};

const goingOn: Run = async (files, acknowledged) => {
  const log = await TransparencyLog.open('/log', logOver(files, signer, journal.slice(0, 700)));
  if (log.latest !== undefined) acknowledged(log.latest.size);
  acknowledged((await log.checkpoint()).size);
};

const rebuilding: Run = async (files, acknowledged) => {
  const log = await TransparencyLog.open('/log', logOver(files, signer, journal.slice(0, 700), { rebuild: true }));
  if (log.latest !== undefined) acknowledged(log.latest.size);
  acknowledged((await log.checkpoint()).size);
};

async function prepared(how: 'whole' | 'no checkpoint' | 'no edge' | 'bad checkpoint'): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  await fromNothing(files, () => undefined);
  if (how === 'no checkpoint') await files.remove('/log/checkpoint');
  if (how === 'no edge') await files.remove('/log/tile/1/000.p/2');
  if (how === 'bad checkpoint') await (await files.open('/log/checkpoint', 'update')).truncate(30);
  return files.survivors(() => 0.99);
}

async function storedSize(files: MemoryFiles): Promise<number | undefined> {
  try {
    const file = await files.open('/log/checkpoint', 'read');
    const content = Buffer.alloc(await file.size());
    await file.read(content, 0);
    const read = readCheckpoint(content, key);
    if (read.kind !== 'good') return undefined;
    const { size, root } = read.checkpoint;
    if (root.toString('hex') !== rootOf(size)) throw new Error(`the root at ${size} is not that of the journal`);
    return size;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const cases: [string, Run, Parameters<typeof prepared>[0] | 'nothing'][] = [
  ['a log from its beginning', fromNothing, 'nothing'],
  ['a start and a checkpoint', goingOn, 'whole'],
  ['a rebuild that was asked for', rebuilding, 'whole'],
  ['a rebuild of missing tiles', goingOn, 'no edge'],
  ['a checkpoint made anew', goingOn, 'no checkpoint'],
  ['a damaged checkpoint made anew', goingOn, 'bad checkpoint'],
];

for (const [name, run, state] of cases) {
  test(`the power is cut at each operation: ${name}`, async (t) => {
    const start = async () => (state === 'nothing' ? new MemoryFiles() : await prepared(state));
    const counted = await start();
    const before = counted.operations;
    await run(counted, () => undefined);
    const operations = counted.operations - before;
    t.true(operations > 20);
    for (let cut = 0; cut < operations; cut += 1) {
      const files = await start();
      files.plan = ({ number }) => (number === before + cut ? 'power-cut' : undefined);
      let acknowledged = 0;
      // What only cleans up may fail unseen, so a run can end well although the power was gone.
      await run(files, (size) => {
        acknowledged = size;
      }).catch((error: unknown) => t.true(isAtalayaError(error, 'store-failed'), String(error)));
      for (const seed of [1, 2]) {
        const survivors = files.survivors(seededRandom(cut * 7 + seed));
        const stored = await storedSize(survivors);
        t.true((stored ?? 0) >= acknowledged, `cut at ${cut}: ${stored} after ${acknowledged} was acknowledged`);
        const log = await TransparencyLog.open('/log', logOver(survivors, signer, journal));
        t.is(log.size, journal.length);
        if (stored !== undefined) {
          t.is(log.latest?.size, stored);
          if (state !== 'no edge') t.false(log.opening.rebuiltTiles, `cut at ${cut}: ${log.opening.reason}`);
        }
        for (const index of [0, 299, (log.latest?.size ?? 1) - 1]) {
          if (log.latest !== undefined && index < log.latest.size) await log.inclusion(index);
        }
        t.is((await log.checkpoint()).root.toString('hex'), rootOf(journal.length));
        t.is(await storedSize(survivors), journal.length);
      }
    }
  });
}

test('the power is cut while a start writes the full tiles of a long tail', async (t) => {
  const long = leavesUpTo(4_400);
  const root = naiveRoot(long).toString('hex');
  const counted = await prepared('whole');
  const before = counted.operations;
  await TransparencyLog.open('/log', logOver(counted, signer, long));
  const operations = counted.operations - before;
  t.true(operations > 150);
  for (let cut = 0; cut < operations; cut += 5) {
    const files = await prepared('whole');
    files.plan = ({ number }) => (number === before + cut ? 'power-cut' : undefined);
    await TransparencyLog.open('/log', logOver(files, signer, long)).catch((error: unknown) =>
      t.true(isAtalayaError(error, 'store-failed'), String(error)),
    );
    const survivors = files.survivors(seededRandom(cut));
    t.is(await storedSize(survivors), 600);
    const log = await TransparencyLog.open('/log', logOver(survivors, signer, long));
    t.false(log.opening.rebuiltTiles);
    t.is((await log.checkpoint()).root.toString('hex'), root);
    await log.inclusion(4_000);
  }
});

test('a checkpoint that was renamed by a run that died, and then the power fails: whichever is found has its tiles', async (t) => {
  for (let seed = 0; seed < 40; seed += 1) {
    const files = await prepared('whole');
    const log = await TransparencyLog.open('/log', logOver(files, signer, journal.slice(0, 620)));
    let renamed = false;
    files.plan = ({ kind, path }) => {
      if (renamed && kind === 'syncFolder') return { code: 'EIO' };
      renamed ||= kind === 'rename' && path === '/log/checkpoint';
      return undefined;
    };
    await t.throwsAsync(log.checkpoint(), { message: /cannot write .*checkpoint/ });
    files.plan = () => undefined;
    const next = await TransparencyLog.open('/log', logOver(files, signer, journal.slice(0, 620)));
    t.is(next.latest?.size, 620);
    const survivors = files.survivors(seededRandom(seed));
    const last = await TransparencyLog.open('/log', logOver(survivors, signer, journal));
    t.false(last.opening.rebuiltTiles, last.opening.reason);
  }
});

test('any one operation fails, also for want of space: the log goes on, or the next try does', async (t) => {
  const counted = await prepared('whole');
  const before = counted.operations;
  await goingOn(counted, () => undefined);
  const operations = counted.operations - before;
  for (let at = 0; at < operations; at += 1) {
    for (const code of ['EIO', 'ENOSPC']) {
      const files = await prepared('whole');
      const log = await TransparencyLog.open('/log', logOver(files, signer, journal.slice(0, 700)));
      const begin = files.operations;
      files.plan = ({ number }) => (number === begin + at ? { code } : undefined);
      const first = await log.checkpoint().catch((error: unknown) => {
        t.true(isAtalayaError(error, code === 'EIO' ? 'store-failed' : 'store-full'), String(error));
      });
      files.plan = () => undefined;
      log.append(journal[700]!);
      t.true(first === undefined || first.size === 700);
      t.is((await log.checkpoint()).root.toString('hex'), rootOf(701));
      const again = await TransparencyLog.open('/log', logOver(files, signer, journal));
      t.false(again.opening.rebuiltTiles);
      t.is(again.latest?.size, 701);
    }
  }
});
