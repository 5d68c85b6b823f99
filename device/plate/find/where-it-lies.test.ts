import test from 'ava';
import type { Quad, VehicleCrop } from '../plate-reader.ts';
import { plainCrop } from '../testing/check-plate-reader.ts';
import { oneLine } from '../testing/made-formats.ts';
import { misplaced } from './where-it-lies.ts';

const at = (x: number, y: number, width: number, height: number): Quad => [
  { x, y },
  { x: x + width, y },
  { x: x + width, y: y + height },
  { x, y: y + height },
];
const crop: VehicleCrop = {
  ...plainCrop(400, 300),
  origin: { x: 1000, y: 500 },
  vehicle: { x: 1020, y: 510, width: 360, height: 270 },
};
const why = (quad: Quad, change: Partial<VehicleCrop> = {}) => misplaced(quad, { ...crop, ...change }, oneLine, 1, 6);

test('a line of the right shape, size and place may be the plate', (t) => {
  t.is(why(at(150, 200, 100, 24)), undefined);
});

test('what no format has the proportions of, and what stands upright, is not plate-shaped', (t) => {
  t.is(why(at(20, 200, 360, 16)), 'not-plate-shaped');
  t.is(why(at(150, 200, 30, 30)), 'not-plate-shaped');
  const [a, b, c, d] = at(150, 150, 24, 100);
  t.is(why([d, a, b, c]), 'not-plate-shaped');
});

test('characters of too few pixels', (t) => {
  t.is(why(at(150, 200, 30, 8)), 'too-small');
});

test('text that the edge of the crop cuts', (t) => {
  t.is(why(at(-3, 200, 100, 24)), 'cut-off');
  t.is(why(at(310, 200, 100, 24)), 'cut-off');
  t.is(why(at(150, 285, 100, 24)), 'cut-off');
});

test('what shows above the roof is on the vehicle behind', (t) => {
  const behind = { x: 1050, y: 400, width: 300, height: 200 };
  t.is(why(at(150, 20, 100, 24), { others: [behind] }), 'another-vehicle');
  t.is(why(at(150, 20, 100, 24)), undefined);
});

test('a vehicle in front takes what lies on it; one behind, the same one twice, and one around it do not', (t) => {
  const quad = at(150, 200, 100, 24);
  t.is(why(quad, { others: [{ x: 1100, y: 650, width: 300, height: 200 }] }), 'another-vehicle');
  t.is(why(quad, { others: [{ x: 1100, y: 450, width: 300, height: 300 }] }), undefined);
  t.is(why(quad, { others: [{ x: 1018, y: 512, width: 362, height: 275 }] }), undefined);
  t.is(why(quad, { others: [{ x: 900, y: 400, width: 700, height: 600 }] }), undefined);
  // Beside the vehicle's own box, on another's.
  t.is(why(at(0, 100, 18, 5), { others: [{ x: 900, y: 500, width: 118, height: 200 }] }), 'another-vehicle');
});
