import type { Infraction, Measurement } from '../judge/infraction.ts';
import { milliseconds } from '../kernel/units.ts';
import { type InfractionOutcome, type PlateComparison, type TruthComparison, trueSpeed } from './truth.ts';
import { beyond, clockFace, fixed, percent, signed } from './words.ts';

export interface OutcomeTally {
  readonly found: number;
  readonly missed: number;
  readonly invented: number;
}

export function tallyOutcomes(comparison: TruthComparison): OutcomeTally {
  const count = (outcome: InfractionOutcome['outcome']) =>
    comparison.infractions.filter((one) => one.outcome === outcome).length;
  return { found: count('found'), missed: count('missed'), invented: count('invented') };
}

/** Measured, true and the difference between them, each with its unit: the speed for speeding, else the charged moment. */
export function trueFigure(
  outcome: Extract<InfractionOutcome, { outcome: 'found' }>,
  infraction: Infraction,
): { readonly truth: string; readonly off: string } {
  if (infraction.measured.rule === 'speeding') {
    const speed = trueSpeed(outcome.vehicle, infraction.frame, infraction.frame);
    if (speed === undefined) return { truth: '-', off: '-' };
    return { truth: `${fixed(speed, 1)} km/h`, off: `${signed(infraction.measured.speedKmh - speed, 1)} km/h` };
  }
  return { truth: `at ${trueMoment(outcome.truth.timeS)}`, off: `${signed(outcome.lateS, 2)} s` };
}

/** What `at 0:12.10` among the true figures means. */
export const momentMeaning = "the truth's moment: when it became an infraction";

/** How often the truth lay within two standard uncertainties; `poor` where that is seen to be less often than it should. */
export function uncertaintySentence(withinTwoSigma: number): { readonly text: string; readonly poor: boolean } {
  const text = `${percent(withinTwoSigma)} within two standard uncertainties`;
  const poor = withinTwoSigma < 0.9;
  return { text: poor ? `${text}; about 95 % would be expected` : text, poor };
}

/** A true moment on the recording's clock: `0:12.10`. */
export const trueMoment = (timeS: number): string => clockFace(milliseconds(timeS * 1000));

/** The figure alone, for a narrow table: `78.2 ±0.6 km/h`, `red 3.7 s`. */
export function shortFigure(measured: Measurement): string {
  switch (measured.rule) {
    case 'speeding':
      return `${fixed(measured.speedKmh, 1)} ±${fixed(measured.uncertaintyKmh, 1)} km/h`;
    case 'red-light':
      return `red for ${fixed(measured.redForS, 1)} s`;
    case 'stop-line':
      return `${fixed(measured.standingS, 1)} s over`;
    case 'wrong-way':
      return measured.distanceM === undefined
        ? `${fixed(measured.distancePx, 0)} px`
        : `${fixed(measured.distanceM, 1)} m`;
    case 'stopping':
    case 'blocked-box':
      return `${beyond(measured.standingS, measured.allowedS)} s`;
    case 'restricted-lane':
      return `${fixed(measured.insideS, 2)} s inside`;
  }
}

/** Why an infraction counts as invented, as the end of a sentence. */
export function inventedBecause(outcome: Extract<InfractionOutcome, { outcome: 'invented' }>): string {
  switch (outcome.reason) {
    case 'no-vehicle':
      return 'no true vehicle was there';
    case 'not-committed':
      return `${outcome.vehicle?.id ?? 'the vehicle'} did not commit it`;
    case 'said-twice':
      return `${outcome.vehicle?.id ?? 'the vehicle'} committed it fewer times`;
  }
}

/** What became of the plates of those accused, as a sentence; undefined where the truth states none. */
export function platesSentence({ right, wrong, unread }: PlateComparison): string | undefined {
  const all = right + wrong + unread;
  return all === 0 ? undefined : `Their plates: ${right} of ${all} read right, ${wrong} wrong, ${unread} unread.`;
}
