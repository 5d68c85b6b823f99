import test from 'ava';
import fc from 'fast-check';
import { simpleSpeed } from './simple-speed.ts';

/** A map that makes 100 px one metre, and boxes of which the foot goes the given way. */
const metric = [0.01, 0, 0, 0, 0.01, 0, 0, 0, 1];
const boxes = (vx: number, vy: number, count = 30) =>
  Array.from({ length: count }, (_, frame) => ({
    frame,
    elapsedMs: frame * 40,
    intervalErrorMs: 0.5,
    measured: true,
    use: 'held',
    box: { x: 4 * frame * vx, y: 4 * frame * vy - 100, width: 50, height: 100 },
  }));
const input = { toRoad: metric, deviations: [], overshoot: 0, stretch: [0, 29] as const };

test('a steady motion gives its speed', (t) => {
  fc.assert(
    fc.property(
      fc.double({ min: -60, max: 60, noNaN: true }),
      fc.double({ min: 0.5, max: 60, noNaN: true }),
      (vx, vy) => {
        const speed = simpleSpeed({ ...input, track: boxes(vx, vy) });
        return speed.stated && Math.abs(speed.speedKmh - 3.6 * Math.hypot(vx, vy)) < 1e-6;
      },
    ),
  );
  t.pass();
});

test('the true speed lies within three of the stated uncertainties of one from noisy boxes', (t) => {
  const off = (frame: number) => 12 * Math.sin(frame * 12.9898);
  const track = boxes(0, 20).map((one) => ({ ...one, box: { ...one.box, y: one.box.y + off(one.frame) } }));
  const speed = simpleSpeed({ ...input, track });
  if (!speed.stated) return t.fail();
  t.true(speed.parts.scatterKmh > 0.01);
  return t.true(Math.abs(speed.speedKmh - 72) < 3 * speed.uncertaintyKmh);
});

test('no speed from too few boxes, from predicted ones, or from boxes beyond the horizon', (t) => {
  t.false(simpleSpeed({ ...input, track: boxes(0, 20, 4) }).stated);
  t.false(simpleSpeed({ ...input, track: boxes(0, 20).map((one) => ({ ...one, measured: false })) }).stated);
  t.false(simpleSpeed({ ...input, track: boxes(0, 0) }).stated, 'nobody moved');
  t.false(simpleSpeed({ ...input, toRoad: [1, 0, 0, 0, 1, 0, 0, 0, 0], track: boxes(0, 20) }).stated);
});
