import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { each, PackBench, sumAgain } from '../audit/testing/run-verify.ts';
import { start, workForever } from '../evidence/testing/run-program.ts';
import { clerk, seal } from '../evidence/testing/stores.ts';
import type { Verdict } from '../evidence/verify/finding.ts';
import { parseKey } from '../evidence/verify/keys.ts';
import { verifyPack } from '../evidence/verify/verify-pack.ts';
import { type StoreOptions, verifyStore } from '../evidence/verify/verify-store.ts';
import { exportPacks } from './audit/export-packs.ts';
import { idOf, type MadeData, madeData, manyActs } from './testing/made-data.ts';
import { type BusyData, busyData, copyOf, failuresOf, filesIn, flipBytes, told } from './testing/tampered-store.ts';

/** What somebody changes in real stores and real packs is found, named, and nothing that nobody changed is. */

const [busy, p256] = await Promise.all([busyData(), busyData({ algorithm: 'p256' })]);
test.after.always(async () => {
  for (const made of [busy, p256]) await made.remove();
});

const keyOf = async (made: MadeData) => parseKey(await readFile(made.publicKey, 'utf8'));
const verified = async (made: MadeData, folder: string, more: Partial<StoreOptions> = {}): Promise<Verdict> =>
  verifyStore(folder, { key: await keyOf(made), ...more });

const quiet = (): void => undefined;
const who = { who: 'A. Auditor', why: 'case 4711' };
const never = new AbortController().signal;

/** Packs: a whole one with an older checkpoint, an erased one, and one that was opened. */
async function packsOf(made: BusyData): Promise<readonly string[]> {
  const kept = join(made.home, 'kept.txt');
  await writeFile(kept, made.kept);
  const at = (name: string) => join(made.home, name);
  const flags = { store: made.data, ...who };
  await exportPacks([idOf(made.unit, 1)], { ...flags, out: at('since'), since: kept }, quiet, never);
  await exportPacks([idOf(made.unit, 3)], { ...flags, out: at('erased') }, quiet, never);
  await exportPacks([idOf(made.unit, 5)], { ...flags, out: at('opened'), identity: made.identity }, quiet, never);
  return [at('since'), at('erased'), at('opened')];
}

test.serial('nobody changed anything: OK, and all is counted', async (t) => {
  for (const made of [busy, p256]) {
    const verdict = await verified(made, made.store, { checkpoints: [made.kept] });
    t.true(verdict.ok, told(verdict));
    t.like(verdict.counts, {
      records: made.entries,
      evidence: 12,
      erased: 1,
      held: 1,
      notices: 0,
      tiles: 3,
      bundles: 2,
    });
    t.true(verdict.counts.segments >= 4);
    t.true((await verified(made, made.older, { checkpoints: [made.kept] })).ok);
  }
});

for (const [made, most] of [
  [busy, 16],
  [p256, 8],
] as const) {
  test.serial(`a byte of a store is another (${made === busy ? 'Ed25519' : 'P-256'})`, async (t) => {
    await using copy = await copyOf(made.store);
    const key = await keyOf(made);
    const verify = () => verifyStore(copy.path, { key, workers: 2 });
    const beside = (path: string) => !/^journal|^log\/checkpoint/.test(path);
    const many = await flipBytes(copy.path, verify, { most, seed: 1, wanted: beside, together: 200 });
    t.deepEqual(many.wrong.slice(0, 5), []);
    const few = await flipBytes(copy.path, verify, { most: most / 4, seed: 2, wanted: (path) => !beside(path) });
    t.deepEqual(few.wrong.slice(0, 5), []);
    t.log(`${many.count + few.count} bytes`);
    t.true(many.count > most * 80 && few.count >= most);
    t.true((await verify()).ok, 'as it was');
  });
}

for (const algorithm of ['ed25519', 'p256'] as const) {
  test.serial(`a byte of the journal or of the checkpoint of a small store is another (${algorithm})`, async (t) => {
    const small = await madeData({ algorithm });
    t.teardown(() => small.remove());
    const store = await small.open({ segmentBytes: 4000 });
    await seal(store, 10);
    await store.custody.hold(idOf('unit-1', 1), 'court', clerk);
    await manyActs(store, 2);
    await store.close();
    const key = await keyOf(small);
    const verify = () => verifyStore(small.store, { key });
    const wanted = (path: string) => /^journal|^log\/checkpoint/.test(path);
    const { count, wrong } = await flipBytes(small.store, verify, {
      most: algorithm === 'p256' ? 60 : 120,
      seed: 3,
      wanted,
    });
    t.log(`${count} bytes`);
    t.deepEqual(wrong.slice(0, 5), []);
    t.true(count > 170, `${count}`);
  });
}

test.serial('a byte of a pack is another; another pack lends its files', async (t) => {
  for (const [made, most] of [
    [busy, 10],
    [p256, 4],
  ] as const) {
    const key = await keyOf(made);
    const packs = await packsOf(made);
    let count = 0;
    for (const pack of packs) {
      const whole = await verifyPack(pack, { key });
      t.true(whole.ok, told(whole));
      const since = (await filesIn(pack)).includes('log/since');
      t.is((await verifyPack(pack, { key, checkpoints: [made.kept] })).ok, since);
      const verify = () => verifyPack(pack, { key });
      const beside = (path: string) => /^(files|opened|keys)\/|^(VERIFY|verify|sheet|clip)/.test(path);
      const plans = [
        { most: most * 3, seed: 4, wanted: beside, together: 200 },
        { most, seed: 5, wanted: (path: string) => !beside(path) },
      ];
      for (const plan of plans) {
        const flips = await flipBytes(pack, verify, plan);
        t.deepEqual(flips.wrong.slice(0, 5), []);
        count += flips.count;
      }
    }
    t.log(`${count} bytes`);
    const [one = '', , other = ''] = packs;
    const proven = /^(record\.|leaf|log\/(checkpoint|inclusion)|files\/)/;
    const shared = (await filesIn(other)).filter((path) => proven.test(path));
    for (const lent of [
      ...shared.map((path) => [path]),
      shared.filter((path) => path.startsWith('log/')),
      shared.filter((path) => path.startsWith('files/')),
    ]) {
      await using copy = await copyOf(one);
      for (const path of lent) await cp(join(other, path), join(copy.path, path));
      await sumAgain(copy.path);
      const verdict = await verifyPack(copy.path, { key });
      t.false(verdict.ok, lent.join());
    }
    await using unerased = await copyOf(packs[1] ?? '');
    await rm(join(unerased.path, 'erasure'), { recursive: true });
    await sumAgain(unerased.path);
    t.regex(told(await verifyPack(unerased.path, { key })), /^file files\//m);
  }
});

test.serial('verify.sh finds the bytes of a pack as well', async (t) => {
  const bench = await PackBench.open('sh');
  if (bench === undefined) return t.log('sh or openssl is not here: not tried');
  t.teardown(() => bench.close());
  for (const made of [busy, p256]) {
    for (const name of made === busy ? ['since'] : ['erased']) {
      const pack = join(made.home, name);
      const whole = await bench.verify(pack, [made.publicKey]);
      t.is(whole.code, 0, whole.says);
      const paths = (await filesIn(pack)).filter((path) => !path.startsWith('opened/'));
      const missed: string[] = [];
      await each(paths, async (path) => {
        for (const sums of path === 'SHA256SUMS' || /^(VERIFY|verify|sheet)/.test(path)
          ? ['as they were']
          : ['as they were', 'made anew']) {
          await using copy = await copyOf(pack);
          const bytes = await readFile(join(copy.path, path));
          const at = Math.floor(bytes.byteLength * 0.6);
          bytes[at] = (bytes[at] as number) ^ 1;
          await writeFile(join(copy.path, path), bytes);
          if (sums === 'made anew') await sumAgain(copy.path);
          // As an auditor does who has the script from somewhere else.
          await cp(join(pack, 'verify.sh'), join(copy.path, 'verify.sh'));
          const { code } = await bench.verify(copy.path, [made.publicKey]);
          if (code === 0 && !(path === 'verify.sh')) missed.push(`${path}, sums ${sums}`);
        }
      });
      t.deepEqual(missed, []);
    }
  }
});

test.serial('a program that was killed leaves nothing that fails, erasures in the middle included', async (t) => {
  const made = await madeData();
  t.teardown(() => made.remove());
  const killed = join(made.home, 'killed');
  for (let round = 0; round < 6; round += 1) {
    const running = start([process.execPath, workForever, killed, '4000', made.recipient]);
    running.process.stdin?.write('go\n');
    await running.written(round === 0 ? 3 : 2 + round * 3);
    running.process.kill('SIGKILL');
    const { errors } = await running.ended;
    t.is(errors, '');
    const key = parseKey(await readFile(join(killed, 'public/unit.pem'), 'utf8'));
    const verdict = await verifyStore(killed, { key });
    // Until the next start an erasure that is stated may be unfinished, and that is told.
    t.deepEqual(
      failuresOf(verdict).filter(({ part }) => part !== 'erasure'),
      [],
      told(verdict),
    );
  }
});

test.serial(
  'before the first entry nothing fails; before the first checkpoint it is said that nothing proves the order',
  async (t) => {
    const made = await madeData();
    t.teardown(() => made.remove());
    const empty = await verified(made, made.store);
    t.true(empty.ok, told(empty));
    const store = await made.open();
    await seal(store, 10);
    await store.close();
    await rm(join(made.store, 'log'), { recursive: true });
    t.regex(told(await verified(made, made.store)), /^checkpoint .*No good checkpoint/);
    await (await made.open()).close();
    const after = await verified(made, made.store);
    t.true(after.ok, told(after));
  },
);
