import type { UtcMilliseconds } from '../kernel/units.ts';

/** A certificate of the calibration or verification, as the scene states it; days as YYYY-MM-DD. */
export interface Certificate {
  readonly number: string;
  readonly issuer: string;
  /** First day on which it is valid. */
  readonly issued: string;
  /** Last day on which it is valid. */
  readonly expires: string;
}

/** `undated`: nothing states the date of the moment, so nothing can be said. */
export type CertificateState = 'valid' | 'expired' | 'not-yet-valid' | 'undated';

/** What the certificate was on the day of the moment, by the local date of the scene. */
export function certificateState(
  { issued, expires }: Certificate,
  moment: { readonly utc: UtcMilliseconds; readonly dated: boolean },
  timeZone: string,
): CertificateState {
  if (!moment.dated) return 'undated';
  const day = localDay(moment.utc, timeZone);
  if (day < issued) return 'not-yet-valid';
  return day > expires ? 'expired' : 'valid';
}

function localDay(utc: UtcMilliseconds, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).formatToParts(utc);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}
