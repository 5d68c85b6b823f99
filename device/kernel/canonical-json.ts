import canonicalize from 'canonicalize';
import { AtalayaError } from './errors.ts';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * The one JSON text of a value by RFC 8785 (keys sorted by UTF-16 units, numbers as ECMAScript prints them, no white space): equal
 * values give equal bytes, so a hash of the text is a hash of the value. A property that is undefined is left out.
 *
 * Throws `internal` for what JSON cannot say: NaN, infinities, lone surrogates, functions.
 */
export function canonicalJson(value: JsonValue): string {
  try {
    const text = canonicalize(value);
    if (text === undefined) throw new TypeError('nothing to write');
    return text;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AtalayaError('internal', `this value has no canonical JSON: ${reason}`, { cause: error });
  }
}
