import type { EvidenceRecord } from '../evidence/record/record.ts';
import { beyond, brief, exact, fixed } from '../kernel/numerals.ts';

type Infraction = EvidenceRecord['infraction'];
type Measured = Infraction['measured'];

/** What is charged, as one sentence without its date and place. */
export function chargeSentence({ class: kind, measured }: Infraction): string {
  switch (measured.rule) {
    case 'speeding': {
      const over = measured.chargedKmh - measured.limitKmh;
      return `A ${kind} drove at ${fixed(measured.speedKmh, 1)} km/h where ${brief(measured.limitKmh)} km/h is the limit; less a tolerance of ${fixed(measured.toleranceKmh, 1)} km/h, ${fixed(measured.chargedKmh, 1)} km/h is charged, ${fixed(over, 1)} km/h over the limit.`;
    }
    case 'red-light':
      return `A ${kind} passed the line “${measured.line}” when its signal head “${measured.head}” had shown red for ${fixed(measured.redForS, 2)} s.`;
    case 'stop-line':
      return `A ${kind} stood ${metresOrPixels(measured.beyondM, measured.beyondPx)} beyond the line “${measured.line}” for ${fixed(measured.standingS, 1)} s while its signal head “${measured.head}” showed red.`;
    case 'wrong-way':
      return `A ${kind} went ${metresOrPixels(measured.distanceM, measured.distancePx)} against the direction of the lane “${measured.lane}”.`;
    case 'stopping':
      return `A ${kind} stood in the zone “${measured.zone}” for ${beyond(measured.standingS, measured.allowedS)} s; ${allowed(measured)}.`;
    case 'blocked-box':
      return `A ${kind} blocked the junction box “${measured.zone}” for ${beyond(measured.standingS, measured.allowedS)} s; ${allowed(measured)}.`;
    case 'restricted-lane':
      return `A ${kind} used the lane “${measured.lane}”, which is for ${measured.allowed.join(', ')}, for ${fixed(measured.insideS, 2)} s.`;
  }
}

const metresOrPixels = (metres: number | undefined, pixels: number): string =>
  metres === undefined ? `${fixed(pixels, 0)} pixels of the picture` : `${fixed(metres, 1)} m`;

const allowed = ({ standingS, allowedS }: { standingS: number; allowedS: number }): string =>
  `${standingS > allowedS ? '' : 'less than '}${exact(allowedS)} s is allowed`;

export type Fact = readonly [name: string, value: string];

/** Every figure of the measurement with its name, in the order in which one leads to the next. */
export function measuredFacts(measured: Measured): readonly Fact[] {
  switch (measured.rule) {
    case 'speeding':
      return [
        ['Measured speed', `${fixed(measured.speedKmh, 1)} km/h`],
        ['Standard uncertainty (1 sigma)', `±${fixed(measured.uncertaintyKmh, 2)} km/h`],
        ['Tolerance deducted', `${fixed(measured.toleranceKmh, 1)} km/h`],
        ['Charged speed', `${fixed(measured.chargedKmh, 1)} km/h`],
        ['Limit', `${brief(measured.limitKmh)} km/h`],
      ];
    case 'red-light':
      return [
        ['Red for', `${fixed(measured.redForS, 2)} s`],
        ['Signal head', measured.head],
        ['Line', measured.line],
        ...optional('Speed (not charged)', measured.speedKmh, 'km/h'),
      ];
    case 'stop-line':
      return [
        ['Beyond the line, in the picture', `${fixed(measured.beyondPx, 0)} px`],
        ...optional('Beyond the line, on the road', measured.beyondM, 'm'),
        ['Standing', `${fixed(measured.standingS, 1)} s`],
        ['Signal head', measured.head],
        ['Line', measured.line],
      ];
    case 'wrong-way':
      return [
        ['Way in the picture', `${fixed(measured.distancePx, 0)} px`],
        ...optional('Way on the road', measured.distanceM, 'm'),
        ['Angle to the lane', `${fixed(measured.againstDeg, 0)}°`],
      ];
    case 'stopping':
    case 'blocked-box':
      return [
        ['Standing', `${beyond(measured.standingS, measured.allowedS)} s`],
        ['Allowed', `${measured.standingS > measured.allowedS ? '' : 'less than '}${exact(measured.allowedS)} s`],
        ['Zone', measured.zone],
      ];
    case 'restricted-lane':
      return [
        ['Inside for', `${fixed(measured.insideS, 2)} s`],
        ['Allowed classes', measured.allowed.join(', ')],
      ];
  }
}

function optional(name: string, value: number | undefined, unit: string): Fact[] {
  return value === undefined ? [] : [[name, `${fixed(value, 1)} ${unit}`]];
}
