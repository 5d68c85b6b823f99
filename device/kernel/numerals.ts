/** Figures as a person reads them. */

/** With so many digits after the point, a real minus sign, and never `-0`. */
export function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '-';
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** At most three digits after the point, none that says nothing. */
export const exact = (value: number): string => String(Math.round(value * 1000) / 1000);

/**
 * A figure that a limit was exceeded with, with as many digits after the point, 1 to 3, as it takes to see that it did: 10.03 beside a
 * limit of 10.
 */
export function beyond(value: number, limit: number): string {
  const digits = [1, 2].find((count) => Number(value.toFixed(count)) > limit) ?? 3;
  return fixed(value, value > limit ? digits : 1);
}

/** With its sign always: `+0.3`, `−1.2`, `0.0`. */
export function signed(value: number, digits: number): string {
  const text = fixed(value, digits);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** At most one digit after the point, none where it would be a zero: limits and allowances as they are written on signs. */
export const brief = (value: number): string => String(Math.round(value * 10) / 10);
