import type { ExecutionContext, TestFn } from 'ava';
import { isAtalayaError } from '../../kernel/errors.ts';
import { type PlateReader, type PlateSight, rejectReasons, type VehicleCrop } from '../plate-reader.ts';

export interface ReaderUnderTest {
  readonly reader: PlateReader;
  /** A vehicle whose plate this reader reads. */
  readonly plain: { readonly crop: VehicleCrop; readonly text: string };
  /** A crop with no text in it. */
  readonly empty: VehicleCrop;
}

/** A crop of one colour. */
export function plainCrop(width: number, height: number, value = 90): VehicleCrop {
  const data = new Uint8Array(new SharedArrayBuffer(width * height * 3)).fill(value);
  return {
    pixels: { format: 'rgb24', width, height, data },
    origin: { x: 0, y: 0 },
    vehicle: { x: 0, y: 0, width, height },
    others: [],
  };
}

/** What holds for every sight, whatever the pixels. */
export function checkSight(t: ExecutionContext, { read, rejected }: PlateSight): void {
  const isFraction = (value: number) => value >= 0 && value <= 1;
  for (const { quad, confidence, characterHeight, reason } of rejected) {
    t.true(quad.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)));
    t.true(isFraction(confidence) && characterHeight >= 0 && rejectReasons.includes(reason));
  }
  if (read === undefined) return;
  t.regex(read.text, /^[A-Z0-9]+$/);
  t.is(read.characters.map(({ character }) => character).join(''), read.text);
  t.true(read.format.length > 0 && read.characterHeight > 0);
  t.true([read.confidence, read.sharpness, ...read.characters.map((one) => one.confidence)].every(isFraction));
  t.true(read.quad.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)));
  t.true(read.alternatives.length <= 7);
  t.false(read.alternatives.some(({ text }) => text === read.text));
  for (const [i, { confidence }] of read.alternatives.entries())
    t.true(isFraction(confidence) && confidence <= (read.alternatives[i - 1]?.confidence ?? 1));
}

/** The guarantees of the port, held on any reader. */
export function checkPlateReader(test: TestFn, name: string, open: () => Promise<ReaderUnderTest>): void {
  test.serial(`${name}: a plate is read, an empty crop is not, and both answers are well made`, async (t) => {
    const { reader, plain, empty } = await open();
    t.teardown(() => reader.close());
    const sight = await reader.read(plain.crop);
    t.is(sight.read?.text, plain.text);
    checkSight(t, sight);
    t.deepEqual(await reader.read(empty), { read: undefined, rejected: [] });
  });

  test.serial(`${name}: the same crop gives the same answer, and its pixels stay as they are`, async (t) => {
    const { reader, plain } = await open();
    t.teardown(() => reader.close());
    const before = plain.crop.pixels.data.slice();
    const first = await reader.read(plain.crop);
    t.deepEqual(await reader.read(plain.crop), first);
    t.deepEqual(plain.crop.pixels.data.slice(), before);
  });

  test.serial(`${name}: answers belong to their questions and come in their order`, async (t) => {
    const { reader, plain, empty } = await open();
    t.teardown(() => reader.close());
    const order: number[] = [];
    const crops = [plain.crop, empty, plain.crop, empty];
    const sights = await Promise.all(crops.map((crop, i) => reader.read(crop).finally(() => order.push(i))));
    t.deepEqual(
      sights.map(({ read }) => read?.text),
      [plain.text, undefined, plain.text, undefined],
    );
    t.deepEqual(order, [0, 1, 2, 3]);
  });

  test.serial(`${name}: closed, nothing is read any more; closing twice is one closing`, async (t) => {
    const { reader, plain } = await open();
    await reader.close();
    await reader.close();
    const error = await t.throwsAsync(reader.read(plain.crop));
    t.true(isAtalayaError(error, 'engine-failed'));
    t.false(String(error).includes(plain.text));
  });
}
