import type { Box } from '../detect/detection.ts';
import type { Seconds } from '../kernel/units.ts';
import { centre, sizeOf } from './boxes.ts';

/**
 * Kalman filter of a box: centre, width and height, each with its rate.
 *
 * The four axes are independent, as in SORT (Bewley et al. 2016) and ByteTrack (Zhang et al. 2022), whose 8 x 8 matrices hold nothing
 * off these blocks; so the filter is four filters of two states. The model is constant velocity disturbed by white acceleration
 * (Bar-Shalom, Li, Kirubarajan 2001, section 6.2.2); its noise is that of continuous time, so that one step of 80 ms and two steps of
 * 40 ms give the same state, whichever frames were skipped.
 */

/** One axis: px and px/s, with the three entries of its symmetric covariance. */
export interface AxisState {
  readonly value: number;
  readonly rate: number;
  readonly varValue: number;
  readonly covariance: number;
  readonly varRate: number;
}

export interface BoxState {
  readonly x: AxisState;
  readonly y: AxisState;
  readonly width: AxisState;
  readonly height: AxisState;
}

/** How road users move and how exact detections are. A size is the root of the box's area, so the figures hold near and far. */
export interface MotionModel {
  /** How much the velocity may have changed after one second, 1 sigma, in sizes per second. */
  readonly velocityDrift: number;
  /** The same for a track that was lost standing. */
  readonly standingDrift: number;
  /** The velocity of somebody seen once, 1 sigma, in sizes per second. */
  readonly initialSpeed: number;
  /** Error of a detected centre or side, 1 sigma, in sizes. */
  readonly positionError: number;
  /** The same in pixels, below which no detection is believed to be. */
  readonly positionErrorFloor: number;
}

/** A step of `dt` seconds; `drift` is the velocity's change after one second, 1 sigma, px/s. */
export function predictAxis(state: AxisState, dt: Seconds, drift: number): AxisState {
  const q = drift * drift;
  return {
    value: state.value + state.rate * dt,
    rate: state.rate,
    varValue: state.varValue + 2 * dt * state.covariance + dt * dt * state.varRate + (q * dt ** 3) / 3,
    covariance: state.covariance + dt * state.varRate + (q * dt * dt) / 2,
    varRate: state.varRate + q * dt,
  };
}

/** A measurement of the value with error `sigma`, px. Joseph's form: the covariance stays positive whatever rounding does. */
export function correctAxis(state: AxisState, measured: number, sigma: number): AxisState {
  const r = sigma * sigma;
  const { varValue: p, covariance: c, varRate: v } = state;
  const gain = p / (p + r);
  const rateGain = c / (p + r);
  const innovation = measured - state.value;
  return {
    value: state.value + gain * innovation,
    rate: state.rate + rateGain * innovation,
    varValue: (1 - gain) ** 2 * p + gain * gain * r,
    covariance: (1 - gain) * (c - rateGain * p) + gain * rateGain * r,
    varRate: v - 2 * rateGain * c + rateGain * rateGain * (p + r),
  };
}

/** Error of a detected box, 1 sigma, px. `doubt` multiplies it for detections of low score. */
export function measurementError(box: Box, model: MotionModel, doubt = 1): number {
  return doubt * Math.max(model.positionErrorFloor, model.positionError * sizeOf(box));
}

/** The state of somebody seen once: place known, velocity not. */
export function startBox(box: Box, model: MotionModel): BoxState {
  const sigma = measurementError(box, model);
  const speed = model.initialSpeed * sizeOf(box);
  const axis = (value: number, rateSigma: number): AxisState => ({
    value,
    rate: 0,
    varValue: sigma * sigma,
    covariance: 0,
    varRate: rateSigma * rateSigma,
  });
  const { x, y } = centre(box);
  // Perspective changes a box's size more slowly than its place.
  return {
    x: axis(x, speed),
    y: axis(y, speed),
    width: axis(box.width, speed / 4),
    height: axis(box.height, speed / 4),
  };
}

export function predictBox(state: BoxState, dt: Seconds, model: MotionModel): BoxState {
  const drift = model.velocityDrift * sizeOf(boxOf(state));
  return {
    x: predictAxis(state.x, dt, drift),
    y: predictAxis(state.y, dt, drift),
    width: predictAxis(state.width, dt, drift / 2),
    height: predictAxis(state.height, dt, drift / 2),
  };
}

/** Corrects all four axes by a detection whose sides and centre err by `sigma` px. */
export function correctBox(state: BoxState, box: Box, sigma: number): BoxState {
  const { x, y } = centre(box);
  return {
    x: correctAxis(state.x, x, sigma),
    y: correctAxis(state.y, y, sigma),
    width: correctAxis(state.width, box.width, sigma),
    height: correctAxis(state.height, box.height, sigma),
  };
}

/** Lets the size's rates fade by `factor` (0 to 1): a growth that nobody sees any more must not go on. */
export function fadeSizeRates(state: BoxState, factor: number): BoxState {
  const fade = (axis: AxisState): AxisState => ({ ...axis, rate: axis.rate * factor });
  return { ...state, width: fade(state.width), height: fade(state.height) };
}

/** Stands still from now on, but for a residual speed of `sigma` px/s. */
export function holdStill(state: BoxState, sigma: number): BoxState {
  const hold = (axis: AxisState): AxisState => ({ ...axis, rate: 0, covariance: 0, varRate: sigma * sigma });
  return { x: hold(state.x), y: hold(state.y), width: hold(state.width), height: hold(state.height) };
}

/** The estimated box; its sides are at least 1 px. */
export function boxOf(state: BoxState): Box {
  const width = Math.max(1, state.width.value);
  const height = Math.max(1, state.height.value);
  return { x: state.x.value - width / 2, y: state.y.value - height / 2, width, height };
}
