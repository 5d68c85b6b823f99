import test from 'ava';
import fc from 'fast-check';
import { canonicalJson } from '../canonical-json.ts';
import { writeWholeFile } from '../durable-file.ts';
import { AtalayaError } from '../errors.ts';
import type { Files, OpenMode } from '../files.ts';
import { sha256 } from '../hash.ts';
import { fault } from '../testing/fault.ts';
import { MemoryFiles, type Operation } from '../testing/memory-files.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { Journal, type JournalOptions, type JournalPosition } from './journal.ts';
import { encodeFrame } from './journal-frame.ts';

const folder = '/data/journal';
const firstSegment = `${folder}/000000000001.journal`;

const options = (files: MemoryFiles, more: Partial<JournalOptions> = {}): JournalOptions => ({
  files,
  segmentBytes: 1 << 20,
  atLeast: 0,
  ...more,
});

const open = (files: MemoryFiles, more: Partial<JournalOptions> = {}) => Journal.open(folder, options(files, more));

/** Appends the entry that comes next. */
function put(journal: Journal): Promise<JournalPosition> {
  const sequence = journal.next;
  return journal.append(sequence, Buffer.from(JSON.stringify(entry(sequence))));
}

/** An entry that tells its number and fills some space. */
const entry = (sequence: number) => ({ sequence, text: 'x'.repeat(100 + (sequence % 7) * 40) });

async function contents(journal: Journal, from = 1): Promise<number[]> {
  const found: number[] = [];
  for await (const { position, payload } of journal.entries(from)) {
    const { sequence, text } = JSON.parse(payload.toString()) as ReturnType<typeof entry>;
    if (sequence !== position.sequence || text !== entry(sequence).text)
      throw new Error(`entry ${sequence} is not itself`);
    found.push(sequence);
  }
  return found;
}

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, i) => from + i);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Opens, reads all entries, and checks the closed segments: where nothing is wrong, all three agree on what is there. */
async function readAll(files: MemoryFiles, segmentBytes: number): Promise<void> {
  const journal = await open(files, { segmentBytes });
  const found = await contents(journal);
  const checked = await all(journal.check());
  if (found.length !== journal.last || checked.length !== journal.opening.segments - 1)
    throw new Error('not all was read');
}

async function edit(files: MemoryFiles, path: string, change: (content: Buffer) => Buffer): Promise<void> {
  const file = await files.open(path, 'read');
  const content = Buffer.alloc(await file.size());
  await file.read(content, 0);
  await writeWholeFile(files, path, change(content));
}

test('what was appended is found again, across segments and openings, and numbers go on', async (t) => {
  const files = new MemoryFiles();
  for (let run = 0; run < 3; run += 1) {
    const journal = await open(files, { segmentBytes: 1000 });
    t.is(journal.opening.last, run * 20);
    for (let i = 1; i <= 20; i += 1) {
      const position = await put(journal);
      t.is(position.sequence, run * 20 + i);
      t.is(JSON.parse((await journal.read(position)).toString()).sequence, position.sequence);
    }
    await journal.close();
  }
  const journal = await open(files, { segmentBytes: 1000 });
  t.true(journal.opening.segments > 5);
  t.deepEqual(await contents(journal), upTo(60));
  t.deepEqual(await contents(journal, 33), upTo(60, 33));
  t.deepEqual(await contents(journal, 61), []);
});

test('appends that wait share a durable write, each acknowledged only after it', async (t) => {
  const files = new MemoryFiles();
  const journal = await open(files);
  const done: string[] = [];
  files.plan = ({ kind }) => {
    if (kind === 'write') done.push('write');
    return undefined;
  };
  await Promise.all(upTo(50).map(async () => done.push(String((await put(journal)).sequence))));
  t.deepEqual(done, ['write', '1', 'write', ...upTo(50, 2).map(String)]);
});

test('an entry has the next number or none, and two of one turn are numbered in order', async (t) => {
  const journal = await open(new MemoryFiles());
  for (const sequence of [0, 2, 1.5, Number.NaN]) {
    t.is((await fault(journal.append(sequence, Buffer.from('{}')))).code, 'internal');
  }
  t.is((await fault(journal.append(1, Buffer.alloc(16 * 1024 * 1024 + 1)))).code, 'internal');
  const first = put(journal);
  t.is(journal.next, 2);
  const second = put(journal);
  t.deepEqual([(await first).sequence, (await second).sequence], [1, 2]);
  t.is((await fault(journal.append(2, Buffer.from('{}')))).code, 'internal');
  await journal.close();
  t.is((await fault(put(journal))).code, 'store-closed');
  await journal.close();
});

test('a tail that ends at any byte is cut there and reported, and nothing before it is touched', async (t) => {
  const whole = new MemoryFiles();
  const journal = await open(whole);
  for (let i = 0; i < 3; i += 1) await put(journal);
  const { offset, bytes } = await put(journal);
  for (let length = 1; length < bytes; length += 1) {
    const files = whole.survivors(() => 0.9);
    await edit(files, firstSegment, (content) => content.subarray(0, offset + length));
    const { opening } = await open(files);
    t.is(opening.last, 3);
    t.like(opening.torn, { segment: '000000000001.journal', byte: offset, bytes: length });
    t.true((await files.list(folder)).includes(`000000000001.journal.torn-at-${offset}`));
    const again = await open(files);
    t.is(again.opening.torn, undefined);
    t.is((await put(again)).sequence, 4);
    t.deepEqual(await contents(again), upTo(4));
  }
});

test('a group of which only later sectors survived is a torn tail, not damage', async (t) => {
  const files = new MemoryFiles();
  const journal = await open(files);
  const { offset, bytes } = await put(journal);
  const end = offset + bytes;
  await journal.close();
  const group = upTo(6, 2).map((sequence) =>
    encodeFrame('J1', sequence, end, Buffer.from(JSON.stringify(entry(sequence)))),
  );
  await edit(files, firstSegment, (content) => {
    const written = Buffer.concat([content, ...group]);
    return written.fill(0, end, end + 300);
  });
  const after = await open(files);
  t.like(after.opening, { last: 1, torn: { byte: end } });
});

test('one flipped bit anywhere before the last entry is damage, named with segment and byte by whoever reads it; nothing is cut', async (t) => {
  const whole = new MemoryFiles();
  const journal = await open(whole, { segmentBytes: 1500 });
  const positions: JournalPosition[] = [];
  for (let i = 0; i < 12; i += 1) positions.push(await put(journal));
  const last = positions.at(-1);
  const names = [...new Set(positions.map(({ segment }) => segment))];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.nat(7), async (segment, at, bit) => {
      const files = whole.survivors(() => 0.9);
      const name = `${segment.toString().padStart(12, '0')}.journal`;
      let byte = 0;
      let before = Buffer.alloc(0);
      await edit(files, `${folder}/${name}`, (content) => {
        byte = at % (segment === last?.segment ? last.offset : content.byteLength);
        before = Buffer.from(content);
        before[byte] = (before[byte] as number) ^ (1 << bit);
        return before;
      });
      const start = Math.max(
        0,
        ...positions.filter((p) => p.segment === segment && p.offset <= byte).map((p) => p.offset),
      );
      const { code, message } = await fault(readAll(files, 1500));
      const newest = positions.findLast((p) => p.segment === segment);
      // The last segment and the last line of each other are looked at by the opening.
      if (newest === last || byte >= (newest?.offset ?? 0)) await fault(open(files, { segmentBytes: 1500 }));
      const content = Buffer.alloc(before.byteLength);
      await (await files.open(`${folder}/${name}`, 'read')).read(content, 0);
      return (
        code === 'store-damaged' && message.includes(`segment ${name} at byte ${start}:`) && content.equals(before)
      );
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('the last entry damaged or lost is told from a torn tail by what is known elsewhere', async (t) => {
  for (const change of [
    (content: Buffer) => content.fill(0x20, content.byteLength - 10),
    (content: Buffer) => content.subarray(0, content.byteLength - 300),
  ]) {
    const files = new MemoryFiles();
    const journal = await open(files);
    for (let i = 0; i < 3; i += 1) await put(journal);
    await journal.close();
    await edit(files, firstSegment, change);
    const { code, message } = await fault(open(files, { atLeast: 3 }));
    t.is(code, 'store-damaged');
    t.true(message.includes('entry 3 had been acknowledged'), message);
    t.true((await open(files, { atLeast: 1 })).opening.last < 3);
  }
});

test('a segment missing at the beginning, in the middle or altogether is damage; an unknown format is named', async (t) => {
  const whole = new MemoryFiles();
  const journal = await open(whole, { segmentBytes: 500 });
  for (let i = 0; i < 9; i += 1) await put(journal);
  const names = await whole.list(folder);
  for (const name of names.slice(0, -1)) {
    const files = whole.survivors(() => 0.9);
    await files.remove(`${folder}/${name}`);
    const { code, message } = await fault(open(files));
    t.is(code, 'store-damaged');
    t.true(message.includes(name), message);
  }
  t.is((await fault(Journal.open('/data/other', options(whole, { atLeast: 1 })))).code, 'store-damaged');
  const newest = Number(names.at(-1)?.slice(0, 12));
  for (const [first, format] of [
    [1, 'atalaya/journal/1'],
    [1, 'atalaya/journal/3'],
    [newest, 'atalaya/journal/1'],
  ] as const) {
    const files = whole.survivors(() => 0.9);
    const name = `${first.toString().padStart(12, '0')}.journal`;
    const other = Buffer.from(JSON.stringify({ first, format }));
    await writeWholeFile(files, `${folder}/${name}`, encodeFrame('S1', first, 0, other));
    const { code, message, hint } = await fault(open(files));
    t.is(code, 'store-version-unknown');
    t.true(message.includes(name) && message.includes(format), message);
    t.regex(hint ?? '', /software that wrote it/);
  }
});

test('a segment missing among segments of equal size is found by its numbers', async (t) => {
  const whole = new MemoryFiles();
  const journal = await open(whole, { segmentBytes: 700 });
  for (let i = 0; i < 12; i += 1) await journal.append(journal.next, Buffer.from('{"always":"the same"}'.padEnd(120)));
  const names = await whole.list(folder);
  t.true(names.length >= 4);
  const files = whole.survivors(() => 0.9);
  await files.remove(`${folder}/${names[2]}`);
  const { code, message } = await fault(open(files));
  t.is(code, 'store-damaged');
  t.true(message.includes(`${names[2]} at byte 0: the segment is missing`), message);
});

test('a closed segment that has lost or won bytes is found by the opening, at whichever byte it was cut', async (t) => {
  const whole = new MemoryFiles();
  const journal = await open(whole, { segmentBytes: 1000 });
  for (let i = 0; i < 9; i += 1) await put(journal);
  const content = await whole.open(firstSegment, 'read');
  const size = await content.size();
  for (let length = 0; length <= size + 1; length += length % 7 === 0 ? 1 : 3) {
    if (length === size) continue;
    const files = whole.survivors(() => 0.9);
    await edit(files, firstSegment, (before) => Buffer.concat([before, Buffer.from('x')]).subarray(0, length));
    const { code, message } = await fault(open(files));
    t.is(code, 'store-damaged');
    t.true(message.includes('segment 000000000001.journal at byte'), message);
  }
});

test('a segment that was made anew, whole in itself, is not the one that its successor was written after', async (t) => {
  const make = async (text: string) => {
    const files = new MemoryFiles();
    const journal = await open(files, { segmentBytes: 600 });
    for (let i = 0; i < 6; i += 1) await journal.append(journal.next, Buffer.from(JSON.stringify({ text })));
    return files;
  };
  const [files, other] = [await make('x'.repeat(200)), await make('y'.repeat(200))];
  const theirs = await other.open(firstSegment, 'read');
  const content = Buffer.alloc(await theirs.size());
  await theirs.read(content, 0);
  await edit(files, firstSegment, () => content);
  const journal = await open(files, { segmentBytes: 600 });
  const { code, message } = await fault(all(journal.check()));
  t.is(code, 'store-damaged');
  t.true(message.includes('000000000001.journal') && message.includes('was written after'), message);
});

test('each segment bears size and hash of the one before, after openings too', async (t) => {
  const files = new MemoryFiles();
  for (let run = 0; run < 4; run += 1) {
    const journal = await open(files, { segmentBytes: 900 });
    for (let i = 0; i < 5; i += 1) await put(journal);
    await journal.close();
  }
  const journal = await open(files, { segmentBytes: 900 });
  t.is((await all(journal.check())).length, journal.opening.segments - 1);
  let previous: unknown = null;
  for (const name of await files.list(folder)) {
    const file = await files.open(`${folder}/${name}`, 'read');
    const content = Buffer.alloc(await file.size());
    await file.read(content, 0);
    const payload = content.toString('utf8', 112, content.indexOf('\n'));
    t.is(
      payload,
      canonicalJson({ first: Number(name.slice(0, 12)), format: 'atalaya/journal/2', previous: previous as null }),
    );
    previous = { bytes: content.byteLength, sha256: sha256(content) };
  }
});

test('entries longer than what is read at once are read whole, by opening, reading and checking', async (t) => {
  const files = new MemoryFiles();
  const long = (sequence: number) =>
    Buffer.from(JSON.stringify({ text: 'x'.repeat(sequence === 2 ? 3_000_000 : 400_000) }));
  const journal = await open(files, { segmentBytes: 4_000_000 });
  for (let sequence = 1; sequence <= 8; sequence += 1) await journal.append(sequence, long(sequence));
  const again = await open(files, { segmentBytes: 4_000_000 });
  const found = await all(again.entries());
  t.true(found.length === 8 && found.every(({ payload, position }) => payload.equals(long(position.sequence))));
  t.is((await all(again.check())).length, again.opening.segments - 1);
});

test('an opening does not read closed segments', async (t) => {
  const files = new MemoryFiles();
  const journal = await open(files, { segmentBytes: 100_000 });
  for (let i = 0; i < 1200; i += 1) await put(journal);
  await journal.close();
  let bytes = 0;
  const spy: Files = new Proxy(files, {
    get: (target, name) =>
      name === 'open'
        ? async (path: string, mode: OpenMode) => {
            const file = await target.open(path, mode);
            return {
              ...file,
              read: (into: Uint8Array, at: number) => {
                bytes += into.byteLength;
                return file.read(into, at);
              },
            };
          }
        : Reflect.get(target, name).bind(target),
  });
  const again = await Journal.open(folder, { files: spy, segmentBytes: 100_000, atLeast: 1200 });
  t.true(again.opening.segments > 3);
  t.true(bytes < again.opening.segments * 20_000 + 110_000, `${bytes} bytes read`);
});

test('a segment has an entry at least, however short segments may be', async (t) => {
  const files = new MemoryFiles();
  for (let run = 0; run < 3; run += 1) {
    const journal = await open(files, { segmentBytes: 1 });
    for (let i = 0; i < 3; i += 1) await put(journal);
    await journal.close();
  }
  const journal = await open(files, { segmentBytes: 1 });
  t.deepEqual(await contents(journal), upTo(9));
  t.is(journal.opening.segments, 9);
});

test('entries that become durable while a segment is read, and closed, leave no gap', async (t) => {
  const files = new MemoryFiles();
  const journal = await open(files, { segmentBytes: 1000 });
  await put(journal);
  await put(journal);
  const found: number[] = [];
  for await (const { position } of journal.entries()) {
    found.push(position.sequence);
    if (position.sequence < 20) await Promise.all([put(journal), put(journal), put(journal)]);
  }
  t.true(found.length > 3);
  t.deepEqual(found, upTo(found.length));
});

const mishaps = [
  ['a full disk', 'ENOSPC', 77, 'store-full'],
  ['a failing write', 'EIO', 77, 'store-failed'],
  ['a failing flush', 'EIO', Number.POSITIVE_INFINITY, 'store-failed'],
] as const;

for (const [what, systemCode, bytes, code] of mishaps) {
  test(`${what} stops the journal: it says so each time, and what was acknowledged is found again`, async (t) => {
    const files = new MemoryFiles();
    const journal = await open(files);
    for (let i = 0; i < 5; i += 1) await put(journal);
    let left = 1;
    const fails = (operation: Operation) => operation.kind === 'write' && left > 0;
    files.plan = (operation) => {
      if (!fails(operation)) return undefined;
      left -= 1;
      return { code: systemCode, bytes };
    };
    const faults = await Promise.all([1, 2, 3].map(() => fault(put(journal))));
    t.deepEqual(
      faults.map((one) => one.code),
      [code, code, code],
    );
    t.true(faults.every(({ message }) => message.startsWith('the journal has stopped accepting')));
    t.is(journal.fault?.code, code);
    const operations = files.operations;
    t.is((await fault(put(journal))).code, code);
    t.is(files.operations, operations, 'the disk is left alone');
    t.deepEqual(await contents(journal), upTo(5));
    await journal.close();
    const again = await open(files);
    t.is(again.opening.last, 5);
    t.is(again.opening.torn, undefined, 'what was written of the failed entry has been cut off at once');
    t.is((await put(again)).sequence, 6);
  });
}

test('a full disk while a segment is begun stops the journal too', async (t) => {
  const files = new MemoryFiles();
  const journal = await open(files, { segmentBytes: 200 });
  await put(journal);
  files.plan = ({ path }) => (path.includes('000000000002') ? { code: 'ENOSPC' } : undefined);
  t.is((await fault(put(journal))).code, 'store-full');
  files.plan = () => undefined;
  t.is((await fault(put(journal))).code, 'store-full');
  const again = await open(files, { segmentBytes: 200 });
  t.is((await put(again)).sequence, 2);
});

test('after a power cut at any operation, and another during recovery, everything acknowledged is there and the rest is whole', async (t) => {
  let torn = 0;
  let unacknowledged = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(120),
      fc.nat(12),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 3, maxLength: 12 }),
      fc.integer(),
      async (cut, second, groups, seed) => {
        const random = seededRandom(seed);
        const files = new MemoryFiles();
        files.plan = ({ number }) => (number === cut ? 'power-cut' : undefined);
        let acknowledged = 0;
        let asked = 0;
        const running = open(files, { segmentBytes: 1500 }).then(async (journal) => {
          for (const group of groups) {
            asked += group;
            await Promise.all(
              upTo(group).map(async () => {
                const { sequence } = await put(journal);
                acknowledged = Math.max(acknowledged, sequence);
              }),
            );
          }
        });
        await running.catch((error: unknown) => {
          if (!(error instanceof AtalayaError)) throw error;
        });
        const first = files.survivors(random);
        first.plan = ({ number }) => (number === second ? 'power-cut' : undefined);
        await open(first, { segmentBytes: 1500 }).catch((error: unknown) => {
          if (!(error instanceof AtalayaError) || error.code !== 'store-failed') throw error;
        });
        const after = first.survivors(random);
        const journal = await open(after, { segmentBytes: 1500, atLeast: acknowledged });
        if ((await after.list(folder)).some((name) => name.includes('torn-at'))) torn += 1;
        const found = await contents(journal);
        if (found.length > acknowledged) unacknowledged += 1;
        const next = (await put(journal)).sequence;
        return found.every((sequence, i) => sequence === i + 1) && found.length <= asked && next === found.length + 1;
      },
    ),
    { numRuns: 600 },
  );
  t.log(`${torn} torn tails, ${unacknowledged} found without having been acknowledged`);
  t.true(torn > 0 && unacknowledged > 0);
});

test('what an opening finds after a crash of the program survives a power cut, acknowledged before or not', async (t) => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 10, max: 60 }), fc.integer(), async (crash, seed) => {
      const files = new MemoryFiles();
      files.plan = ({ number }) => (number >= crash ? { code: 'EIO', bytes: Number.POSITIVE_INFINITY } : undefined);
      await open(files, { segmentBytes: 1500 })
        .then((journal) => Promise.all(upTo(30).map(() => put(journal))))
        .catch(() => undefined);
      files.plan = () => undefined;
      const { opening } = await open(files, { segmentBytes: 1500 });
      found += opening.last;
      const survivor = files.survivors(seededRandom(seed));
      return (await open(survivor, { segmentBytes: 1500, atLeast: opening.last })).opening.last === opening.last;
    }),
    { numRuns: 200 },
  );
  t.true(found > 0);
});
