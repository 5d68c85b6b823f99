import { type Fraction, fraction } from '../../kernel/units.ts';
import { stripHeight } from '../engine/plate-engine.ts';
import type { Strip } from './views.ts';

/**
 * How steep the edges of the characters are: the 98th percentile of the difference between horizontal neighbours over the strip's
 * contrast (5th to 95th percentile). A strip has 48 rows whatever it was cut from, so that small text, which was enlarged, and smeared
 * text both come out low. 0 where there is no contrast.
 */
export function sharpnessOf({ data, width }: Strip): Fraction {
  const light = new Float32Array(stripHeight * width);
  for (let i = 0; i < light.length; i += 1) {
    light[i] = 0.299 * (data[i * 3] ?? 0) + 0.587 * (data[i * 3 + 1] ?? 0) + 0.114 * (data[i * 3 + 2] ?? 0);
  }
  const steps = new Float32Array(light.length);
  for (let i = 0; i < light.length - 1; i += 1) {
    if ((i + 1) % width !== 0) steps[i] = Math.abs((light[i + 1] ?? 0) - (light[i] ?? 0));
  }
  const ordered = light.sort();
  const contrast = percentile(ordered, 0.95) - percentile(ordered, 0.05);
  return fraction(contrast < 4 ? 0 : Math.min(1, percentile(steps.sort(), 0.98) / contrast));
}

const percentile = (ordered: Float32Array, share: number): number =>
  ordered[Math.min(ordered.length - 1, Math.floor(share * ordered.length))] ?? 0;
