import test from 'ava';
import { ManualClock } from '../../device/kernel/manual-clock.ts';
import type { Operation } from '../../device/kernel/testing/memory-files.ts';
import { MemoryFiles } from '../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { makeUnitKey } from '../identity/unit-keys.ts';
import { LinkingFiles } from '../testing/linking-files.ts';
import { madeAuthority, signed, testTools } from '../testing/made-authority.ts';
import { Authority } from './authority.ts';
import { publishList, revokeHolder } from './revocation.ts';

const folder = '/ca';
const clock = new ManualClock(Date.now());
const toolsOn = (memory: MemoryFiles) => testTools(clock, new LinkingFiles(memory));

/** Runs `work` once for each operation that it does, the power failing before it; `look` sees what a start finds. */
async function cutEverywhere(
  before: () => Promise<MemoryFiles>,
  work: (memory: MemoryFiles) => Promise<unknown>,
  look: (after: MemoryFiles, operation: Operation, survived: boolean) => Promise<void>,
): Promise<number> {
  for (let at = 0; ; at += 1) {
    const memory = await before();
    const begun = memory.operations;
    let cut: Operation | undefined;
    memory.plan = (operation) => {
      if (operation.number - begun !== at) return undefined;
      cut = operation;
      return 'power-cut';
    };
    const survived = await work(memory).then(
      () => true,
      () => false,
    );
    if (cut === undefined) return at;
    memory.plan = () => undefined;
    for (const seed of [1, 2, 3]) await look(memory.survivors(seededRandom(seed * 1000 + at)), cut, survived);
  }
}

test('a making that is cut leaves a whole authority or none', async (t) => {
  let whole = 0;
  const steps = await cutEverywhere(
    async () => new MemoryFiles(),
    async (memory) => (await madeAuthority(folder, toolsOn(memory))).close(),
    async (after, operation) => {
      const there = await after.list('/').then((names) => names.includes('ca'));
      if (!there) return;
      whole += 1;
      const authority = await Authority.open(folder, toolsOn(after));
      await signed(authority, 'north-1');
      await authority.unlock(undefined, authority.current);
      await authority.close();
      t.true((await after.list(`${folder}/root`)).includes('root.key'), `${operation.kind} ${operation.path}`);
    },
  );
  t.true(steps > 40, `${steps} steps`);
  t.true(whole > 0);
});

test('whoever has a certificate stands in the register; whoever asks again is given the same one', async (t) => {
  const key = makeUnitKey();
  let unfinished = 0;
  const steps = await cutEverywhere(
    async () => {
      const memory = new MemoryFiles();
      await (await madeAuthority(folder, toolsOn(memory))).close();
      return memory;
    },
    async (memory) => {
      const authority = await Authority.open(folder, toolsOn(memory));
      await signed(authority, 'north-1', { key });
    },
    async (after) => {
      const names = await after.list(`${folder}/issued`);
      const authority = await Authority.open(folder, toolsOn(after));
      const known = authority.register.issued;
      t.true(known.length <= 1);
      for (const name of names.filter((one) => one.endsWith('.pem')))
        t.true(name.includes(known[0]?.serial.slice(0, 8) ?? '?'));
      const { signed: again } = await signed(authority, 'north-1', { key });
      if (known[0] !== undefined) {
        t.is(again.record.serial, known[0].serial);
        unfinished += 1;
      }
      t.is(authority.register.issued.length, 1);
      await authority.close();
    },
  );
  t.true(steps > 15);
  t.true(unfinished > 0, 'some cuts fell between the register and the file');
});

test('a list that was cut is made anew under a higher number, and a revocation is never lost once it was said', async (t) => {
  await cutEverywhere(
    async () => {
      const memory = new MemoryFiles();
      const authority = await madeAuthority(folder, toolsOn(memory));
      await signed(authority, 'north-1');
      await publishList(authority, 30, undefined);
      await authority.close();
      return memory;
    },
    async (memory) => {
      const authority = await Authority.open(folder, toolsOn(memory));
      await revokeHolder(authority, 'north-1', 'superseded');
      await publishList(authority, 30, undefined);
    },
    async (after, _operation, survived) => {
      const authority = await Authority.open(folder, toolsOn(after));
      const numbered = authority.register.crl?.number ?? 0;
      const revoked = authority.register.issued[0]?.revoked !== undefined;
      if (survived) t.true(revoked);
      if (numbered === 2) t.true(revoked, 'the second list came after the revocation');
      const list = await publishList(authority, 30, undefined);
      t.is(list.number, numbered + 1);
      t.is(list.revoked, revoked ? 1 : 0);
      await authority.close();
    },
  );
});

test('a stick that is full or read-only: nothing is signed, and the reason is told', async (t) => {
  for (const [code, told] of [
    ['ENOSPC', 'store-full'],
    ['EROFS', 'store-failed'],
  ] as const) {
    const memory = new MemoryFiles();
    const authority = await madeAuthority(folder, toolsOn(memory));
    memory.plan = ({ kind }) => (kind === 'write' || (kind === 'open' && code === 'EROFS') ? { code } : undefined);
    const error = await t.throwsAsync(signed(authority, 'north-1'));
    t.like(error, { code: told });
    memory.plan = () => undefined;
    const after = await Authority.open(folder, toolsOn(memory.survivors(seededRandom(1))));
    t.true(after.register.issued.length <= 1);
    t.deepEqual(
      (await after.tools.files.list(`${folder}/issued`)).filter((name) => name.endsWith('.pem')),
      [],
    );
  }
});
