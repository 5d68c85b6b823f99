import test from 'ava';
import fc from 'fast-check';
import { automaticRegions } from './regions.ts';

const side = fc.integer({ min: 16, max: 4096 });

test('the regions lie in the picture, the first is all of it, and the others cover its width with some overlap', (t) => {
  fc.assert(
    fc.property(side, side, (width, height) => {
      const [whole, ...squares] = automaticRegions(width, height);
      t.deepEqual(whole, { x: 0, y: 0, width, height });
      for (const { x, y, width: w, height: h } of squares) {
        t.true([x, y, w, h].every(Number.isInteger));
        t.true(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= width && y + h <= height);
      }
      if (squares.length === 0) return t.true(3 * width <= 4 * height);
      const [left, right] = squares;
      t.is(squares.length, 2);
      t.is(left?.x, 0);
      t.is((right?.x ?? 0) + (right?.width ?? 0), width);
      t.true((right?.x ?? 0) < (left?.width ?? 0), 'no gap between them');
      return t.true(squares.every((square) => square.height === height));
    }),
  );
});

test('16:9 gets two regions a little wider than high, 4:3 none', (t) => {
  t.deepEqual(automaticRegions(640, 480), [{ x: 0, y: 0, width: 640, height: 480 }]);
  const [, left, right] = automaticRegions(1280, 720);
  t.deepEqual(left, { x: 0, y: 0, width: 768, height: 720 });
  t.deepEqual(right, { x: 512, y: 0, width: 768, height: 720 });
});
