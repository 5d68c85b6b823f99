import { createHash, randomBytes } from 'node:crypto';
import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Command, CommanderError } from 'commander';
import { systemClock } from '../../../device/kernel/clock.ts';
import { explain } from '../../../device/kernel/errors.ts';
import type { DiskFacts, Disks } from '../../flash/block-device.ts';
import { systemDisks } from '../../flash/system-disks.ts';
import { card, type DiskFaults, oneDisk } from '../../flash/testing/faulty-disk.ts';
import { partitionMark } from '../../image/partitions.ts';
import { addFlashTo } from './flash.ts';

interface Bench {
  readonly image: string;
  readonly disk: string;
}

function bench(t: { teardown(end: () => void): void }): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'atalaya-flash-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [image, disk] = [join(folder, 'unit.img'), join(folder, 'disk')];
  const content = randomBytes(5 * 1024 * 1024);
  content.writeUInt16LE(partitionMark, 510);
  writeFileSync(image, content);
  writeFileSync(`${image}.sha256`, `${createHash('sha256').update(content).digest('hex')}  unit.img\n`);
  writeFileSync(disk, randomBytes(6 * 1024 * 1024));
  return { image, disk };
}

/** Calls `flash` as the program does; `types` is what a person answers. */
async function call(disks: Disks, args: readonly string[], types?: string): Promise<{ code: number; said: string }> {
  const said: string[] = [];
  const sink = { write: (text: string) => void said.push(text), columns: undefined };
  let code = 0;
  const root = new Command().exitOverride().configureOutput({ writeOut: sink.write, writeErr: sink.write });
  const io = {
    out: sink,
    err: sink,
    ask: types === undefined ? undefined : async () => types,
    askSecret: undefined,
    exchange: () => Promise.reject(new Error('no network here')),
    clock: systemClock,
    randomBytes,
    signal: new AbortController().signal,
  };
  addFlashTo(disks)(root, io, (left) => {
    code = left;
  });
  try {
    await root.parseAsync(['flash', ...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return { code: 2, said: said.join('') };
    return { code: 2, said: said.join('') + explain(error) };
  }
  return { code, said: said.join('') };
}

const flash = ({ image, disk }: Bench, types: string | undefined, faults: DiskFaults = {}, facts = card) =>
  call(oneDisk(facts, disk, faults), [image, '--to', '/dev/sdz'], types);

test('a card is shown, confirmed by its name, written, read back', async (t) => {
  const made = bench(t);
  const { code, said } = await flash(made, 'sdz');
  t.is(code, 0, said);
  t.regex(said, /\/dev\/sdz {2}Ultra Card {2}serial 4C530001 {2}31\.9 GB {2}usb, removable/);
  t.regex(said, /writing {2}5\.2 MB of 5\.2 MB {2}100 %/);
  t.regex(said, /written and read back/);
  t.true(
    readFileSync(made.disk)
      .subarray(0, 5 * 1024 * 1024)
      .equals(readFileSync(made.image)),
  );
});

test('another name, nobody there, a damaged image, a missing hash: nothing is written', async (t) => {
  const made = bench(t);
  const before = readFileSync(made.disk);
  t.regex((await flash(made, 'sda')).said, /that is not sdz; nothing was written/);
  t.regex((await flash(made, undefined)).said, /--confirm sdz/);
  t.regex((await flash(made, 'sdz', {}, { ...card, mounted: ['/'] })).said, /runs from/);
  const content = readFileSync(made.image);
  writeFileSync(made.image, content.fill(0xff, 4000, 4001).subarray(0, 4 * 1024 * 1024));
  const damaged = await flash(made, 'sdz');
  t.is(damaged.code, 1);
  t.regex(damaged.said, /is damaged.*\n {2}Nothing was written/);
  for (const other of [Buffer.alloc(0), content.subarray(0, 4_000_001), randomBytes(4096).fill(0, 510, 512)]) {
    writeFileSync(made.image, other);
    const refused = await flash(made, 'sdz');
    t.is(refused.code, 2);
    t.regex(refused.said, /is empty\n {2}Make it anew|is no image of a disk.*\n {2}Unpack it first/);
  }
  writeFileSync(made.image, content);
  rmSync(`${made.image}.sha256`);
  t.regex((await flash(made, 'sdz')).said, /sha256 is missing/);
  t.regex(
    (await call(oneDisk(card, made.disk), [made.image, '--to', '/dev/sdz', '--sha256', 'abc'], 'sdz')).said,
    /holds no SHA-256/,
  );
  t.regex(
    (await call(oneDisk(card, made.disk), ['/no/image', '--to', '/dev/sdz', '--sha256', 'a'.repeat(64)], 'sdz')).said,
    /cannot be read/,
  );
  t.true(readFileSync(made.disk).equals(before));
});

test('a card that is changed while its name is typed is not written', async (t) => {
  const made = bench(t);
  const before = readFileSync(made.disk);
  let looks = 0;
  const disks = {
    ...oneDisk(card, made.disk),
    look: async () => {
      looks += 1;
      return { ...card, serial: looks === 1 ? 'FIRST' : 'SECOND' };
    },
  };
  const { code, said } = await call(disks, [made.image, '--to', '/dev/sdz'], 'sdz');
  t.is(code, 2);
  t.regex(said, /another disk now/);
  t.true(readFileSync(made.disk).equals(before));
});

test('every fault of a card ends with a sentence, what to do, and a code that is not zero', async (t) => {
  const at = 4.5e6;
  const faults: readonly (readonly [DiskFaults, RegExp])[] = [
    [{ writeFails: { at, code: 'ENXIO' } }, /while writing: it is gone.*NOT usable.*\n {2}Put it in again/],
    [{ writeFails: { at, code: 'EIO' } }, /could not be read or written there.*NOT usable/],
    [{ writeFails: { at, code: 'ENOSPC' } }, /forged.*NOT usable/],
    [{ readFails: { at, code: 'EIO' } }, /while reading back/],
    [{ flips: 5_000_000 }, /gives back something else.*NOT usable/],
  ];
  for (const [fault, words] of faults) {
    const { code, said } = await flash(bench(t), 'sdz', fault);
    t.is(code, 1);
    t.regex(said, words);
  }
});

test('without --to the disks are shown with why not, and the one that is named is written', async (t) => {
  const made = bench(t);
  const own: DiskFacts = { ...card, path: '/dev/sda', name: 'sda', removable: false, mounted: ['/'] };
  const empty: DiskFacts = { ...card, path: '/dev/sdy', name: 'sdy', size: 0 };
  const disks = { ...oneDisk(card, made.disk), list: async () => [own, empty, card] };
  const before = readFileSync(made.disk);
  const alone = await call(disks, [made.image]);
  t.is(alone.code, 2);
  t.regex(
    alone.said,
    /^The image, 5\.2 MB, may be written to:\n {2}sdz .*31\.9 GB {2}usb, removable\nNot to:\n {2}sdy .*\n +\/dev\/sdy has no card in it.*\n {2}sda .*\n +\/dev\/sda is a disk that this machine runs from/,
  );
  t.regex(alone.said, /nobody is here to say which disk is written\n {2}Give --to \/dev\/sdz --confirm sdz/);
  t.regex((await call(disks, [made.image], 'sdb')).said, /no disk of this list is named "sdb"; nothing was written/);
  t.is((await call(disks, [made.image, '--confirm', 'sda'], 'sdz')).code, 2);
  const none = await call({ ...disks, list: async () => [own] }, [made.image], 'sda');
  t.regex(none.said, /no disk is here that this image may be written to/);
  t.regex((await call(disks, [made.image, '--file'], 'sdz')).said, /--file needs the file to write to/);
  t.true(readFileSync(made.disk).equals(before));
  const done = await call(disks, [made.image], 'sdz');
  t.is(done.code, 0, done.said);
  t.regex(done.said, /written and read back/);
});

test('an image is not written onto itself, over no link; a file is written when its name is right', async (t) => {
  const made = bench(t);
  const before = readFileSync(made.image);
  const folder = join(made.image, '..');
  symlinkSync(made.image, join(folder, 'soft'));
  linkSync(made.image, join(folder, 'hard'));
  for (const to of [made.image, join(folder, 'soft'), join(folder, 'hard'), join(folder, '.', 'unit.img')]) {
    const { code, said } = await call(systemDisks, [made.image, '--to', to, '--file']);
    t.is(code, 2);
    t.regex(said, /is the image itself: it would be written onto itself/);
  }
  const reached = await call(systemDisks, [
    join(folder, 'soft'),
    '--sha256',
    'a'.repeat(64),
    '--to',
    made.image,
    '--file',
  ]);
  t.regex(reached.said, /is the image itself/);
  t.true(readFileSync(made.image).equals(before));
  const wrong = await call(systemDisks, [made.image, '--to', made.disk, '--file', '--confirm', 'wrongname']);
  t.is(wrong.code, 2);
  t.regex(wrong.said, /that is not disk; nothing was written/);
  t.false(readFileSync(made.disk).subarray(0, before.byteLength).equals(before));
  const right = await call(systemDisks, [made.image, '--to', made.disk, '--file', '--confirm', 'disk']);
  t.is(right.code, 0, right.said);
  t.true(readFileSync(made.disk).subarray(0, before.byteLength).equals(before));
});
