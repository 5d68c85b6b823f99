import type { JsonValue } from '../../device/kernel/canonical-json.ts';

/** What a text says, or why nobody should ask. */
export type StrictJson =
  | { readonly kind: 'json'; readonly value: JsonValue }
  | { readonly kind: 'malformed'; readonly detail: string };

/** Levels of lists and objects; metadata needs eight. */
const deepest = 16;
/** Strings, and the colon behind one that is a name; or a bracket. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"\s*(:)?|[[\]{}]/g;

/**
 * JSON that every reader understands alike: UTF-8 without a mark at its beginning, no name twice in an object, no `__proto__`, no depth that
 * a recursive reader could not follow. What two readers take differently, one of them would verify and the other obey.
 */
export function readStrictJson(bytes: Uint8Array): StrictJson {
  let text: string;
  let value: JsonValue;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text) as JsonValue;
  } catch {
    return { kind: 'malformed', detail: 'is no JSON in UTF-8' };
  }
  // Counted in what is known to be JSON, so that every string has its end and the search is linear.
  const names = namesIn(text);
  if (names === undefined) return { kind: 'malformed', detail: `is nested deeper than ${deepest} levels` };
  const kept = namesOf(value);
  if (kept === undefined)
    return { kind: 'malformed', detail: 'has a field of the name __proto__, or text that is no Unicode' };
  // The parser keeps the last of fields that bear one name; the text has them all.
  if (kept !== names) return { kind: 'malformed', detail: 'has two fields of one name in one object' };
  return { kind: 'json', value };
}

/** How many names the text of a JSON has; undefined where it is too deep. */
function namesIn(text: string): number | undefined {
  let names = 0;
  let depth = 0;
  for (const [part, colon] of text.matchAll(token)) {
    if (colon !== undefined) names += 1;
    else if (part === '{' || part === '[') depth += 1;
    else if (part === '}' || part === ']') depth -= 1;
    if (depth > deepest) return undefined;
  }
  return names;
}

/** How many names a value has; undefined where one of them is `__proto__`, or a string has half a pair of UTF-16, for which canonical forms differ. */
function namesOf(value: JsonValue): number | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? 0 : undefined;
  if (typeof value !== 'object' || value === null) return 0;
  let names = 0;
  for (const [name, one] of Object.entries(value)) {
    if (name === '__proto__' || !name.isWellFormed()) return undefined;
    const below = one === undefined ? 0 : namesOf(one);
    if (below === undefined) return undefined;
    names += below + (Array.isArray(value) ? 0 : 1);
  }
  return names;
}
