/**
 * Bytes of standard base64 in its one canonical form (RFC 4648 §4 with padding, §3.5: unused bits are zero); undefined for any
 * other spelling.
 */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** A decimal number as its one canonical text: no sign, no zero in front, exact in a double; undefined for anything else. */
export function fromDecimal(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

export const isDigest = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** The first byte in which the two differ, or the length of the shorter where one begins with the other; undefined where equal. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  const shorter = Math.min(a.byteLength, b.byteLength);
  for (let at = 0; at < shorter; at += 1) if (a[at] !== b[at]) return at;
  return a.byteLength === b.byteLength ? undefined : shorter;
}

/** The message of whatever was thrown. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
