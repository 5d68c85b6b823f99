/** Units as types: a number that carries its unit cannot be handed over as another one. Branding costs nothing at run time. */

declare const unit: unique symbol;
type Quantity<Unit extends string> = number & { readonly [unit]: Unit };

export type Milliseconds = Quantity<'ms'>;
export type Seconds = Quantity<'s'>;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type UtcMilliseconds = Quantity<'ms since epoch'>;
export type Metres = Quantity<'m'>;
export type MetresPerSecond = Quantity<'m/s'>;
export type KilometresPerHour = Quantity<'km/h'>;
export type Pixels = Quantity<'px'>;
/** Width over height, probabilities, and other pure numbers from 0 to 1. */
export type Fraction = Quantity<'1'>;

export const milliseconds = (value: number): Milliseconds => value as Milliseconds;
export const seconds = (value: number): Seconds => value as Seconds;
export const utcMilliseconds = (value: number): UtcMilliseconds => value as UtcMilliseconds;
export const metres = (value: number): Metres => value as Metres;
export const metresPerSecond = (value: number): MetresPerSecond => value as MetresPerSecond;
export const kilometresPerHour = (value: number): KilometresPerHour => value as KilometresPerHour;
export const pixels = (value: number): Pixels => value as Pixels;
export const fraction = (value: number): Fraction => value as Fraction;

export const toSeconds = (time: Milliseconds): Seconds => seconds(time / 1000);
export const toMilliseconds = (time: Seconds): Milliseconds => milliseconds(time * 1000);
export const toKilometresPerHour = (speed: MetresPerSecond): KilometresPerHour => kilometresPerHour(speed * 3.6);
export const toIso = (time: UtcMilliseconds): string => new Date(time).toISOString();
