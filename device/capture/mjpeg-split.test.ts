import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { type MjpegEnd, type MjpegPiece, splitMjpeg } from './mjpeg-split.ts';
import { makeJpeg, makeJpegs } from './testing/made-recordings.ts';

interface Split {
  readonly pieces: readonly MjpegPiece[];
  readonly end: MjpegEnd;
}

async function* inChunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  // One buffer for every chunk, overwritten each time: a reader may do that.
  const shared = Buffer.alloc(Math.max(1, ...sizes));
  for (let at = 0, i = 0; at < bytes.byteLength; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    const chunk = bytes.subarray(at, at + size);
    shared.fill(0xd9);
    shared.set(chunk);
    yield shared.subarray(0, chunk.byteLength);
    at += size;
  }
}

async function split(
  bytes: Uint8Array,
  sizes: readonly number[] = [bytes.byteLength],
  largest?: number,
): Promise<Split> {
  const pieces: MjpegPiece[] = [];
  const walk = splitMjpeg(inChunks(bytes, sizes), largest);
  for (;;) {
    const step = await walk.next();
    if (step.done) return { pieces, end: step.value };
    pieces.push(step.value);
  }
}

const picturesOf = ({ pieces }: Split) =>
  pieces.flatMap((piece) => (piece.kind === 'picture' ? [Buffer.from(piece.bytes)] : []));
const damagesOf = ({ pieces }: Split) => pieces.flatMap((piece) => (piece.kind === 'damage' ? [piece] : []));
const chunkSizes = fc.array(fc.integer({ min: 1, max: 4000 }), { minLength: 1, maxLength: 20 });
const empty = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);
const clean = { kind: 'clean' };

/** Puts a marker segment behind SOI. */
function withSegment(jpeg: Uint8Array, marker: number, content: Uint8Array): Buffer {
  const head = Buffer.from([0xff, marker, (content.byteLength + 2) >> 8, (content.byteLength + 2) & 0xff]);
  return Buffer.concat([jpeg.subarray(0, 2), head, content, jpeg.subarray(2)]);
}

test('the same pieces come out however the bytes are cut', async (t) => {
  const [a, b, c] = (await makeJpegs(3)) as [Buffer, Buffer, Buffer];
  const parts = fc.constantFrom<Uint8Array>(
    a,
    withSegment(b, 0xe1, c),
    empty,
    Buffer.alloc(512),
    Buffer.alloc(5000),
    Buffer.from('--boundary\r\n'),
    Buffer.from([0xff]),
    c.subarray(0, c.byteLength - 40),
    b.subarray(1),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(parts, { maxLength: 8 }), chunkSizes, async (list, sizes) => {
      const bytes = Buffer.concat(list);
      const whole = await split(bytes);
      t.deepEqual(await split(bytes, sizes), whole);
      const reported = whole.pieces.reduce(
        (sum, piece) => sum + (piece.kind === 'picture' ? piece.bytes.byteLength : piece.bytes),
        whole.end.kind === 'truncated' ? whole.end.bytes : 0,
      );
      t.true(reported <= bytes.byteLength);
    }),
    { numRuns: 150 },
  );
});

test('whole pictures come out byte for byte, in order, with filling between them passed over', async (t) => {
  const jpegs = await makeJpegs(6);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ i: fc.nat(5), padding: fc.nat(4096) }), { minLength: 1, maxLength: 8 }),
      chunkSizes,
      async (list, sizes) => {
        const bytes = Buffer.concat(list.flatMap(({ i, padding }) => [jpegs[i]!, Buffer.alloc(padding)]));
        const got = await split(bytes, sizes);
        t.deepEqual(
          picturesOf(got),
          list.map(({ i }) => jpegs[i]!),
        );
        t.deepEqual(damagesOf(got), []);
        t.deepEqual(got.end, clean);
      },
    ),
    { numRuns: 60 },
  );
});

test('a thumbnail in a segment, several scans, restart markers and fill bytes do not end a picture', async (t) => {
  const [plain, thumbnail] = await Promise.all([makeJpeg(10), makeJpeg(60, 16, 16)]);
  const withThumbnail = withSegment(plain, 0xe1, Buffer.concat([Buffer.from('Exif\0\0'), thumbnail]));
  const progressive = await makeJpeg(30, 64, 48, { progressive: true });
  // A restart marker, a stuffed zero and a fill byte in the middle of the entropy-coded data; then a fill byte before EOI.
  const scan = plain.byteLength - 20;
  const marked = Buffer.concat([
    plain.subarray(0, scan),
    Buffer.from([0xff, 0xd3, 0xff, 0x00, 0xff, 0xff, 0xd0, 0x01]),
    plain.subarray(scan, -2),
    Buffer.from([0xff, 0xff, 0xff, 0xd9]),
  ]);
  // Fill bytes before a marker segment (T.81, B.1.1.2).
  const filled = Buffer.concat([plain.subarray(0, 2), Buffer.from([0xff, 0xff]), plain.subarray(2)]);
  const all = [withThumbnail, progressive, marked, filled, plain];
  const got = await split(Buffer.concat(all), [7]);
  t.deepEqual(picturesOf(got), all);
  t.deepEqual(damagesOf(got), []);
  t.deepEqual(got.end, clean);
  t.is((await sharp(withThumbnail).metadata()).width, 48);
});

test('what takes the number of a frame: empty, cut, start lost, a hole of zeros; and what does not', async (t) => {
  const [a, b] = (await makeJpegs(2, 200, 160)) as [Buffer, Buffer];
  const cases: [string, Uint8Array, boolean | undefined, RegExp][] = [
    ['empty frame', empty, true, /empty/],
    ['cut in its scan', b.subarray(0, b.byteLength - 30), true, /stops before its end/],
    ['cut in its tables', b.subarray(0, 100), true, /marker is missing/],
    ['start lost', b.subarray(1), true, /between pictures/],
    ['hole', Buffer.alloc(9000), true, /zeros/],
    ['boundary', Buffer.from('\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n'), false, /between pictures/],
    ['padding', Buffer.alloc(300), undefined, /./],
  ];
  for (const [name, damaged, frame, reason] of cases) {
    const got = await split(Buffer.concat([a, damaged, a, a]), [1000]);
    t.deepEqual(picturesOf(got), [a, a, a], name);
    const damages = damagesOf(got);
    t.deepEqual(
      damages.map((damage) => damage.frame),
      frame === undefined ? [] : [frame],
      name,
    );
    if (frame !== undefined) {
      t.regex(damages[0]?.reason ?? '', reason, name);
      t.is(damages[0]?.bytes, damaged.byteLength, name);
      t.is(got.pieces[1]?.kind, 'damage', name);
    }
    t.deepEqual(got.end, clean, name);
  }
});

test('the end: inside a picture, after filling, after other bytes, after an empty frame', async (t) => {
  const [a, b] = (await makeJpegs(2)) as [Buffer, Buffer];
  for (const cut of [2, 3, 10, 300, b.byteLength - 1]) {
    const got = await split(Buffer.concat([a, b.subarray(0, cut)]));
    t.deepEqual(picturesOf(got), [a]);
    if (cut === 2)
      t.deepEqual(damagesOf(got), [{ kind: 'damage', frame: false, reason: 'bytes between pictures', bytes: 2 }]);
    else t.deepEqual(got.end, { kind: 'truncated', bytes: cut });
  }
  t.deepEqual(await split(Buffer.concat([a, Buffer.alloc(4000)])), {
    pieces: [{ kind: 'picture', bytes: new Uint8Array(a) }],
    end: clean,
  });
  const other = await split(Buffer.concat([a, Buffer.from('\r\n--end--\r\n')]));
  t.deepEqual(damagesOf(other), [{ kind: 'damage', frame: false, reason: 'bytes between pictures', bytes: 11 }]);
  t.deepEqual(other.end, clean);
  const last = await split(Buffer.concat([a, empty]));
  t.deepEqual(damagesOf(last), [{ kind: 'damage', frame: true, reason: 'the frame is empty', bytes: 4 }]);
  t.deepEqual(last.end, clean);
  t.deepEqual(await split(new Uint8Array(0)), { pieces: [], end: clean });
});

test('lengths that lie cost their own picture, never the next one', async (t) => {
  const [a, b] = (await makeJpegs(2)) as [Buffer, Buffer];
  const sos = a.indexOf(Buffer.from([0xff, 0xda]));
  const tables = a.indexOf(Buffer.from([0xff, 0xdb]));
  for (const [at, length] of [
    [sos, 0],
    [sos, 0xffff],
    [sos, 9],
    [tables, 0],
    [tables, 1],
    [tables, a.byteLength + 20],
  ] as const) {
    const hostile = Buffer.from(a);
    hostile.writeUInt16BE(length, at + 2);
    const got = await split(Buffer.concat([b, hostile, b, b]), [333]);
    t.deepEqual(picturesOf(got), [b, b, b], `length ${length} at ${at}`);
    t.deepEqual(
      damagesOf(got).map(({ frame, bytes }) => [frame, bytes]),
      [[true, hostile.byteLength]],
    );
  }
});

test('any bytes at all: it ends, and reports no more than came', async (t) => {
  const jpeg = await makeJpeg(40);
  const byte = fc.oneof(fc.constantFrom(0xff, 0xd8, 0xd9, 0xda, 0xc4, 0x00), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(
      fc.array(byte, { maxLength: 400 }),
      chunkSizes,
      fc.nat(jpeg.byteLength),
      async (noise, sizes, at) => {
        const bytes = Buffer.concat([jpeg.subarray(0, at), Buffer.from(noise), jpeg.subarray(at)]);
        const got = await split(bytes, sizes);
        for (const picture of picturesOf(got)) {
          t.is(picture.readUInt16BE(0), 0xffd8);
          t.is(picture.readUInt16BE(picture.byteLength - 2), 0xffd9);
          t.true(bytes.includes(picture));
        }
        t.deepEqual(got, await split(bytes));
      },
    ),
    { numRuns: 300 },
  );
});

test('memory is bounded, and time stays in proportion, for endless pictures, filling and noise', async (t) => {
  const jpeg = await makeJpeg(20);
  const scan = jpeg.indexOf(Buffer.from([0xff, 0xda])) + 20;
  const largest = 1 << 20;
  for (const [name, fill, starts] of [
    ['a scan without an end', 0x55, true],
    ['zeros', 0x00, false],
    ['noise', 0x21, false],
    ['half starts', 0xff, false],
  ] as const) {
    const endless = async function* () {
      if (starts) yield jpeg.subarray(0, scan);
      const chunk = Buffer.alloc(64 * 1024, fill);
      for (let i = 0; i < 1600; i += 1) yield chunk;
      yield jpeg;
    };
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const pieces: MjpegPiece[] = [];
    for await (const piece of splitMjpeg(
      watch(endless(), () => (most = Math.max(most, process.memoryUsage().arrayBuffers - before))),
      largest,
    )) {
      pieces.push(piece);
    }
    t.deepEqual(
      pieces.map((piece) => piece.kind),
      ['damage', 'picture'],
      name,
    );
    // 100 MiB passed; what was given up on the way waits for the collector.
    t.true(most < 16 * 1024 * 1024, `${name}: ${most} bytes`);
  }
});

async function* watch(chunks: AsyncIterable<Uint8Array>, look: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    look();
    yield chunk;
  }
}

test('a large picture that arrives byte by byte takes no more than linear time', async (t) => {
  const noise = new Uint8Array(400 * 300 * 3).map((_, i) => Math.imul(i + 1, 2654435761) >>> 24);
  const jpeg = await sharp(noise, { raw: { width: 400, height: 300, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();
  t.true(jpeg.byteLength > 100_000, `${jpeg.byteLength}`);
  const start = performance.now();
  const got = await split(jpeg, [1]);
  // Quadratic work is some 10^10 byte copies here and as many bytes walked.
  t.true(performance.now() - start < 8000);
  t.deepEqual(picturesOf(got), [jpeg]);
});
