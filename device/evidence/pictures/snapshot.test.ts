import test from 'ava';
import sharp from 'sharp';
import type { Frame } from '../../capture/frame.ts';
import { keptFrame } from '../../capture/kept-frame.ts';
import type { Detection } from '../../detect/detection.ts';
import { isAtalayaError } from '../../kernel/errors.ts';
import { fraction, milliseconds } from '../../kernel/units.ts';
import { timeOf } from '../testing/fixtures.ts';
import type { Surroundings } from './bystander-memory.ts';
import { maskedSnapshot } from './snapshot.ts';

const [width, height] = [320, 180];
const person = { x: 40, y: 40, width: 24, height: 60 };
const car = { x: 180, y: 60, width: 80, height: 60 };

/** Grey, with stripes where the person stands and where the car's plate is, and where nobody is. */
function striped(): Frame {
  const data = new Uint8Array(new SharedArrayBuffer(3 * width * height)).fill(120);
  const stripes = (left: number, top: number, across: number, down: number) => {
    for (let y = top; y < top + down; y += 1) {
      for (let x = left; x < left + across; x += 1)
        data.fill(x % 8 < 4 ? 255 : 0, 3 * (y * width + x), 3 * (y * width + x) + 3);
    }
  };
  stripes(person.x, person.y, person.width, person.height);
  stripes(car.x + 20, car.y + 40, 40, 12);
  stripes(120, 140, 32, 24);
  const picture = { format: 'rgb24', width, height, data } as const;
  return { sequence: 20, time: timeOf(20), picture, original: undefined };
}

const seen = (kind: Detection['class'], box: Detection['box']): Detection => ({
  class: kind,
  box,
  score: fraction(0.3),
});

const around: Surroundings = {
  frames: [{ sequence: 20, offset: milliseconds(0), detections: [seen('person', person), seen('car', car)] }],
  searched: 'auto',
};

/** Levels of an area of the picture in full size. */
async function levels(jpeg: Buffer, left: number, top: number, across: number, down: number) {
  const cut = await sharp(jpeg).extract({ left, top, width: across, height: down }).png().toBuffer();
  const { channels } = await sharp(cut).stats();
  return { spread: Math.max(...channels.map(({ stdev }) => stdev)), most: Math.max(...channels.map(({ max }) => max)) };
}

const contrast = async (...area: Parameters<typeof levels>) => (await levels(...area)).spread;

const roomy = { width: 1920, mostBytes: 1e6 };

test('people and the places of plates are covered, whoever they are, and the rest is shown', async (t) => {
  const jpeg = await maskedSnapshot(keptFrame(striped()), around, roomy);
  t.true((await contrast(jpeg, person.x, person.y, person.width, person.height)) < 4);
  t.true((await contrast(jpeg, car.x + 20, car.y + 40, 40, 12)) < 4);
  t.true((await contrast(jpeg, 120, 140, 32, 24)) > 80);
});

test('where it is not known who stands where, and where nobody looked, it is black', async (t) => {
  const nobodyLooked = await maskedSnapshot(keptFrame(striped()), undefined, roomy);
  const { channels } = await sharp(nobodyLooked).stats();
  t.true(channels.every(({ max }) => max === 0));
  const lost = [seen('person', { ...person, x: Number.NaN })];
  const notKnown = await maskedSnapshot(
    keptFrame(striped()),
    { ...around, frames: [{ ...around.frames[0], detections: lost }] },
    roomy,
  );
  t.true((await sharp(notKnown).stats()).channels.every(({ max }) => max === 0));
  const frames: Surroundings['frames'] = [{ ...around.frames[0], detections: [seen('person', person)] }];
  const searched = [{ x: 0, y: 0, width: 100, height }];
  const half = await maskedSnapshot(keptFrame(striped()), { frames, searched }, roomy);
  t.true((await levels(half, 112, 0, 200, height)).most < 8);
  t.true((await levels(half, 0, 0, 90, height)).most > 80);
});

test('it is as wide as it was asked for, its height follows, and it is never enlarged', async (t) => {
  const frame = keptFrame(striped());
  const sizeAt = async (wanted: number) => {
    const { width: across, height: down } = await sharp(
      await maskedSnapshot(frame, around, { ...roomy, width: wanted }),
    ).metadata();
    return [across, down];
  };
  t.deepEqual(await sizeAt(160), [160, 90]);
  t.deepEqual(await sizeAt(1920), [320, 180]);
});

test('it fits the bytes, with less quality where it must, and is refused where even that is too much', async (t) => {
  const frame = keptFrame(striped());
  const best = await maskedSnapshot(frame, around, roomy);
  const less = await maskedSnapshot(frame, around, { ...roomy, mostBytes: best.byteLength - 1 });
  t.true(less.byteLength < best.byteLength);
  const error = await t.throwsAsync(maskedSnapshot(frame, around, { width: 320, mostBytes: 500 }));
  t.true(isAtalayaError(error, 'usage-invalid'));
  t.is(error?.message, 'a picture 320 wide does not fit 500 bytes');
});

test('a camera that delivers JPEG is decoded; a damaged frame is told by its number', async (t) => {
  const frame = striped();
  const original = await sharp(Buffer.from(frame.picture.data), { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer();
  const jpeg = await maskedSnapshot(keptFrame({ ...frame, original }), around, roomy);
  t.true((await contrast(jpeg, person.x, person.y, person.width, person.height)) < 4);
  t.true((await contrast(jpeg, 120, 140, 32, 24)) > 60);
  const torn = keptFrame({ ...frame, original: original.subarray(0, 300) });
  const error = await t.throwsAsync(maskedSnapshot(torn, around, roomy));
  t.true(isAtalayaError(error, 'frame-damaged'));
  t.is(error?.message, 'frame 20 cannot be decoded');
});

test('the frame itself is as it was: evidence is made of it', async (t) => {
  const frame = striped();
  const before = Buffer.from(frame.picture.data);
  await maskedSnapshot(keptFrame(frame), around, roomy);
  t.true(before.equals(Buffer.from(frame.picture.data)));
});
