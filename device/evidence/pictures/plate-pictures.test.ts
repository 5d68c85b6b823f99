import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { neverRead } from '../../plate/vote/track-plate.ts';
import { cropAt, plateRead, plateUnread, quadAt } from '../testing/plates.ts';
import { makePlatePictures, plateArea } from './plate-pictures.ts';

test('the sizes of plates say as good as nothing: texts of six and of ten characters have one size', (t) => {
  const crop = cropAt(0, 0, 900, 500);
  const size = (width: number, height: number) => {
    const area = plateArea(quadAt(300, 200, width, height), crop);
    return [area?.width, area?.height];
  };
  t.deepEqual(
    size(60, 18),
    [96, 32].map((one) => one * 2),
  );
  t.deepEqual(size(100, 18), size(60, 18));
  // At every height, a long text and a short one.
  for (let height = 6; height <= 60; height += 1) t.deepEqual(size(height * 3, height), size(height * 6.5, height));
  t.deepEqual(size(30, 10), [96, 32]);
  t.deepEqual(size(800, 480), [900, 500]);
});

test('how many bytes the picture of a plate has tells its size alone, not what is in it', async (t) => {
  const bytesOf = async (text: string, paint: (index: number) => number) => {
    const crop = cropAt();
    crop.pixels.data.forEach((_, i) => {
      crop.pixels.data[i] = paint(i);
    });
    const [plate] = await makePlatePictures(plateRead(text, 3, crop));
    t.deepEqual(
      await sharp(plate?.content)
        .metadata()
        .then(({ width, height }) => [width, height]),
      [192, 64],
    );
    return plate?.content.length;
  };
  const plain = await bytesOf('AB123CD', () => 200);
  t.is(await bytesOf('AB123CD', (i) => (i * 7919) % 251), plain);
  t.is(await bytesOf('AB12', (i) => (i % 90 < 45 ? 0 : 255)), plain);
});

test('whatever the quad, its picture lies in the crop and holds what of it is in the crop', (t) => {
  const corner = fc.double({ min: -400, max: 900, noNaN: false });
  const quad = fc.tuple(corner, corner, corner, corner, corner, corner, corner, corner);
  fc.assert(
    fc.property(quad, fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 300 }), (at, width, height) => {
      const crop = cropAt(100, 80, width, height);
      const point = (i: number) => ({ x: at[i] as number, y: at[i + 1] as number });
      const area = plateArea([point(0), point(2), point(4), point(6)], crop);
      if (area === undefined) return true;
      const { left, top } = area;
      const [right, bottom] = [left + area.width, top + area.height];
      const within = left >= 0 && top >= 0 && right <= width && bottom <= height && area.width > 0 && area.height > 0;
      const whole = [left, top, area.width, area.height].every(Number.isInteger);
      const inside = ({ x, y }: { x: number; y: number }) => {
        const [column, row] = [Math.min(Math.max(x - 100, 0), width), Math.min(Math.max(y - 80, 0), height)];
        return column >= left - 1 && column <= right + 1 && row >= top - 1 && row <= bottom + 1;
      };
      return within && whole && [0, 2, 4, 6].every((i) => inside(point(i)));
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('without a quad, or with one beyond the crop, the vehicle alone is kept; without a crop nothing', async (t) => {
  const names = async (...args: Parameters<typeof makePlatePictures>) =>
    (await makePlatePictures(...args)).map(({ about: { name } }) => name);
  t.deepEqual(await names(plateRead('AB123CD', 3)), ['plate.png', 'plate-vehicle.png']);
  t.deepEqual(await names(plateUnread('unclear', 3)), ['plate.png', 'plate-vehicle.png']);
  const { best, ...unread } = plateUnread('no-text-found', 3);
  if (best === undefined) return t.fail();
  const { quad: _, ...bare } = best;
  t.deepEqual(await names({ ...unread, best: bare }), ['plate-vehicle.png']);
  t.deepEqual(await names({ ...unread, best: { ...bare, quad: quadAt(900, 900) } }), ['plate-vehicle.png']);
  t.deepEqual(await names(unread), []);
  t.deepEqual(await names(neverRead('never-looked')), []);
});
