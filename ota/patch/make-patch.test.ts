import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { fault } from '../../device/kernel/testing/fault.ts';
import { scratchFolder } from '../../device/kernel/testing/scratch-folder.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { systemTreeFiles } from '../../device/kernel/tree-files.ts';
import { Installer } from '../archive/installer.ts';
import { layTree, type MadeTree, programTree, targetOf } from '../archive/testing/made-archive.ts';
import { findCopies } from './find-copies.ts';
import { makePatch } from './make-patch.ts';
import { numbersOf, type PatchStep, stepNumbers } from './patch-form.ts';
import { planPatch } from './plan-patch.ts';

const { signal } = new AbortController();

function zstdIsHere(t: ExecutionContext): boolean {
  try {
    execFileSync('zstd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    t.log('passed over: the program zstd is not installed');
    t.pass();
    return false;
  }
}

function folderOf(t: ExecutionContext): string {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'scratch'));
  return folder;
}

/** Bytes that do not compress. */
function noise(length: number, seed: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.from(Uint8Array.from({ length }, () => random() * 256));
}

const library = noise(150_000, 1);
const script = Array.from({ length: 2000 }, (_, i) => `export const value${i} = ${(i * 7919) % 1000};\n`).join('');
const oldTree = programTree({
  'lib/a.so': { content: library, executable: true },
  'lib/b.js': script,
  'lib/gone.js': script.slice(500),
});

const changes: readonly (readonly [string, MadeTree, number])[] = [
  ['nothing changed', oldTree, 250],
  ['one line of a file changed', { ...oldTree, 'lib/b.js': script.replace('value77 = 563', 'value77 = 1') }, 500],
  ['a file renamed', { ...oldTree, 'other/c.so': { content: library, executable: true } }, 500],
  [
    'a library changed here and there',
    {
      ...oldTree,
      'lib/a.so': { content: library.map((one, i) => (i % 3000 === 7 ? one ^ 1 : one)), executable: true },
    },
    1500,
  ],
  ['a library of which the beginning is gone', { ...oldTree, 'lib/a.so': library.subarray(1003) }, 500],
  ['something all new', { ...oldTree, 'lib/a.so': noise(30_000, 2) }, 31_000],
];

for (const [what, tree, most] of changes) {
  test(`a patch brings over: ${what}`, async (t) => {
    if (!zstdIsHere(t)) return;
    const folder = folderOf(t);
    const [base, result, out] = [join(folder, 'base'), join(folder, 'result'), join(folder, 'patch')];
    await layTree(systemTreeFiles, base, oldTree);
    await layTree(systemTreeFiles, result, tree);
    const made = await makePatch({ base, result, out, scratch: join(folder, 'scratch'), signal });
    const target = await targetOf(systemTreeFiles, result, { patchFrom: made.base.sha256 });
    t.deepEqual(made.result, target.description.tree);
    t.is(readFileSync(out).byteLength, made.length);
    t.true(made.length <= most, `${made.length} bytes`);
    const installer = new Installer(systemTreeFiles, { cpu: 'x64' });
    const installed = await installer.patch(target, out, base, join(folder, 'installed'), signal);
    t.is(installed.kind, 'installed', JSON.stringify(installed));
    t.is(await installer.digest(join(folder, 'installed'), signal), made.result.sha256);
    t.deepEqual(readdirSync(join(folder, 'scratch')), []);
    t.false(readdirSync(folder).includes('patch.part'));
  });
}

test('the same trees make the same patch', async (t) => {
  if (!zstdIsHere(t)) return;
  const folder = folderOf(t);
  const [base, result] = [join(folder, 'base'), join(folder, 'result')];
  await layTree(systemTreeFiles, base, oldTree);
  await layTree(systemTreeFiles, result, { ...oldTree, 'lib/b.js': `// new\n${script}`, more: noise(5000, 3) });
  const patches: Buffer[] = [];
  for (const workers of [1, 3]) {
    const out = join(folder, `patch-${workers}`);
    await makePatch({ base, result, out, scratch: join(folder, 'scratch'), signal, workers });
    patches.push(readFileSync(out));
  }
  t.true(patches[0]?.equals(patches[1] ?? Buffer.alloc(0)));
});

test('no patch is made of what is no tree', async (t) => {
  const folder = folderOf(t);
  await layTree(systemTreeFiles, join(folder, 'base'), oldTree);
  const order = { base: join(folder, 'base'), result: join(folder, 'none'), out: join(folder, 'patch') };
  t.is((await fault(makePatch({ ...order, scratch: join(folder, 'scratch'), signal }))).code, 'document-refused');
});

test('without the program zstd it is said what to install', async (t) => {
  const folder = folderOf(t);
  await layTree(systemTreeFiles, join(folder, 'base'), oldTree);
  await layTree(systemTreeFiles, join(folder, 'result'), { ...oldTree, more: 'new' });
  const text = `
    import { makePatch } from ${JSON.stringify(join(import.meta.dirname, 'make-patch.ts'))};
    const order = { base: 'base', result: 'result', out: 'patch', scratch: 'scratch' };
    await makePatch({ ...order, signal: new AbortController().signal }).catch((error) => console.log(error.code));
  `;
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', text], {
    cwd: folder,
    env: { PATH: '/nowhere' },
    encoding: 'utf8',
  });
  t.is(said.trim(), 'program-missing');
});

/** What steps make, given what is fresh. */
function remade(base: Buffer, result: Buffer, steps: readonly PatchStep[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { fresh, copy } of steps) {
    parts.push(result.subarray(at, at + fresh));
    if (copy !== undefined) parts.push(base.subarray(copy.offset, copy.offset + copy.length));
    at += fresh + (copy?.length ?? 0);
  }
  return Buffer.concat(parts);
}

const pieces = fc.array(
  fc.record({ from: fc.nat(60_000), length: fc.nat(20_000), fresh: fc.uint8Array({ maxLength: 50 }) }),
  { maxLength: 5 },
);
const plain = noise(60_000, 4);
const withZeros = noise(60_000, 5).fill(0, 20_000, 40_000);

for (const [what, base] of Object.entries({ plain, withZeros })) {
  test(`what is copied and what is fresh is the result: ${what}`, (t) => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const of = parts.map((one) => [one.fresh, base.subarray(one.from, one.from + one.length)] as const);
        const result = Buffer.concat(of.flat());
        const { steps, frames } = planPatch(base, result);
        t.true(remade(base, result, steps).equals(result));
        const fresh = steps.reduce((sum, one) => sum + one.fresh, 0);
        t.is(
          frames.reduce((sum, one) => sum + one.content.byteLength, 0),
          fresh,
        );
        if (base === withZeros) return;
        // An equal run of two blocks and a few bytes is always found.
        const found = (bytes: Uint8Array): number => (bytes.byteLength > 8250 ? bytes.byteLength : 0);
        t.true(fresh <= result.byteLength - of.reduce((sum, [, bytes]) => sum + found(bytes), 0));
      }),
      { numRuns: 60 },
    );
  });
}

test('numbers of steps and stretches count from the end of the one before', (t) => {
  t.deepEqual(
    numbersOf([
      { offset: 10, length: 5 },
      { offset: 20, length: 1 },
      { offset: 0, length: 2 },
    ]),
    [10, 5, 5, 1, -21, 2],
  );
  t.deepEqual(
    stepNumbers([
      { fresh: 3, copy: { offset: 10, length: 5 } },
      { fresh: 0, copy: { offset: 15, length: 1 } },
      { fresh: 9 },
    ]),
    [3, 10, 5, 0, 0, 1, 9, 0, 0],
  );
  t.deepEqual(findCopies(Buffer.alloc(0), Buffer.alloc(0)), []);
});
