import type { ZodError } from 'zod';
import type { JsonValue } from '../../device/kernel/canonical-json.ts';

/** How deep objects and lists may lie in one another. */
export const deepestJson = 32;

export type ReadJson =
  | { readonly kind: 'json'; readonly value: JsonValue }
  | { readonly kind: 'refused'; readonly reason: 'not-json' | 'malformed'; readonly detail: string };

/**
 * Reads JSON from a stranger. What passes means the same to every reader, has a canonical form (RFC 8785) and fits every store: UTF-8
 * without faults, no name twice in an object (RFC 8259 leaves open which one counts), no number beyond a double, no half of a surrogate
 * pair, no NUL, no `__proto__`, nothing nested deeper than `deepestJson`. Never throws; the detail repeats nothing of the text.
 */
export function readJson(text: Uint8Array | string): ReadJson {
  const decoded = typeof text === 'string' ? text : decode(text);
  if (decoded === undefined) return { kind: 'refused', reason: 'not-json', detail: 'it is not UTF-8' };
  if (decoded === '') return { kind: 'refused', reason: 'not-json', detail: 'it is empty' };
  const { depth, members } = outline(decoded);
  if (depth > deepestJson) return malformed(`it is nested deeper than ${deepestJson} levels`);
  let value: unknown;
  try {
    value = JSON.parse(decoded);
  } catch {
    // What the parser says is left out: it cites the text.
    return { kind: 'refused', reason: 'not-json', detail: 'it is no JSON' };
  }
  const found = inspectJson(value);
  if (found.fault !== undefined) return malformed(found.fault);
  if (found.members !== members) return malformed('a name stands twice in an object');
  return { kind: 'json', value: value as JsonValue };
}

/** Why a value would not be read back by `readJson` once it is written as JSON; undefined where it would. Never throws. */
export function jsonFault(value: unknown): string | undefined {
  return inspectJson(value).fault;
}

/** What does not fit a schema, as `path: why` of the first few places; repeats no value, and of names only short plain ones. */
export function faultsOf(error: ZodError): string {
  const faults = error.issues.flatMap((issue) => leaves(issue, []));
  const named = faults.slice(0, mostNamed).map(({ path, message }) => `${placeOf(path)}: ${message}`);
  const more = faults.length - mostNamed;
  return `${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

const mostNamed = 5;

interface Leaf {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

type Issue = ZodError['issues'][number];

/** Of alternatives those faults are told that are fewest: of the form that was most likely meant. */
function leaves(issue: Issue, above: readonly PropertyKey[]): readonly Leaf[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const each = issue.errors.map((issues) => issues.flatMap((inner) => leaves(inner, path)));
    return each.reduce((best, other) => (other.length < best.length ? other : best));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: 'is no field of this document' }));
  }
  return [{ path, message: issue.message }];
}

/** `events[3].data.name`. A name that is long or odd is hidden: it may be anything, and goes into logs. */
function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(document)';
  return path
    .map((key, i) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = typeof key === 'string' && /^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(key) ? key : '(a name)';
      return `${i > 0 ? '.' : ''}${name}`;
    })
    .join('');
}

function malformed(detail: string): ReadJson {
  return { kind: 'refused', reason: 'malformed', detail };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * How deep a JSON text is nested, and how many members its objects have with every repetition: outside of strings a colon stands in
 * members only. Of a text that is no JSON the figures mean nothing.
 */
function outline(text: string): { readonly depth: number; readonly members: number } {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at);
        break;
      case openBrace:
      case openBracket:
        depth += 1;
        if (depth > deepest) deepest = depth;
        break;
      case closeBrace:
      case closeBracket:
        depth -= 1;
        break;
      case colon:
        members += 1;
        break;
      default:
    }
  }
  return { depth: deepest, members };
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const colon = 0x3a;

/** Index of the quote that ends the string which begins at `start`; the text's end where there is none. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === backslash) before -= 1;
    if ((at - before) % 2 === 1) return at;
  }
  return text.length;
}

interface Found {
  fault: string | undefined;
  members: number;
}

function inspectJson(value: unknown): Found {
  const found: Found = { fault: undefined, members: 0 };
  inspect(value, 0, found);
  return found;
}

function inspect(value: unknown, above: number, found: Found): void {
  if (found.fault !== undefined || value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') {
    found.fault = textFault(value, 'a text');
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) found.fault = 'a number is too large';
  } else if (typeof value !== 'object') {
    found.fault = 'something in it is no JSON';
  } else if (above >= deepestJson) {
    found.fault = `it is nested deeper than ${deepestJson} levels`;
  } else if (Array.isArray(value)) {
    for (const inner of value) inspect(inner, above + 1, found);
  } else {
    inspectObject(value, above, found);
  }
}

function inspectObject(value: object, above: number, found: Found): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) found.fault = 'something in it is no JSON';
  for (const [name, inner] of Object.entries(value)) {
    // A property that is undefined is not written.
    if (inner === undefined) continue;
    found.members += 1;
    found.fault ??= name === '__proto__' ? 'a name in it is __proto__' : textFault(name, 'a name');
    inspect(inner, above + 1, found);
  }
}

function textFault(text: string, what: string): string | undefined {
  if (!text.isWellFormed()) return `${what} holds half of a surrogate pair`;
  return text.includes('\0') ? `${what} holds a NUL` : undefined;
}
