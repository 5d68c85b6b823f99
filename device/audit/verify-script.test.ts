import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { EvidenceFile } from '../evidence/record/record.ts';
import { each, followGuide, PackBench, sumAgain } from './testing/run-verify.ts';
import type { Algorithm } from './testing/sample-log.ts';
import { sampleSigner } from './testing/sample-log.ts';
import { pictureFile, type SampleOptions, samplePack, samplePlate, unreadPlate } from './testing/sample-pack.ts';

const bench = await PackBench.open('sh');
const busybox = await PackBench.open('busybox');
test.after.always(async () => {
  await bench?.close();
  await busybox?.close();
});

const signers = { ed25519: sampleSigner('ed25519'), p256: sampleSigner('p256') };
const make = (options: SampleOptions) => samplePack({ signer: signers.ed25519, ...options });

const opened = ({ name, role }: EvidenceFile): Buffer => (role === 'plate' ? samplePlate.content : Buffer.from(name));

/** With a bench, else a test that says that it did not run. */
const withBench = (title: string, run: (t: import('ava').ExecutionContext, on: PackBench) => Promise<void>): void =>
  test(title, async (t) => {
    if (bench === undefined) {
      t.log('skipped: no sh or no openssl here');
      t.pass();
      return;
    }
    await run(t, bench);
  });

/** Every leaf of every size is proven, and every older size against it. */
const sizes = Array.from({ length: 9 }, (_, i) => i + 1);

withBench(
  'openssl and coreutils find whole what is whole, wherever it stands in a log of whatever size',
  async (t, on) => {
    const places = [
      ...sizes.flatMap((size) => Array.from({ length: size }, (_, index) => ({ size, index, since: index + 1 }))),
      { size: 13, index: 12, since: 8 },
      { size: 20, index: 16, since: 19 },
      { size: 64, index: 31, since: 33 },
      { size: 257, index: 256, since: 256 },
      { size: 1000, index: 511, since: 1000 },
      { size: 1023, index: 1022, since: 0 },
    ];
    await each(places, async (place) => {
      const pack = await on.pack(make({ ...place, files: [] }));
      const { code, says } = await on.verify(pack);
      t.is(code, 0, `${JSON.stringify(place)}: ${says}`);
      t.regex(says, new RegExp(`inclusion: entry ${place.index + 1} of ${place.size}\n`));
      t.regex(says, new RegExp(`consistency: nothing among the first ${place.since} entries was rewritten\n`));
      t.regex(says, /^OK: unit-7-\d{9} holds, by the key that you gave/m);
    });
  },
);

for (const algorithm of ['ed25519', 'p256'] as const satisfies readonly Algorithm[]) {
  withBench(
    `${algorithm}: with files, clip, older checkpoint and what was opened; without files after an erasure`,
    async (t, on) => {
      const signer = signers[algorithm];
      const full = await on.pack(make({ size: 7, index: 2, since: 4, signer, opened }));
      const { code, says } = await on.verify(full, ['-s', join(full, 'log/since'), `${full}.pem`]);
      t.is(code, 0, says);
      t.regex(says, /files: 7 sealed files are those that the record names/);
      t.regex(says, /OK {5}opened\/plate\.json: the plate that the record commits to/);
      t.regex(says, /NOTE {3}opened\/: no signature covers the opened files/);
      const erased = await on.pack(make({ size: 7, index: 2, erasedBy: 5, signer }));
      const after = await on.verify(erased);
      t.is(after.code, 0, after.says);
      t.regex(after.says, /erasure: 7 files were erased, and the log says so/);
    },
  );
}

test('busybox is enough', async (t) => {
  if (busybox === undefined) {
    t.log('skipped: busybox is not installed');
    t.pass();
    return;
  }
  const options = { size: 7, index: 2, since: 5 };
  for (const pack of [await busybox.pack(make(options)), await busybox.pack(make({ ...options, erasedBy: 5 }))]) {
    const { code, says } = await busybox.verify(pack);
    t.is(code, 0, says);
    await writeFile(join(pack, 'leaf'), 'x');
    await sumAgain(pack);
    t.is((await busybox.verify(pack)).failed, 'leaf');
  }
});

withBench('the commands of VERIFY.md, typed one by one, lead to the root of the checkpoint', async (t, on) => {
  const places = [
    { size: 1, index: 0 },
    { size: 11, index: 4, since: 6 },
    { size: 11, index: 10, signer: signers.p256 },
    { size: 13, index: 12 },
    { size: 6, index: 4, erasedBy: 5 },
  ];
  for (const place of places) {
    const parts = make(place);
    const said = await followGuide(await on.pack(parts));
    t.true(said.includes(parts.checkpoint.split('\n')[2] ?? '-'), said);
    t.true(said.includes(parts.record.signer), said);
    t.regex(said, /record\.sig: OK/);
    t.is(said.match(/Verified [Ss]uccessfully|Verified OK/g)?.length, 2, said);
    for (const { sha256 } of place.erasedBy === undefined ? parts.record.files : []) t.true(said.includes(sha256));
  }
});

withBench('an opened plate is held against the record, by the script and by hand', async (t, on) => {
  const options = { size: 7, index: 2, opened };
  const whole = await on.pack(make(options));
  const said = await followGuide(whole);
  t.true(said.includes(`${samplePlate.commitment}  opened/plate.json`), said);
  // In place of it another plate that opens nothing, one that was sealed elsewhere, and a byte more; the list of sums made to fit.
  const text = samplePlate.content.toString();
  for (const other of [text.replace('AB123CD', 'AB123CE'), unreadPlate.content.toString(), `${text} `, '']) {
    await writeFile(join(whole, 'opened/plate.json'), other);
    await sumAgain(whole);
    const { code, failed, says } = await on.verify(whole);
    t.deepEqual([code, failed], [1, 'opened/plate.json'], says);
    t.false(says.includes('AB123C'));
  }
  const sealed = await readFile(join(await on.pack(make({ size: 7, index: 2 })), 'VERIFY.md'), 'utf8');
  t.true(sealed.includes('`age -d -i AUTHORITY.key files/plate.json.age | sha256sum`'));
  t.true(sealed.includes(samplePlate.commitment));
});

withBench("an opened picture of the plate that is another package's, or was edited, is named", async (t, on) => {
  const whole = await on.pack(make({ size: 7, index: 2, opened }));
  const { code, says } = await on.verify(whole);
  t.is(code, 0, says);
  t.regex(says, /OK {5}opened\/plate\.png: the picture that the plate commits to/);
  for (const name of ['plate.png', 'plate-vehicle.png']) {
    const right = await readFile(join(whole, 'opened', name));
    for (const other of ['plate', 'close-up.png', '']) {
      await writeFile(join(whole, 'opened', name), other);
      await sumAgain(whole);
      t.is((await on.verify(whole)).failed, `opened/${name}`);
    }
    await writeFile(join(whole, 'opened', name), right);
  }
  // Without it, or without the plate itself, nothing is wrong: nobody has to open anything.
  for (const gone of ['plate.png', 'plate.json']) {
    await rm(join(whole, 'opened', gone));
    await sumAgain(whole);
    t.is((await on.verify(whole)).code, 0);
  }
});

withBench('a plate that lies opened in a pack whose files were erased is named', async (t, on) => {
  const pack = await on.pack(make({ size: 7, index: 2, erasedBy: 5 }));
  await mkdir(join(pack, 'opened'));
  await writeFile(join(pack, 'opened/plate.json'), samplePlate.content);
  await sumAgain(pack);
  t.is((await on.verify(pack)).failed, 'opened/plate.json');
});

withBench('a plate file that is missing, swapped or another is named', async (t, on) => {
  for (const name of ['plate.json.age', 'plate.png.age', 'plate-vehicle.png.age']) {
    const pack = await on.pack(make({ size: 7, index: 2 }));
    await cp(join(pack, 'files/at.jpg.age'), join(pack, 'files', name));
    await sumAgain(pack);
    t.is((await on.verify(pack)).failed, `files/${name}`);
    await rm(join(pack, 'files', name));
    await sumAgain(pack);
    t.is((await on.verify(pack)).failed, `files/${name}`);
  }
});

withBench('without a key from elsewhere nothing is OK', async (t, on) => {
  const pack = await on.pack(make({ size: 3, index: 1 }));
  const { code, says } = await on.verify(pack, []);
  t.is(code, 3);
  t.regex(says, /NOT VERIFIED: THE KEY WAS TAKEN FROM THIS PACK/);
  t.notRegex(says, /^OK:/m);
});

withBench('names that a hostile record chose stay in the pack, and still verify', async (t, on) => {
  const names = [
    '../../up.jpg',
    '/etc/passwd',
    'A.jpg',
    'a.JPG',
    '.hidden',
    '-rf',
    'file-2',
    'a "b" c',
    'b","role":"x',
    'line\nline',
    '日本.jpg',
    'x'.repeat(300),
  ];
  const files = names.map((name) => pictureFile(name, 'context', 'at', 7));
  const pack = await on.pack(make({ size: 3, index: 1, files, opened: () => Buffer.from('no picture') }));
  const { code, says } = await on.verify(pack);
  t.is(code, 0, says);
  const listed = (await readFile(join(pack, 'SHA256SUMS'), 'utf8'))
    .match(/ {2}files\/.*$/gm)
    ?.map((line) => line.slice(8));
  t.deepEqual(
    listed,
    ['file-1', 'file-2', 'A.jpg', ...[4, 5, 6, 7, 8, 9, 10, 11, 12].map((i) => `file-${i}`)].map(
      (name) => `${name}.age`,
    ),
  );
});

/** Which part the script names for a byte changed in a file, where whoever changed it made SHA256SUMS fit. */
const named: Readonly<Record<string, RegExp>> = {
  'record.json': /^record\.sig$/,
  'record.sig': /^record\.sig$/,
  leaf: /^leaf$/,
  'log/checkpoint': /^log\/checkpoint$/,
  'log/inclusion': /^log\/inclusion$/,
  'log/since': /^log\/since$/,
  'log/consistency': /^log\/consistency$/,
  'keys/unit.pem': /^keys\/unit\.pem$/,
  'keys/unit.vkey': /^keys\/unit\.vkey$/,
  'files/at.jpg.age': /^files\/at\.jpg\.age$/,
  'files/plate.json.age': /^files\/plate\.json\.age$/,
  'clip.txt': /^clip\.txt$/,
  'erasure/record.json': /^erasure\/record\.sig$/,
  'erasure/record.sig': /^erasure\/record\.sig$/,
  'erasure/leaf': /^erasure\/leaf$/,
  'erasure/inclusion': /^erasure\/inclusion$/,
};

withBench('a changed bit of any part fails, and the part is named', async (t, on) => {
  const whole = await on.pack(make({ size: 11, index: 4, since: 6 }));
  const erased = await on.pack(make({ size: 11, index: 4, since: 6, erasedBy: 9, signer: signers.p256 }));
  const cases = fc.sample(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(7)), {
    numRuns: 5 * Object.keys(named).length,
  });
  const flips = Object.keys(named).flatMap((path, i) =>
    cases.slice(i * 5, i * 5 + 5).map(([share, bit], k) => ({ path, share: k === 0 ? 0 : k === 1 ? 1 : share, bit })),
  );
  const copies = Array.from({ length: 4 }, (_, i) => i);
  await each(copies, async (copy) => {
    for (const [i, { path, share, bit }] of flips.entries()) {
      if (i % copies.length !== copy) continue;
      const from = path.startsWith('erasure/') ? erased : whole;
      const pack = join(on.folder, `flip-${i}`);
      await cp(from, pack, { recursive: true });
      const bytes = await readFile(join(pack, path));
      const at = Math.min(Math.floor(share * bytes.byteLength), bytes.byteLength - 1);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
      await writeFile(join(pack, path), bytes);
      const what = `${path}, byte ${at}, bit ${bit}`;
      const found = await on.verify(pack, [`${from}.pem`]);
      t.is(found.code, 1, what);
      t.regex(found.says, new RegExp(`FAILED SHA256SUMS: ${path.replaceAll('.', '\\.')}: FAILED`), what);
      await sumAgain(pack);
      const again = await on.verify(pack, [`${from}.pem`]);
      t.is(again.code, 1, `${what}: ${again.says}`);
      t.regex(again.failed ?? '', named[path] ?? /^$/, `${what}: ${again.says}`);
      await rm(pack, { recursive: true });
    }
  });
});

withBench('a pack that another made, or put together from others, fails', async (t, on) => {
  const good = { size: 9, index: 3, since: 5 };
  const fails = async (
    part: string,
    parts: Parameters<PackBench['pack']>[0],
    change: (pack: string) => Promise<unknown>,
    args?: (pack: string) => string[],
  ) => {
    const pack = await on.pack(parts);
    await change(pack);
    await sumAgain(pack);
    const { code, failed, says } = await on.verify(pack, args?.(pack));
    t.is(code, 1, says);
    t.is(failed, part, says);
  };
  const other = await on.pack(make({ size: 9, index: 6, since: 4 }));
  const bare = await on.pack(make({ size: 8, index: 3 }));
  const take =
    (path: string, from = other) =>
    (pack: string) =>
      cp(join(from, path), join(pack, path), { recursive: true });
  const nothing = async () => undefined;
  const erasure = make({ ...good, erasedBy: 7 });
  await fails('keys/unit.pem', make({ ...good, signer: sampleSigner('ed25519') }), nothing, () => [`${bare}.pem`]);
  await fails('keys/unit.pem', make({ ...good, signer: signers.p256 }), nothing, () => [`${bare}.pem`]);
  await fails('record.sig', make(good), take('record.json'));
  await fails('log/inclusion', make(good), take('log/inclusion'));
  await fails('log/inclusion', make(good), take('log/checkpoint', bare));
  await fails('log/consistency', make(good), take('log/since'));
  await fails('log/since', make(good), nothing, (pack) => ['-s', join(bare, 'log/checkpoint'), `${pack}.pem`]);
  await fails('log/since', make({ size: 9, index: 3 }), nothing, (pack) => [
    '-s',
    join(pack, 'log/checkpoint'),
    `${pack}.pem`,
  ]);
  await fails('files/at.jpg.age', make(good), (pack) => rm(join(pack, 'files/at.jpg.age')));
  await fails('files/before.jpg.age', make(good), async (pack) => {
    await rename(join(pack, 'files/at.jpg.age'), join(pack, 'files/x'));
    await rename(join(pack, 'files/before.jpg.age'), join(pack, 'files/at.jpg.age'));
    await rename(join(pack, 'files/x'), join(pack, 'files/before.jpg.age'));
  });
  await fails('files/more.age', make(good), (pack) => writeFile(join(pack, 'files/more.age'), 'more'));
  await fails('files/before.jpg.age', erasure, take('files', other));
  await fails('files/before.jpg.age', erasure, (pack) => rm(join(pack, 'erasure'), { recursive: true }));
  await fails('erasure/record.json', make({ ...good, erasedBy: 8 }), async (pack) => {
    const elsewhere = await on.pack(make({ size: 9, index: 2, erasedBy: 8 }));
    await take('erasure', elsewhere)(pack);
  });
  for (const part of ['record.sig', 'leaf', 'log/checkpoint', 'log/inclusion', 'keys/unit.pem', 'keys/unit.vkey']) {
    await fails(part, make(good), (pack) => rm(join(pack, part)));
  }
});

withBench('the key of the pack is no key from elsewhere, wherever it is named from', async (t, on) => {
  const pack = await on.pack(make({ size: 3, index: 1 }));
  await symlink(pack, `${pack}.link`);
  for (const key of [
    join(pack, 'keys/unit.pem'),
    join(`${pack}.link`, 'keys/unit.pem'),
    join(pack, 'log/../keys/unit.pem'),
  ]) {
    const { code, says } = await on.verify(pack, [key]);
    t.is(code, 3, says);
    t.notRegex(says, /^OK:/m);
  }
});

withBench('what waits or has no end is named and not read', async (t, on) => {
  const lay: readonly ((path: string) => unknown)[] = [
    (path) => spawnSync('mkfifo', [path]),
    (path) => symlinkSync('/dev/zero', path),
  ];
  for (const put of lay) {
    for (const part of ['leaf', 'files/at.jpg.age', 'files/more', 'sheet.html', 'SHA256SUMS']) {
      const pack = await on.pack(make({ size: 3, index: 1 }));
      await writeFile(join(pack, 'SHA256SUMS'), `${'0'.repeat(64)}  files/more\n`, { flag: 'a' });
      await rm(join(pack, part), { force: true });
      put(join(pack, part));
      const { code, failed, says } = await on.verify(pack);
      t.is(code, 1, `${part}: ${says}`);
      t.is(failed, part, says);
    }
    const pack = await on.pack(make({ size: 3, index: 1 }));
    await writeFile(join(pack, 'SHA256SUMS'), `${'0'.repeat(64)}  more/zero\n`, { flag: 'a' });
    await symlink('/dev', join(pack, 'more'));
    t.is((await on.verify(pack)).failed, 'more');
  }
});

withBench('names cannot move the cursor of a terminal, nor stand for two', async (t, on) => {
  const pack = await on.pack(make({ size: 3, index: 1 }));
  await writeFile(join(pack, 'b\u009b8m'), 'x');
  const noted = await on.verify(pack);
  t.is(noted.code, 0, noted.says);
  t.notRegex(noted.says, /[^\n -~]/);
  for (const name of ['a\u001b[2J\nOK: unit-7-000000002 holds', 'files/at.jpg.age\nmore']) {
    await writeFile(join(pack, name), 'x');
    const { code, says } = await on.verify(pack);
    t.is(code, 1, says);
    t.notRegex(says, /[^\n -~]|^OK: /m);
    await rm(join(pack, name));
  }
});

withBench(
  'a file that SHA256SUMS does not list fails where it could be taken for a part; elsewhere it is only noted',
  async (t, on) => {
    const pack = await on.pack(make({ size: 2, index: 0 }));
    await writeFile(join(pack, 'my notes.txt'), 'mine');
    const noted = await on.verify(pack);
    t.is(noted.code, 0, noted.says);
    t.regex(noted.says, /NOTE {3}my notes\.txt: not part of a pack/);
    await writeFile(join(pack, 'keys/other.pem'), 'x');
    t.is((await on.verify(pack)).failed, 'keys/other.pem');
  },
);
