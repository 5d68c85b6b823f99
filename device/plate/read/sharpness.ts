import { type Fraction, fraction } from '../../kernel/units.ts';
import { stripHeight } from '../engine/plate-engine.ts';
import { lightnessOf, percentile, whitest } from './lightness.ts';
import type { Strip } from './views.ts';

/** Strips with less contrast show nothing. */
const leastContrast = (4 / 255) * whitest;

/**
 * How steep the edges of the characters are: the 98th percentile of the difference between horizontal neighbours over the strip's
 * contrast (5th to 95th percentile). A strip has 48 rows whatever it was cut from, so that small text, which was enlarged, and smeared
 * text both come out low. 0 where there is no contrast.
 */
export function sharpnessOf({ data, width }: Strip): Fraction {
  const light = lightnessOf(data, stripHeight * width);
  const contrast = percentile(light, 0.95) - percentile(light, 0.05);
  if (contrast < leastContrast) return fraction(0);
  const steps = new Int32Array(light.length);
  for (let from = 0; from < light.length; from += width) {
    for (let i = from; i < from + width - 1; i += 1) steps[i] = Math.abs(light[i + 1]! - light[i]!);
  }
  return fraction(Math.min(1, percentile(steps, 0.98) / contrast));
}
