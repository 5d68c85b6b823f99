import test from 'ava';
import fc from 'fast-check';
import { seconds } from '../kernel/units.ts';
import { defaultTrackerConfig } from './config.ts';
import { type AxisState, boxOf, correctAxis, correctBox, predictAxis, predictBox, startBox } from './kalman.ts';

const { motion } = defaultTrackerConfig;
const start: AxisState = { value: 0, rate: 0, varValue: 4, covariance: 0, varRate: 1e4 };
const dt = fc.double({ min: 0, max: 3, noNaN: true }).map(seconds);
const drift = fc.double({ min: 0.1, max: 500, noNaN: true });

test('the covariance stays positive through any steps and measurements', (t) => {
  const step = fc.record({
    dt,
    drift,
    measured: fc.option(fc.double({ min: -1e4, max: 1e4, noNaN: true })),
    sigma: fc.double({ min: 0.5, max: 100, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let state = start;
      for (const { dt, drift, measured, sigma } of steps) {
        state = predictAxis(state, dt, drift);
        if (measured !== null) state = correctAxis(state, measured, sigma);
        const determinant = state.varValue * state.varRate - state.covariance ** 2;
        if (!(state.varValue > 0 && state.varRate > 0 && determinant >= -1e-9 * state.varValue * state.varRate)) {
          return false;
        }
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('one long step equals two short ones, so skipped frames change nothing', (t) => {
  fc.assert(
    fc.property(dt, dt, drift, (a, b, drift) => {
      const twice = predictAxis(predictAxis({ ...start, rate: 7 }, a, drift), b, drift);
      const once = predictAxis({ ...start, rate: 7 }, seconds(a + b), drift);
      return (['value', 'rate', 'varValue', 'covariance', 'varRate'] as const).every(
        (key) => Math.abs(once[key] - twice[key]) <= 1e-9 * Math.max(1, Math.abs(once[key])),
      );
    }),
  );
  t.pass();
});

test('a filter that knows a constant velocity follows it exactly over uneven steps', (t) => {
  const steps = fc.array(fc.double({ min: 0.001, max: 0.5, noNaN: true }).map(seconds), { maxLength: 50 });
  fc.assert(
    fc.property(fc.double({ min: -2000, max: 2000, noNaN: true }), steps, (rate, steps) => {
      let state: AxisState = { ...start, rate };
      let truth = 0;
      for (const dt of steps) {
        truth += rate * dt;
        state = correctAxis(predictAxis(state, dt, 50), truth, 2);
        if (Math.abs(state.value - truth) > 1e-6 || Math.abs(state.rate - rate) > 1e-5) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test('a filter that knows nothing finds a constant velocity', (t) => {
  let state = startBox({ x: 100, y: 100, width: 80, height: 50 }, motion);
  const truth = (time: number) => ({ x: 100 + 300 * time, y: 100 - 40 * time, width: 80, height: 50 });
  let time = 0;
  for (const step of [0.04, 0.08, 0.04, 0.2, 0.04, 0.04, 0.12, 0.04, 0.08, 0.04, 0.2, 0.04]) {
    time += step;
    state = correctBox(predictBox(state, seconds(step), motion), truth(time), 3);
  }
  t.true(Math.abs(state.x.rate - 300) < 3, `${state.x.rate} px/s`);
  t.true(Math.abs(state.y.rate + 40) < 1, `${state.y.rate} px/s`);
  t.true(Math.abs(boxOf(state).x - truth(time).x) < 0.5);
});

test('a correction moves the estimate towards the measurement and makes it surer', (t) => {
  fc.assert(
    fc.property(
      fc.double({ min: -100, max: 100, noNaN: true }),
      fc.double({ min: 0.5, max: 50, noNaN: true }),
      (z, sigma) => {
        const after = correctAxis(start, z, sigma);
        return (
          Math.abs(z - after.value) <= Math.abs(z) && after.varValue < start.varValue && after.varValue < sigma ** 2
        );
      },
    ),
  );
  t.pass();
});
