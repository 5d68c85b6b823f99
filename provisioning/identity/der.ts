/**
 * The few forms of ASN.1 DER (ITU-T X.690) that a signing request and an encrypted key are made of. Writing only: what is read is read by
 * OpenSSL.
 */

export const der = {
  sequence: (...parts: readonly Uint8Array[]): Buffer => element(0x30, Buffer.concat(parts)),
  set: (...parts: readonly Uint8Array[]): Buffer => element(0x31, Buffer.concat(parts)),
  /** From 0 to 2^48. */
  integer: (value: number): Buffer => element(0x02, integerBytes(value)),
  octets: (value: Uint8Array): Buffer => element(0x04, value),
  bits: (value: Uint8Array): Buffer => element(0x03, Buffer.concat([Buffer.of(0), value])),
  null: (): Buffer => Buffer.of(0x05, 0),
  utf8: (text: string): Buffer => element(0x0c, Buffer.from(text)),
  printable: (text: string): Buffer => element(0x13, Buffer.from(text, 'latin1')),
  /** Dotted decimals. */
  oid: (dotted: string): Buffer => element(0x06, oidBytes(dotted)),
  /** Context-specific, constructed. */
  context: (number: number, ...parts: readonly Uint8Array[]): Buffer => element(0xa0 | number, Buffer.concat(parts)),
} as const;

function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag), lengthBytes(content.byteLength), content]);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = integerDigits(length, 0x100);
  return Buffer.of(0x80 | bytes.length, ...bytes);
}

function integerBytes(value: number): Buffer {
  const bytes = value === 0 ? [0] : integerDigits(value, 0x100);
  // A first bit that is set would make it negative.
  return Buffer.from((bytes[0] ?? 0) >= 0x80 ? [0, ...bytes] : bytes);
}

function oidBytes(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const arcs = [first * 40 + second, ...rest];
  return Buffer.from(
    arcs.flatMap((arc) => {
      const digits = arc === 0 ? [0] : integerDigits(arc, 0x80);
      return digits.map((digit, i) => (i < digits.length - 1 ? digit | 0x80 : digit));
    }),
  );
}

/** Digits of a positive number in a base, the highest first. */
function integerDigits(value: number, base: number): number[] {
  const digits: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / base)) digits.unshift(rest % base);
  return digits;
}

/** One block of RFC 7468 text. */
export function pemBlock(label: string, content: Uint8Array): string {
  const lines =
    Buffer.from(content)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
