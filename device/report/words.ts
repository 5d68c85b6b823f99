import type { CaptureTime } from '../capture/frame.ts';
import { elapsedFace, undatedFace } from '../evidence/pictures/elapsed-face.ts';
import type { Measurement } from '../judge/infraction.ts';
import { beyond, brief, exact, fixed } from '../kernel/numerals.ts';
import type { UtcMilliseconds } from '../kernel/units.ts';
import type { RunRecord } from './run-record.ts';

export { ruleTitle } from '../judge/rule-title.ts';
export { beyond, brief, fixed, signed } from '../kernel/numerals.ts';

/** The same figure reads the same on the console and on the page: every wording of a value stands here. */

/** The figure that decides, in about thirty characters: `78.2 ±0.6 km/h, limit 50`, `red for 3.7 s, 45 km/h`. */
export function keyFigure(measured: Measurement): string {
  switch (measured.rule) {
    case 'speeding':
      return `${fixed(measured.speedKmh, 1)} ±${fixed(measured.uncertaintyKmh, 1)} km/h, limit ${brief(measured.limitKmh)}`;
    case 'red-light': {
      const speed = measured.speedKmh === undefined ? '' : `, ${fixed(measured.speedKmh, 0)} km/h`;
      return `red for ${fixed(measured.redForS, 1)} s${speed}`;
    }
    case 'stop-line': {
      const beyond =
        measured.beyondM === undefined ? `${fixed(measured.beyondPx, 0)} px` : `${fixed(measured.beyondM, 1)} m`;
      return `${beyond} over, ${fixed(measured.standingS, 1)} s`;
    }
    case 'wrong-way': {
      const distance =
        measured.distanceM === undefined ? `${fixed(measured.distancePx, 0)} px` : `${fixed(measured.distanceM, 1)} m`;
      return `${distance} against the lane (${fixed(measured.againstDeg, 0)}°)`;
    }
    case 'stopping':
    case 'blocked-box':
      return measured.standingS > measured.allowedS
        ? `stood ${beyond(measured.standingS, measured.allowedS)} s, ${exact(measured.allowedS)} s allowed`
        : `stood ${exact(measured.standingS)} s, less than ${exact(measured.allowedS)} s allowed`;
    case 'restricted-lane':
      return `${fixed(measured.insideS, 2)} s in a lane for ${measured.allowed.join(', ')}`;
  }
}

/** Every figure of the measurement with its name, for a table. */
export function figures(measured: Measurement): readonly (readonly [name: string, value: string])[] {
  switch (measured.rule) {
    case 'speeding':
      return [
        ['Measured', `${fixed(measured.speedKmh, 1)} km/h`],
        ['Standard uncertainty', `±${fixed(measured.uncertaintyKmh, 2)} km/h`],
        ['Limit', `${brief(measured.limitKmh)} km/h`],
        ['Tolerance deducted', `${fixed(measured.toleranceKmh, 1)} km/h`],
        ['Charged', `${fixed(measured.chargedKmh, 1)} km/h`],
      ];
    case 'red-light':
      return [
        ['Signal head', measured.head],
        ['Stop line', measured.line],
        ['Red for', `${fixed(measured.redForS, 2)} s`],
        ...optional('Speed', measured.speedKmh, 'km/h'),
      ];
    case 'stop-line':
      return [
        ['Signal head', measured.head],
        ['Stop line', measured.line],
        ['Beyond the line', `${fixed(measured.beyondPx, 0)} px`],
        ...optional('On the road', measured.beyondM, 'm'),
        ['Standing', `${fixed(measured.standingS, 1)} s`],
      ];
    case 'wrong-way':
      return [
        ['Lane', measured.lane],
        ['Angle to the lane', `${fixed(measured.againstDeg, 0)}°`],
        ['Way in the picture', `${fixed(measured.distancePx, 0)} px`],
        ...optional('Way on the road', measured.distanceM, 'm'),
      ];
    case 'stopping':
    case 'blocked-box':
      return [
        ['Zone', measured.zone],
        ['Standing', `${beyond(measured.standingS, measured.allowedS)} s`],
        ['Allowed', `${measured.standingS > measured.allowedS ? '' : 'less than '}${exact(measured.allowedS)} s`],
      ];
    case 'restricted-lane':
      return [
        ['Lane', measured.lane],
        ['Allowed classes', measured.allowed.join(', ')],
        ['Inside for', `${fixed(measured.insideS, 2)} s`],
      ];
  }
}

function optional(name: string, value: number | undefined, unit: string): [string, string][] {
  return value === undefined ? [] : [[name, `${fixed(value, 1)} ${unit}`]];
}

/** A share as `97 %`. */
export const percent = (share: number): string => `${fixed(share * 100, 0)} %`;

/** `1 vehicle`, `3 vehicles`. */
export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** Position in a recording: `0:07.43`, `1:02:07.43`. */
export const clockFace = elapsedFace;

/** Time of day, UTC: `12:00:07.400`. */
export const timeOfDay = (utc: UtcMilliseconds): string => new Date(utc).toISOString().slice(11, 23);

/** Date and time, UTC, for a person: `2026-03-01 12:00:07 UTC`. */
export const dateAndTime = (utc: UtcMilliseconds): string =>
  `${new Date(utc).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** The same to the millisecond. */
export const preciseTime = (utc: UtcMilliseconds): string =>
  `${new Date(utc).toISOString().slice(0, 23).replace('T', ' ')} UTC`;

/** When a frame was taken, as a time of day; `date unknown, +0:05.44` where nothing states the date. */
export const captureTimeOfDay = ({ utc, elapsed, clock }: CaptureTime): string =>
  clock.dated ? timeOfDay(utc) : undatedFace(elapsed);

/** When a frame was taken, with its date to the millisecond; `date unknown, +0:05.44` where nothing states the date. */
export const captureTime = ({ utc, elapsed, clock }: CaptureTime): string =>
  clock.dated ? preciseTime(utc) : undatedFace(elapsed);

/** The date and time at which a recording begins; `date unknown` where nothing states it. */
export const captureDate = ({ utc, clock }: CaptureTime): string => (clock.dated ? dateAndTime(utc) : 'date unknown');

/** A stretch of time in the unit that suits it: `21.3 s`, `12 min 5 s`, `3 h 20 min`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${fixed(seconds, 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

export const megabytes = (bytes: number): string => `${fixed(bytes / 1e6, 0)} MB`;

/** How the run ended and what it lost, in sentences; undefined for a run that simply reached its end with all its evidence. */
export function outcomeSentence(record: RunRecord): string | undefined {
  const { lost } = record.counts;
  const sentences = [
    ending(record),
    ...(lost > 0 ? [`${plural(lost, 'infraction')} more could not be kept: the notices of the run say why.`] : []),
  ].filter((sentence) => sentence !== undefined);
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

function ending({ outcome }: RunRecord): string | undefined {
  switch (outcome.kind) {
    case 'source-ended':
      return undefined;
    case 'interrupted':
      return 'The run was interrupted before the source ended.';
    case 'failed':
      return `The run was stopped by a fault: ${outcome.message.replaceAll(/\s+/g, ' ').trim()}`;
  }
}
