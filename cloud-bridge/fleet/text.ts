import type { JsonValue } from '../../device/kernel/canonical-json.ts';

/** What would move a cursor, colour a line, begin another one, or turn the direction of what follows: units and people may send it. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The text as it can be shown on a terminal, in one line. */
export function plain(text: string): string {
  return text.replaceAll(unprintable, '?');
}

/** JSON that means the same and holds nothing that a terminal obeys. */
export function safeJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent);
  return text.replaceAll(unprintable, (sign) =>
    sign === '\n' ? sign : `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** How long ago, or until: `12 s`, `5 min`, `3 h`, `2 d`. */
export function spanWords(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s} s`;
  if (s < 100 * 60) return `${Math.round(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

/** Date and time to the second, UTC. */
export function timeWords(instant: string): string {
  const time = Date.parse(instant);
  return Number.isNaN(time) ? plain(instant) : new Date(time).toISOString().slice(0, 19).replace('T', ' ');
}

export function bytesWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  for (const [unit, size] of [
    ['kB', 1e3],
    ['MB', 1e6],
    ['GB', 1e9],
  ] as const) {
    if (bytes < size * 999.5) return `${Number((bytes / size).toPrecision(3))} ${unit}`;
  }
  return `${Number((bytes / 1e12).toPrecision(3))} TB`;
}

/** A value of a configuration in one line. */
export function valueWords(value: JsonValue | undefined): string {
  return value === undefined ? '-' : plain(safeJson(value));
}

/** `1 unit`, `2 units`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Ids by their beginning, which tells them apart: `--json` has them whole. */
export function withShortIds(text: string): string {
  return text
    .replaceAll(/\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '$1')
    .replaceAll(/\b([0-9a-f]{16})[0-9a-f]{48}\b/g, '$1');
}
