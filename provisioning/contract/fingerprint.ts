import { AtalayaError } from '../../device/kernel/errors.ts';

/** Digits that a technician types: those that the unit shows at the end. */
export const typedDigits = 8;

/** Hexadecimal digits in groups of four, in capitals, as they stand on screens. */
export function grouped(fingerprint: string): string {
  return (fingerprint.toUpperCase().match(/.{1,4}/g) ?? []).join(' ');
}

/** What a person or a QR code gave as a fingerprint, as bare digits; undefined for what is none. */
export function bareDigits(given: string): string | undefined {
  const digits = given.replace(/[\s:-]/g, '').toLowerCase();
  return /^[0-9a-f]+$/.test(digits) ? digits : undefined;
}

/**
 * True where the digits are the last eight of the fingerprint, or all of it. Throws `usage-invalid` for what is neither in form.
 *
 * Eight digits are 32 bits: who sits between laptop and unit would have to make some four thousand million keys to find one that ends
 * the same, while the technician waits; the others are on both screens, and the QR code has all of them.
 */
export function sameFingerprint(given: string, fingerprint: string): boolean {
  const digits = bareDigits(given);
  if (digits === undefined || (digits.length !== typedDigits && digits.length !== fingerprint.length)) {
    throw new AtalayaError(
      'usage-invalid',
      `this is neither the last ${typedDigits} digits of a fingerprint nor all 64`,
      {
        hint: 'Type what stands at the end of the fingerprint on the screen of the unit: digits from 0 to 9 and letters from A to F.',
      },
    );
  }
  return fingerprint.endsWith(digits);
}
