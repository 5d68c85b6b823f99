import test from 'ava';
import fc from 'fast-check';
import { apply, fitHomography, invert, jacobian, type PointPair } from './homography.ts';
import { inverse, multiply, symmetricEigen } from './linear.ts';
import { project, randomNumbers, type TestCamera, testCamera } from './testing/camera.ts';

const error = { image: 1, road: 0.02 };
const places = [
  [-6, 14],
  [6, 14],
  [-6, 30],
  [6, 30],
  [-5, 55],
  [5, 55],
  [0, 22],
] as const;

const cameras = fc
  .record({
    focal: fc.integer({ min: 600, max: 2500 }),
    above: fc.integer({ min: 3, max: 15 }),
    pitch: fc.double({ min: 0.1, max: 0.6, noNaN: true }),
    yaw: fc.double({ min: -0.4, max: 0.4, noNaN: true }),
  })
  .map((some): TestCamera => ({ ...testCamera, ...some }));

const pairsOf = (camera: TestCamera): PointPair[] =>
  places.map(([x, y]) => ({ road: { x, y }, image: project(camera, x, y) }));

test('exact points give the camera back: any other road point is found to a millimetre', (t) => {
  fc.assert(
    fc.property(
      cameras,
      fc.double({ min: -6, max: 6, noNaN: true }),
      fc.double({ min: 14, max: 55, noNaN: true }),
      (camera, x, y) => {
        const fit = fitHomography(pairsOf(camera), error);
        if (fit === undefined) return false;
        const found = apply(fit.toRoad, project(camera, x, y));
        return Math.hypot(found.x - x, found.y - y) < 1e-3 && fit.residuals.every(({ px }) => px < 1e-5);
      },
    ),
  );
  t.pass();
});

test('there and back again is the same point', (t) => {
  fc.assert(
    fc.property(cameras, fc.double({ min: 10, max: 80, noNaN: true }), (camera, y) => {
      const fit = fitHomography(pairsOf(camera), error);
      if (fit === undefined) return false;
      const back = apply(fit.toRoad, apply(fit.toImage, { x: 1, y }));
      return Math.hypot(back.x - 1, back.y - y) < 1e-6 * y;
    }),
  );
  t.pass();
});

test('scaling and moving the road or the picture scales and moves the answer', (t) => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 50, noNaN: true }),
      fc.double({ min: -5000, max: 5000, noNaN: true }),
      (scale, shift) => {
        const pairs = pairsOf(testCamera);
        const plain = fitHomography(pairs, error);
        const moved = fitHomography(
          pairs.map(({ road, image }) => ({ image, road: { x: road.x * scale + shift, y: road.y * scale - shift } })),
          { ...error, road: error.road * scale },
        );
        if (plain === undefined || moved === undefined) return false;
        const a = apply(plain.toRoad, { x: 700, y: 500 });
        const b = apply(moved.toRoad, { x: 700, y: 500 });
        return Math.hypot(b.x - (a.x * scale + shift), b.y - (a.y * scale - shift)) < 1e-5 * (scale + Math.abs(shift));
      },
    ),
  );
  t.pass();
});

test('the stated error of the calibration is the one that noisy points show', (t) => {
  const random = randomNumbers(4);
  const at = project(testCamera, 2, 40);
  const found: number[] = [];
  const stated: number[] = [];
  for (let round = 0; round < 300; round++) {
    const noisy = pairsOf(testCamera).map(({ road, image }) => ({
      road,
      image: { x: image.x + random.normal(), y: image.y + random.normal() },
    }));
    const fit = fitHomography(noisy, { image: 1, road: 0 });
    if (fit === undefined) return t.fail('no fit');
    const here = apply(fit.toRoad, at);
    found.push(here.y - 40);
    stated.push(Math.hypot(...fit.perturbed.map((map) => apply(map, at).y - here.y)));
  }
  const scatter = Math.sqrt(found.reduce((sum, value) => sum + value * value, 0) / found.length);
  const mean = stated.reduce((sum, value) => sum + value, 0) / stated.length;
  t.true(Math.abs(mean / scatter - 1) < 0.3, `stated ${mean.toFixed(3)} m, seen ${scatter.toFixed(3)} m`);
});

test('points that determine no homography give none', (t) => {
  const line = [0, 1, 2, 3, 4].map((i) => ({ road: { x: i, y: 0 }, image: { x: 100 * i, y: 10 * i } }));
  t.is(fitHomography(line, error), undefined);
  t.is(fitHomography(pairsOf(testCamera).slice(0, 3), error), undefined);
});

test('the jacobian is the derivative of the map', (t) => {
  const fit = fitHomography(pairsOf(testCamera), error);
  if (fit === undefined) return t.fail();
  const p = { x: 500, y: 450 };
  const h = 1e-4;
  const [[, b], [, d]] = jacobian(fit.toRoad, p);
  const above = apply(fit.toRoad, { x: p.x, y: p.y + h });
  const below = apply(fit.toRoad, { x: p.x, y: p.y - h });
  t.true(Math.abs((above.x - below.x) / (2 * h) - b) < 1e-6);
  t.true(Math.abs((above.y - below.y) / (2 * h) - d) < 1e-6);
});

test('a singular map has no inverse', (t) => {
  t.is(invert([1, 2, 3, 2, 4, 6, 0, 0, 1]), undefined);
});

test('a matrix times its inverse is the identity, and eigenvectors are stretched by their values', (t) => {
  const cell = fc.double({ min: -5, max: 5, noNaN: true });
  fc.assert(
    fc.property(fc.array(cell, { minLength: 16, maxLength: 16 }), (cells) => {
      const m = [0, 1, 2, 3].map((i) =>
        cells.slice(4 * i, 4 * i + 4).map((value, j) => (i === j ? value + 25 : value)),
      );
      const inverted = inverse(m);
      const product = inverted && multiply(m, inverted);
      const near = product?.every((row, i) => row.every((value, j) => Math.abs(value - (i === j ? 1 : 0)) < 1e-9));
      const symmetric = m.map((row, i) => row.map((value, j) => (value + (m[j]?.[i] ?? 0)) / 2));
      const { values, vectors } = symmetricEigen(symmetric);
      const stretched = vectors.every((vector, k) => {
        const image = multiply(
          symmetric,
          vector.map((value) => [value]),
        ).map((row) => row[0] ?? 0);
        return image.every((value, i) => Math.abs(value - (values[k] ?? 0) * (vector[i] ?? 0)) < 1e-8);
      });
      return near === true && stretched;
    }),
  );
  t.pass();
});
