import test, { type ExecutionContext } from 'ava';
import { seededRandom } from '../kernel/testing/seeded-random.ts';
import type { PlateFormat } from './formats/plate-format.ts';
import type { VehicleCrop } from './plate-reader.ts';
import { chanceDrawing } from './testing/chance-drawing.ts';
import { checkSight, plainCrop } from './testing/check-plate-reader.ts';
import { type Drawing, drawing, drawVehicle } from './testing/draw-vehicle.ts';
import { oneLine, twoLines } from './testing/made-formats.ts';
import { openedCropReader } from './testing/opened-crop-reader.ts';

/** The real networks on drawn vehicles. */

const opened = (t: ExecutionContext, formats: readonly PlateFormat[] = oneLine) => openedCropReader(t, formats);

async function drawn(text: string | undefined, change: Partial<Drawing> = {}, formats = oneLine): Promise<VehicleCrop> {
  return (await drawVehicle(drawing(text, formats[0]!, change), seededRandom(7))).crop;
}

test.serial(
  'drawn plates are read: straight, turned, small, light on dark, with a dot, a dash, a header',
  async (t) => {
    const reader = await opened(t);
    const cases: [string, Partial<Drawing>][] = [
      ['BCDF23', {}],
      ['GH4567', { turn: 7, body: '#203050' }],
      ['JKLP89', { turn: -9, shear: 5 }],
      ['RSTV34', { characterHeight: 13 }],
      ['WXYZ56', { ground: '#151515', ink: '#f0f0f0', body: '#d0d0d0' }],
      ['BG7823', { separator: 'dot', header: 'CHILE' }],
      ['TP4469', { separator: 'dash', foreshortening: 0.75 }],
    ];
    let read = 0;
    for (const [text, change] of cases) {
      const sight = await reader.read(await drawn(text, change));
      checkSight(t, sight);
      t.true(sight.read === undefined || sight.read.text === text, 'no other text than the one that was drawn');
      if (sight.read !== undefined) read += 1;
    }
    t.true(read >= cases.length - 1, `${read} of ${cases.length}`);
  },
);

test.serial('the quad lies on the plate, in pixels of the full picture', async (t) => {
  const reader = await opened(t);
  const { crop, middle } = await drawVehicle(
    drawing('BCDF23', oneLine[0]!, { at: { x: 0.4, y: 0.6 } }),
    seededRandom(3),
  );
  const { read } = await reader.read(crop);
  const quad = read?.quad ?? [];
  const centre = { x: quad.reduce((sum, { x }) => sum + x / 4, 0), y: quad.reduce((sum, { y }) => sum + y / 4, 0) };
  t.true(Math.hypot(centre.x - middle.x - crop.origin.x, centre.y - middle.y - crop.origin.y) < 8);
  t.true(Math.abs((read?.characterHeight ?? 0) - 24) < 8, `${read?.characterHeight}`);
});

test.serial('a plate of two lines is read as one text', async (t) => {
  const reader = await opened(t, twoLines);
  const { read } = await reader.read(await drawn('BCD234', { vehicleWidth: 3, separator: '' }, twoLines));
  t.is(read?.text, 'BCD234');
});

test.serial('blurred, covered, cut, sideways, upside down, faint: unread, never another text', async (t) => {
  const reader = await opened(t);
  const cases: [string, Partial<Drawing>][] = [
    ['blurred', { blur: 9 }],
    ['sideways', { turn: 90 }],
    ['upside down', { turn: 180 }],
    ['faint', { ink: '#f0f0ec', noise: 6 }],
    ['tiny', { characterHeight: 4 }],
    ['no plate', {}],
  ];
  for (const [name, change] of cases) {
    const sight = await reader.read(await drawn(name === 'no plate' ? undefined : 'BCDF23', change));
    checkSight(t, sight);
    t.is(sight.read, undefined, name);
  }
  const whole = await drawVehicle(drawing('BCDF23', oneLine[0]!), seededRandom(1));
  const { width, height, data } = whole.crop.pixels;
  // The last third of the plate is beyond the crop's edge, then under a hand.
  const edge = Math.round(whole.middle.x + 20);
  const cut = plainCrop(edge, height);
  for (let y = 0; y < height; y += 1)
    cut.pixels.data.set(data.subarray(y * width * 3, (y * width + edge) * 3), y * edge * 3);
  t.is((await reader.read(cut)).read, undefined, 'cut');
  for (let y = 0; y < height; y += 1)
    data.fill(100, (y * width + edge) * 3, (y * width + Math.min(width, edge + 90)) * 3);
  t.is((await reader.read(whole.crop)).read, undefined, 'covered');
});

test.serial('paint that could be a plate is not taken for one', async (t) => {
  const reader = await opened(t);
  const sight = await reader.read(await drawn(undefined, { paint: 'GH 4567' }));
  t.is(sight.read, undefined);
  const both = await reader.read(await drawn('BCDF23', { paint: 'GH 4567' }));
  t.is(both.read?.text, 'BCDF23');
});

test.serial("a plate on a vehicle in front is that vehicle's", async (t) => {
  const reader = await opened(t);
  const crop = await drawn('BCDF23');
  const { x, y, width, height } = crop.vehicle;
  const front = { x: x + width * 0.2, y: y + height * 0.5, width: width * 0.7, height: height * 0.8 };
  const sight = await reader.read({ ...crop, others: [front] });
  t.is(sight.read, undefined);
  t.true(sight.rejected.some(({ reason }) => reason === 'another-vehicle'));
  // The same vehicle found twice is no other vehicle.
  t.is((await reader.read({ ...crop, others: [{ x: x - 2, y, width, height }] })).read?.text, 'BCDF23');
});

test.serial('crops of any shape are answered', async (t) => {
  const reader = await opened(t);
  for (const [width, height] of [
    [1, 1],
    [2, 900],
    [1500, 3],
    [31, 33],
    [1300, 900],
  ] as const) {
    const sight = await reader.read(plainCrop(width, height));
    t.is(sight.read, undefined);
    checkSight(t, sight);
  }
});

test.serial('by chance drawn vehicles: texts are right at least as often as their confidence says', async (t) => {
  const reader = await opened(t);
  const random = seededRandom(23);
  let [stated, right, promised] = [0, 0, 0];
  for (let i = 0; i < 60; i += 1) {
    const { crop, text } = await drawVehicle(chanceDrawing(oneLine, random), random);
    const { read } = await reader.read(crop);
    if (read === undefined) continue;
    stated += 1;
    promised += read.confidence;
    if (read.text === text) right += 1;
  }
  t.log(`${right} of ${stated} texts are right, ${promised.toFixed(1)} promised; 60 vehicles from clear to unreadable`);
  t.true(stated >= 15 && right >= 0.95 * promised && stated - right <= 0.1 * stated);
});
