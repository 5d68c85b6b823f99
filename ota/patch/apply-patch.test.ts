import { zstdCompressSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import type { Mishap } from '../../device/kernel/testing/memory-files.ts';
import { seededRandom } from '../../device/kernel/testing/seeded-random.ts';
import { Installer } from '../archive/installer.ts';
import { closing, goodManifest, madeEntry, madeHeader, programTree } from '../archive/testing/made-archive.ts';
import { patchBounds } from './patch-form.ts';
import { applied, freshPatch, layFile, madePatch, type Trial, trialOf } from './testing/made-patch.ts';

const oldTree = programTree({ 'device/unit.js': 'export const unit = 0;\n'.repeat(40) });
const trial = await trialOf(oldTree, programTree());
const baseLength = trial.baseBytes.byteLength;
const good = freshPatch(baseLength, trial.resultBytes);
const { signal } = new AbortController();

async function patched(one: Trial, patch: Uint8Array, base = '/base', target = one.result) {
  const path = await layFile(one.files, patch);
  const folder = `${path}-installed`;
  const installer = new Installer(one.files, { cpu: 'x64' });
  const outcome = await installer.patch(target, path, base, folder, signal);
  const names = (await one.files.look(folder)) === undefined ? [] : await one.files.list(folder);
  return { outcome, names, digest: await installer.digest(folder, signal) };
}

test('a patch makes the tree that it was made for', async (t) => {
  const { outcome, digest } = await patched(trial, madePatch(good));
  t.like(outcome, { kind: 'installed', manifest: { version: goodManifest.version } });
  t.is(digest, trial.result.description.tree.sha256);
});

test('refused before anything is written: another base, a changed one, none', async (t) => {
  const other = await trialOf(programTree({ more: 'x' }), programTree());
  const wrong = { ...trial.result.description, patchFrom: 'ab'.repeat(32) };
  t.like(await patched(other, madePatch(good), '/base', { ...other.result, description: wrong }), {
    outcome: { kind: 'refused', code: 'patch-base' },
    names: [],
  });
  const file = await other.files.open('/base/device/unit.js', 'update');
  await file.write([Buffer.from('E')], 0);
  t.like(await patched(other, madePatch(good)), { outcome: { kind: 'refused', code: 'patch-base' }, names: [] });
  t.like(await patched(other, madePatch(good), '/none'), {
    outcome: { kind: 'refused', code: 'patch-base' },
    names: [],
  });
});

const { patchFrom: _, ...whole } = trial.result.description;

test('refused: a target that is no patch', async (t) => {
  const outcome = await applied(trial, madePatch(good), { ...trial.result, description: whole });
  t.like(outcome, { kind: 'refused', code: 'patch-malformed', before: 0 });
});

const header = good.header;
const frame = header.frames[0];
const [length, one] = [header.result, good.frames[0] ?? Buffer.alloc(0)];
const changed = (changes: Partial<typeof header>, frames = good.frames): Buffer =>
  madePatch({ header: { ...header, ...changes }, frames });
const framed = (changes: object, frames = good.frames): Buffer =>
  changed({ frames: [{ ...frame, ...changes }] as typeof header.frames }, frames);
const bomb = zstdCompressSync(Buffer.alloc(length * 1000));

/** What is wrong, and the patch. Each is refused as malformed, before any byte of a result but where it says otherwise. */
const malformed: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['a beginning only', madePatch(good).subarray(0, 11)],
  ['another magic', madePatch({ ...good, magic: Buffer.from('ATPATCH2') })],
  ['a header beyond the file', madePatch({ ...good, size: 2 ** 19 })],
  ['a header of 4 GiB', madePatch({ ...good, size: 2 ** 32 - 1 })],
  ['a header that is no frame', madePatch({ header: Buffer.from('{"base":1}') })],
  ['a header that is no JSON', madePatch({ header: zstdCompressSync(Buffer.from('{')) })],
  [
    'a header that unpacks without end',
    madePatch({ header: zstdCompressSync(Buffer.alloc(patchBounds.headerText + 1, ' ')) }),
  ],
  ['a field that nobody knows', madePatch({ ...good, header: { ...header, more: 1 } })],
  ['another length of the base', changed({ base: baseLength + 512 })],
  ['another length of the result', changed({ result: length + 1 })],
  ['half a step', changed({ steps: [length, 0] })],
  ['a step of nothing', changed({ steps: [length, 0, 0, 0, 0, 0] })],
  ['a negative count of new bytes', changed({ steps: [-1, 0, length + 1] })],
  ['half a byte', changed({ steps: [length, 0.5, 0] })],
  ['a copy from before the base', changed({ steps: [length - 512, -512, 512] })],
  ['a copy from behind the base', changed({ steps: [length - 512, baseLength, 512] })],
  ['a copy over the end of the base', changed({ steps: [length - 512, baseLength - 511, 512] })],
  ['a copy of a negative length', changed({ steps: [length + 512, 512, -512] })],
  ['a copy beyond what numbers can say', changed({ steps: [length, Number.MAX_SAFE_INTEGER, 1] })],
  ['more made than there should be', changed({ steps: [length, 0, 512] })],
  ['less made than there should be', changed({ steps: [length - 1, 0, 0] })],
  ['more taken than frames have', changed({ frames: [] }, [])],
  ['a frame of nothing', framed({ content: 0 })],
  ['a frame beyond the bound', framed({ content: patchBounds.content + 1 })],
  ['a frame beyond the file', framed({ size: one.byteLength + 1 })],
  ['something after the frames', framed({}, [one, Buffer.from('x')])],
  ['a prefix outside the base', framed({ prefix: [baseLength, 1] })],
  ['a prefix of half a stretch', framed({ prefix: [0] })],
  ['an empty stretch of a prefix', framed({ prefix: [0, 0] })],
  [
    'a prefix beyond the bound',
    framed({
      prefix: Array.from({ length: patchBounds.prefix / baseLength + 1 }, () => [-baseLength, baseLength])
        .flat()
        .with(0, 0),
    }),
  ],
  [
    'a frame that unpacks to less',
    framed({ size: zstdCompressSync(Buffer.from('x')).byteLength }, [zstdCompressSync(Buffer.from('x'))]),
  ],
  ['a frame that unpacks to more', framed({ size: bomb.byteLength }, [bomb])],
  ['two frames in one', framed({ size: one.byteLength * 2 }, [one, one])],
  ['a frame that is none', framed({ size: 40 }, [Buffer.alloc(40, 'frame')])],
  ['a frame that is cut', framed({ size: one.byteLength - 1 }, [one.subarray(0, -1)])],
];

for (const [what, patch] of malformed) {
  test(`refused: a patch with ${what}`, async (t) => {
    t.like(await applied(trial, patch), { kind: 'refused', code: 'patch-malformed', before: 0 });
  });
}

test('many frames over all of the base for a few bytes each are refused', async (t) => {
  const content = Buffer.alloc(2);
  const small = zstdCompressSync(content);
  const big = await trialOf({ ...oldTree, big: 'x'.repeat(100_000) }, programTree());
  const all = big.baseBytes.byteLength;
  const many = 400;
  const patch = madePatch({
    header: {
      base: all,
      result: length,
      steps: [many * 2, 0, length - many * 2],
      frames: Array.from({ length: many }, () => ({ content: 2, size: small.byteLength, prefix: [0, all] })),
    },
    frames: Array.from({ length: many }, () => small),
  });
  t.like(await applied(big, patch), {
    kind: 'refused',
    code: 'patch-malformed',
    detail: 'the patch reads too much of the base for what it makes',
  });
});

test('a patch that makes another tree is refused as that, and no archive of an attack gets through one', async (t) => {
  const made = Buffer.from(trial.resultBytes);
  made[1200] = (made[1200] ?? 0) ^ 1;
  const results: readonly (readonly [Buffer, RegExp])[] = [
    [made, /archive-(tree|malformed)/],
    [trial.baseBytes, /archive-tree/],
    [
      Buffer.concat([madeEntry(madeHeader({ path: 'a', executable: false, size: 0 }, { name: '../a' })), closing]),
      /archive-path/,
    ],
    [
      Buffer.concat([madeEntry(madeHeader({ path: 'a', executable: false, size: 0 }, { type: '2' })), closing]),
      /archive-link/,
    ],
  ];
  for (const [bytes, detail] of results) {
    const result = Buffer.concat([bytes, Buffer.alloc(length)]).subarray(0, length);
    const { outcome } = await patched(trial, madePatch(freshPatch(baseLength, result)));
    t.is(outcome.kind === 'refused' && outcome.code, 'patch-result');
    t.regex(outcome.kind === 'refused' ? outcome.detail : '', detail);
  }
});

test('a patch with a changed byte is refused, or makes the same all the same', async (t) => {
  const patch = madePatch(good);
  await fc.assert(
    fc.asyncProperty(fc.nat(patch.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const bad = Buffer.from(patch);
      bad[at] = (bad[at] ?? 0) ^ change;
      const outcome = await applied(trial, bad);
      if (outcome.kind === 'refused') return outcome.code === 'patch-malformed';
      if (outcome.bytes.equals(trial.resultBytes)) return true;
      const { outcome: installed } = await patched(trial, bad);
      return installed.kind === 'refused' && installed.code === 'patch-result';
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

async function withMishap(at: number, mishap: Mishap) {
  const one = await trialOf(oldTree, programTree());
  const path = await layFile(one.files, madePatch(good));
  await one.files.makeFolder('/slots');
  await one.files.syncTree('/');
  const from = one.files.operations;
  one.files.plan = ({ number }) => (number === from + at ? mishap : undefined);
  const installer = new Installer(one.files, { cpu: 'x64' });
  const ended = await installer.patch(one.result, path, '/base', '/slots/a', signal).then(
    ({ kind }) => kind,
    (error: unknown) => (isAtalayaError(error) ? error.code : 'another error'),
  );
  return { one, ended, operations: one.files.operations - from };
}

test('whichever operation fails or is the last before a power cut, a patch leaves no half of a tree that is called one', async (t) => {
  const { operations, ended } = await withMishap(-1, 'power-cut');
  t.is(ended, 'installed');
  t.true(operations > 30);
  for (let at = 0; at < operations; at++) {
    for (const mishap of [{ code: 'EIO' }, 'power-cut'] as const) {
      t.is((await withMishap(at, mishap)).ended, 'store-failed', `operation ${at}`);
    }
  }
  const { one, ended: whole } = await withMishap(operations, 'power-cut');
  t.is(whole, 'installed');
  for (let seed = 0; seed < 20; seed++) {
    const after = new Installer(one.files.survivors(seededRandom(seed)), { cpu: 'x64' });
    t.is(await after.digest('/slots/a', signal), one.result.description.tree.sha256);
  }
});
