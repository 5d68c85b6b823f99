import test from 'ava';
import fc from 'fast-check';
import { blockSize, closing, eventsOf, inPieces, madeEntry, madeHeader, refusalOf } from './testing/made-archive.ts';

const entry = { path: 'one', executable: false, size: 3 };
const good = madeEntry(madeHeader(entry), 'abc');
const later = madeEntry(madeHeader({ ...entry, path: 'two' }), 'def');
const withHeader = (changes: Parameters<typeof madeHeader>[1], content = 'abc'): Buffer =>
  Buffer.concat([madeEntry(madeHeader(entry, changes), content), closing]);
const named = (path: string): Buffer => withHeader({ name: path });

/** What is done, the archive, and the code that it is refused by. */
const attacks: readonly (readonly [string, Buffer, string])[] = [
  ['an absolute path', named('/etc/passwd'), 'archive-path'],
  ['a path out of the folder', named('../../etc/passwd'), 'archive-path'],
  ['a path out of the folder, further on', named('a/../../b'), 'archive-path'],
  ['a path out of the folder by way of the prefix', withHeader({ prefix: '..' }), 'archive-path'],
  ['an absolute prefix', withHeader({ prefix: '/etc' }), 'archive-path'],
  ['a path with an empty level', named('a//b'), 'archive-path'],
  ['the path of a folder', named('a/'), 'archive-path'],
  ['a path with the level of the folder itself', named('./one'), 'archive-path'],
  ['an empty path', named(''), 'archive-path'],
  ['a NUL inside a path', named('one\0two'), 'archive-path'],
  ['a backslash', named('..\\one'), 'archive-path'],
  ['letters that another file system writes otherwise', named('\xc3\xa4'), 'archive-path'],
  ['a hard link', withHeader({ type: '1' }), 'archive-link'],
  ['a symbolic link', withHeader({ type: '2' }), 'archive-link'],
  ['a character device', withHeader({ type: '3' }), 'archive-device'],
  ['a block device', withHeader({ type: '4' }), 'archive-device'],
  ['a pipe', withHeader({ type: '6' }), 'archive-device'],
  ['a folder', withHeader({ type: '5' }), 'archive-malformed'],
  ['a pax header, which would rename what follows', withHeader({ type: 'x' }), 'archive-malformed'],
  ['a global pax header', withHeader({ type: 'g' }), 'archive-malformed'],
  ['a long name of GNU', withHeader({ type: 'L' }), 'archive-malformed'],
  ['a sparse file of GNU', withHeader({ type: 'S' }), 'archive-malformed'],
  ['a file of the old kind', withHeader({ type: '\0' }), 'archive-malformed'],
  ['the form of GNU', withHeader({ magic: 'ustar  \0' }), 'archive-malformed'],
  ['another checksum', withHeader({ checksum: '000000\0 ' }), 'archive-malformed'],
  ['a program of another owner', withHeader({ mode: '0004755\0' }), 'archive-malformed'],
  ['a file that all may write', withHeader({ mode: '0000666\0' }), 'archive-malformed'],
  ['an owner', withHeader({ user: '0001750\0' }), 'archive-malformed'],
  ['a time', withHeader({ modified: '15172144537\0' }), 'archive-malformed'],
  ['a size in blanks', withHeader({ size: '          3\0' }), 'archive-malformed'],
  ['a size in the numbers of GNU', withHeader({ size: '\x80\0\0\0\0\0\0\0\0\0\0\x03' }), 'archive-malformed'],
  ['a prefix where there is room in the name', withHeader({ prefix: 'a' }), 'archive-malformed'],
  ['two files of one path', Buffer.concat([good, good, closing]), 'archive-duplicate'],
  ['files out of order', Buffer.concat([later, good, closing]), 'archive-duplicate'],
  [
    'a file below a file',
    Buffer.concat([good, madeEntry(madeHeader({ ...entry, path: 'one/two' }), 'abc'), closing]),
    'archive-duplicate',
  ],
  [
    'a file below a file, with another between',
    Buffer.concat(
      ['one', 'one-b', 'one/two'].map((path) => madeEntry(madeHeader({ ...entry, path }), 'abc')).concat(closing),
    ),
    'archive-duplicate',
  ],
  ['a size of 8 GiB', withHeader({ size: '77777777777\0' }), 'archive-bomb'],
  ['a size for which there is no room', withHeader({ size: '00000020000\0' }), 'archive-bomb'],
  [
    'something in the padding',
    Buffer.concat([madeHeader(entry), Buffer.alloc(512, 'x'), closing]),
    'archive-malformed',
  ],
  ['one block at the end', Buffer.concat([good, closing.subarray(blockSize)]), 'archive-incomplete'],
  ['no end', good, 'archive-incomplete'],
  ['a file after the end', Buffer.concat([good, closing, later]), 'archive-malformed'],
  [
    'a file after half of the end',
    Buffer.concat([good, closing.subarray(blockSize), later, closing]),
    'archive-malformed',
  ],
  ['zeros after the end', Buffer.concat([good, closing, closing]), 'archive-malformed'],
  ['one byte after the end', Buffer.concat([good, closing, Buffer.of(0)]), 'archive-malformed'],
  ['something that is no archive', Buffer.alloc(2048, 'atalaya '), 'archive-malformed'],
  ['nothing', Buffer.alloc(0), 'archive-incomplete'],
];

for (const [what, archive, code] of attacks) {
  test(`refused: ${what}`, async (t) => {
    t.is(await refusalOf(archive), code);
  });
}

test('the archive that the attacks are made of is a good one', async (t) => {
  t.is(await refusalOf(Buffer.concat([good, later, closing])), undefined);
  t.is(await refusalOf(closing), undefined);
});

test('more bytes than there should be are refused before they are given on', async (t) => {
  const archive = Buffer.concat([good, later, closing]);
  t.is(await refusalOf(archive, archive.byteLength - 1), 'archive-bomb');
  const events = await eventsOf(inPieces(archive, [100]), { length: 600 });
  t.is(events.at(-1)?.kind, 'refused');
  t.true(events.every((event) => event.kind !== 'bytes'));
});

test('more files than there may be are refused', async (t) => {
  const events = await eventsOf(inPieces(Buffer.concat([good, later, closing])), { length: 5000, files: 1 });
  t.like(events.at(-1), { kind: 'refused', code: 'archive-bomb' });
});

test('a refusal of the source goes through', async (t) => {
  const source = async function* () {
    yield good;
    yield { kind: 'refused', code: 'archive-bomb', detail: 'of the source' } as const;
  };
  t.like((await eventsOf(source(), { length: 5000 })).at(-1), { code: 'archive-bomb', detail: 'of the source' });
});

test('cut anywhere, it is incomplete', async (t) => {
  const archive = Buffer.concat([good, later, closing]);
  for (let length = 0; length < archive.byteLength; length += 97) {
    t.is(await refusalOf(archive.subarray(0, length), archive.byteLength), 'archive-incomplete', `${length}`);
  }
});

test('any changed byte is refused, or is content and changes the hash', async (t) => {
  const archive = Buffer.concat([good, later, closing]);
  const whole = (await eventsOf(inPieces(archive), { length: archive.byteLength })).at(-1);
  if (whole?.kind !== 'end') return t.fail();
  await fc.assert(
    fc.asyncProperty(fc.nat(archive.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Buffer.from(archive);
      changed[at] = (changed[at] ?? 0) ^ change;
      const last = (await eventsOf(inPieces(changed), { length: changed.byteLength })).at(-1);
      if (last?.kind === 'refused') return true;
      const isContent = [blockSize, blockSize * 3].some((from) => at >= from && at < from + 3);
      return isContent && last?.kind === 'end' && last.tree.sha256 !== whole.tree.sha256;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
