import test from 'ava';
import type { MemoryFiles } from '../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { madeKey } from './testing/made-keys.ts';
import { two } from './testing/made-repositories.ts';
import { type MadeUnit, preparedUnit } from './testing/made-unit.ts';

/** A unit that has accepted a job, and a repository that has gone on: a new root, new metadata, a new job. */
async function midway() {
  const { made, unit } = preparedUnit();
  await (await unit.open()).check(made.source);
  const old = made.image.served();
  made.image.rotate('snapshot', [madeKey()]);
  made.assign([two]);
  return { made, unit, old };
}

async function work(unit: MadeUnit, made: Awaited<ReturnType<typeof midway>>['made']): Promise<string> {
  const keeper = await unit.open();
  const checked = await keeper.check(made.source);
  await keeper.confirmed([{ kind: 'program', name: 'unit', release: 2 }]);
  return checked.kind;
}

async function operationsOf(): Promise<number> {
  const { made, unit } = await midway();
  await using _ = unit;
  const before = unit.files.operations;
  await work(unit, made);
  return unit.files.operations - before;
}

const operations = await operationsOf();

test('the work that the power is cut in does something', (t) => {
  t.true(operations > 40, `${operations}`);
});

for (let step = 0; step < operations; step++) {
  test(`the power fails before operation ${step}: floors never fall, and the next start goes on by itself`, async (t) => {
    const { made, unit, old } = await midway();
    await using _ = unit;
    const least = (await unit.open()).versions();
    const from = unit.files.operations;
    unit.files.plan = ({ number }) => (number === from + step ? 'power-cut' : undefined);
    await t.throwsAsync(work(unit, made), { code: 'store-failed' });
    unit.files = unit.files.survivors(seededRandom(step)) as MemoryFiles;
    const keeper = await unit.open();
    t.false(
      keeper.notices.some((notice) => notice.includes('lost')),
      keeper.notices.join(),
    );
    const found = keeper.versions();
    for (const name of ['image', 'director'] as const) {
      for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const)
        t.true((found[name]?.[role] ?? 0) >= (least[name]?.[role] ?? 0), `${name} ${role}`);
    }
    const honest = made.image.served();
    made.image.serve(old);
    const rolledBack = await keeper.check(made.source);
    t.true(
      rolledBack.kind === 'refused' || found.image?.timestamp === least.image?.timestamp,
      JSON.stringify(rolledBack),
    );
    made.image.serve(honest);
    t.is(await work(unit, made), 'verified');
  });
}

test('a disk that fails or is full at any operation is a fault, and what was durable stays', async (t) => {
  for (let step = 0; step < operations; step += 3) {
    for (const code of ['ENOSPC', 'EIO']) {
      const { made, unit } = await midway();
      await using _ = unit;
      const from = unit.files.operations;
      unit.files.plan = ({ number }) => (number === from + step ? { code } : undefined);
      try {
        await work(unit, made);
      } catch (error) {
        t.regex(String((error as { code?: string }).code), /^store-(full|failed)$/);
      }
      unit.files.plan = () => undefined;
      t.is(await work(unit, made), 'verified');
    }
  }
});
