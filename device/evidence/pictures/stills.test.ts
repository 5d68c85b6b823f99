import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { decodeJpeg } from '../../capture/decode-jpeg.ts';
import { type KeptFrame, keptFrame } from '../../capture/kept-frame.ts';
import { toRgb } from '../../capture/to-rgb.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { contextAt, frameOf, framesAround, infractionAt, jpegFrameOf, timeOf } from '../testing/fixtures.ts';
import { annotate } from './annotate.ts';
import { textPath, textWidth } from './pixel-font.ts';
import { closeUpArea, makeStills } from './stills.ts';

const stillsOf = (frames: Parameters<typeof makeStills>[0]) =>
  makeStills(frames, infractionAt(20), 'unit-1', contextAt(20));

const pixels = async (content: Uint8Array) => sharp(content).removeAlpha().raw().toBuffer({ resolveWithObject: true });

const cut = (data: Uint8Array, width: number, height: number, area: ReturnType<typeof closeUpArea>) =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .extract(area)
    .raw()
    .toBuffer();

test('whole pictures of three moments, one close-up, one annotated copy, one for the operator', async (t) => {
  const stills = await stillsOf(framesAround(20));
  t.deepEqual(
    stills.map(({ about: { name, role, moment, mediaType }, frame }) => [
      name,
      role,
      moment,
      mediaType,
      frame.sequence,
    ]),
    [
      ['before.jpg', 'context', 'before', 'image/jpeg', 15],
      ['at.jpg', 'context', 'at', 'image/jpeg', 20],
      ['close-up.png', 'close-up', 'at', 'image/png', 20],
      ['annotated.jpg', 'annotated', 'at', 'image/jpeg', 20],
      ['operator.jpg', 'operator', 'at', 'image/jpeg', 20],
      ['after.jpg', 'context', 'after', 'image/jpeg', 25],
    ],
  );
  for (const { about, content } of stills) {
    const read = await sharp(content).metadata();
    t.deepEqual([read.width, read.height, `image/${read.format}`], [about.width, about.height, about.mediaType]);
  }
});

test("a camera's JPEG is kept byte for byte; bytes that are no JPEG are not passed off as one", async (t) => {
  const frame = await jpegFrameOf(20);
  const [context] = await stillsOf({ at: keptFrame(frame) });
  t.is(context?.content, frame.original);
  t.is(context?.about.origin, 'original');
  const [other] = await stillsOf({ at: keptFrame({ ...frame, original: Buffer.from('RIFF and so on') }) });
  t.is(other?.about.origin, 'encoded');
  t.is((await sharp(other?.content).metadata()).format, 'jpeg');
});

test('of an original, close-up and annotated copy show the pixels that it decodes to, though the picture is long gone', async (t) => {
  const frame = await jpegFrameOf(20);
  const at = keptFrame(frame);
  frame.picture.data.fill(0);
  const stills = await stillsOf({ before: keptFrame(await jpegFrameOf(15)), at });
  t.deepEqual(
    stills.map(({ about: { name, origin, width } }) => [name, origin, width]),
    [
      ['before.jpg', 'original', 64],
      ['at.jpg', 'original', 64],
      ['close-up.png', 'derived', 29],
      ['annotated.jpg', 'derived', 64],
      ['operator.jpg', 'derived', 64],
    ],
  );
  const decoded = await decodeJpeg(frame.original as Uint8Array, { width: 64, height: 48 });
  if (decoded.kind === 'damaged') return t.fail(decoded.reason);
  const area = closeUpArea(infractionAt(20).box, 64, 48);
  const closeUp = await pixels(stills[2]?.content as Uint8Array);
  t.deepEqual(closeUp.data, await cut(decoded.picture.data, 64, 48, area));
  const annotated = await pixels(stills[3]?.content as Uint8Array);
  const corner = { left: 40, top: 38, width: 24, height: 10 };
  const [shown, own] = [
    await cut(annotated.data, 64, annotated.info.height, corner),
    await cut(decoded.picture.data, 64, 48, corner),
  ];
  t.true(psnr(shown, own) > 25, `away from box and lines the copy shows the picture: ${psnr(shown, own)} dB`);
});

test('an original that cannot be decoded, or is of another size, costs its stills and says why', async (t) => {
  const at = keptFrame(await jpegFrameOf(20));
  if (at.kind === 'pixels') return t.fail('a frame with a JPEG is kept as that');
  const faults: readonly [KeptFrame, RegExp][] = [
    [{ ...at, original: at.original.subarray(0, 200) }, /no still can be made of frame 20: ./],
    [{ ...at, width: 32 }, /the picture is 64x48, not 32x48/],
  ];
  for (const [frame, message] of faults) {
    await t.throwsAsync(stillsOf({ at: frame }), { instanceOf: AtalayaError, code: 'frame-damaged', message });
  }
});

for (const format of ['rgb24', 'yuv420p'] as const) {
  test(`the close-up of a ${format} picture has the picture's own pixels`, async (t) => {
    const at = frameOf(20, format, 81, 61);
    const closeUp = (await stillsOf({ at: keptFrame(at) })).find(({ about }) => about.role === 'close-up');
    const { data, info } = await pixels(closeUp?.content as Uint8Array);
    const area = closeUpArea(infractionAt(20).box, 81, 61);
    t.deepEqual([info.width, info.height, info.channels], [area.width, area.height, 3]);
    const rgb = toRgb(at.picture).data;
    for (let y = 0; y < area.height; y += 1) {
      const from = ((y + area.top) * 81 + area.left) * 3;
      const row = data.subarray(y * area.width * 3, (y + 1) * area.width * 3);
      t.deepEqual(new Uint8Array(row), new Uint8Array(rgb.subarray(from, from + area.width * 3)));
    }
  });
}

test('the whole picture is encoded with little loss', async (t) => {
  const width = 320;
  const height = 180;
  const at = frameOf(20, 'yuv420p', width, height);
  const smooth = at.picture.data;
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) smooth[y * width + x] = 60 + ((x + y) >> 2);
  smooth.fill(120, width * height);
  const [context] = await stillsOf({ at: keptFrame(at) });
  const { data } = await pixels(context?.content as Uint8Array);
  t.true(psnr(data, toRgb(at.picture).data) > 42);
});

test('the annotated copy shows box and stop line, leaves the picture around them, and grows a strip with text', async (t) => {
  const width = 400;
  const height = 300;
  const at = frameOf(20, 'rgb24', width, height);
  at.picture.data.fill(128);
  const box = { x: 100, y: 120, width: 80, height: 60 };
  const stop = {
    name: 'stop',
    closed: false,
    points: [
      { x: 0, y: 250 },
      { x: 399, y: 250 },
    ],
  };
  const stills = await makeStills({ at: keptFrame(at) }, { ...infractionAt(20), box }, 'unit-1', {
    track: [],
    marks: [stop],
  });
  const annotated = stills.find(({ about }) => about.role === 'annotated');
  const { data, info } = await pixels(annotated?.content as Uint8Array);
  const at3 = (x: number, y: number) => [0, 1, 2].map((i) => data[(y * info.width + x) * 3 + i] as number);
  const [red = 0, green = 0] = at3(140, 120);
  t.true(red > 150 && green < 110, 'the upper edge of the box is red');
  const [lineRed = 0, , lineBlue = 0] = at3(300, 250);
  t.true(lineRed > 170 && lineBlue < 100, 'the stop line is yellow');
  t.true(
    at3(300, 60).every((value) => Math.abs(value - 128) <= 3),
    'the rest is as it was',
  );
  t.true(info.height > height);
  const strip = data.subarray(height * width * 3);
  const bright = strip.filter((value) => value > 200).length / strip.byteLength;
  t.true(bright > 0.02 && bright < 0.4, `${bright} of the strip is text`);
});

test('wherever a box lies, its close-up is a part of the picture, holds what of the box is in it, and is not empty', (t) => {
  const number = fc.double({ min: -2000, max: 4000, noNaN: true });
  const size = fc.double({ min: 0, max: 3000, noNaN: true });
  const side = fc.integer({ min: 1, max: 2000 });
  fc.assert(
    fc.property(fc.record({ x: number, y: number, width: size, height: size }), side, side, (box, width, height) => {
      const area = closeUpArea(box, width, height);
      const inside =
        area.left >= 0 && area.top >= 0 && area.left + area.width <= width && area.top + area.height <= height;
      const holds =
        area.left <= Math.max(0, box.x) &&
        area.left + area.width >= Math.min(width, box.x + box.width) &&
        area.top <= Math.max(0, box.y) &&
        area.top + area.height >= Math.min(height, box.y + box.height);
      return inside && holds && area.width >= Math.min(16, width) && area.height >= Math.min(16, height);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('a scene that names its lines in mark-up cannot break out of the drawing', async (t) => {
  const mark = {
    name: '"/><script>&',
    closed: true,
    points: [
      { x: 1, y: 1 },
      { x: 30, y: 30 },
      { x: 1, y: 30 },
    ],
  };
  const { svg } = annotate(64, 48, infractionAt(1), { sequence: 1, time: timeOf(1), box: undefined }, '<&>"', [
    mark,
    { name: 'none', closed: false, points: [] },
  ]);
  t.false(svg.toString().includes('script'));
  t.is((await sharp(svg).metadata()).width, 64);
});

test('letters are drawn where they belong: an L is a stem and a foot', async (t) => {
  const path = textPath('l', 1, 1, 1);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="7" height="9"><path d="${path}" fill="#fff"/></svg>`;
  const { data } = await sharp(Buffer.from(svg))
    .flatten({ background: '#000' })
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const rows = Array.from({ length: 9 }, (_, y) =>
    Array.from({ length: 7 }, (_, x) => ((data[y * 7 + x] as number) > 127 ? '#' : '.')).join(''),
  );
  t.deepEqual(rows, ['.......', ...Array(6).fill('.#.....'), '.#####.', '.......']);
});

test('every letter of the font is drawn differently, and an unknown one as a question mark', (t) => {
  const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.,:/%+()=#_<>*'?"];
  t.is(new Set(letters.map((letter) => textPath(letter, 0, 0, 1))).size, letters.length);
  t.is(textPath('é', 0, 0, 1), textPath('?', 0, 0, 1));
  t.is(textPath(' ', 0, 0, 1), '');
  t.is(textWidth('AB', 2), 22);
});

function psnr(one: Uint8Array, other: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < one.byteLength; i += 1) sum += ((one[i] as number) - (other[i] as number)) ** 2;
  return 10 * Math.log10((255 * 255) / (sum / one.byteLength));
}
