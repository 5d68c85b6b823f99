import { AtalayaError } from '../../../device/kernel/errors.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Session } from './session.ts';

/** Requests at the same time. */
const wide = 8;
/** Names that are shown. */
const mostAlike = 3;
/** Letters to put in, take out or change; more is another name. */
const farthest = 2;

/** Those of the units that the centre has never heard of, in their order. */
export async function unheard({ client, io }: Session, units: readonly string[]): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = 0; at < units.length; at += wide) {
    const some = units.slice(at, at + wide);
    const found = await Promise.all(some.map((unit) => client.find('unit', { parameters: { unit } }, io.signal)));
    missing.push(...some.filter((_, i) => found[i] === undefined));
  }
  return missing;
}

/**
 * Throws `usage-invalid` where the centre has never heard of one of the units, with the names that are like it. `instead`: what else can
 * be done, in a sentence.
 */
export async function requireHeard(session: Session, units: readonly string[], instead?: string): Promise<void> {
  const [first] = await unheard(session, [...new Set(units)]);
  if (first === undefined) return;
  const all = await session.client.call('units', { parameters: {} }, session.io.signal);
  throw neverHeard(
    first,
    all.units.map(({ unit }) => unit),
    instead,
  );
}

/** The fault of naming a unit that is none of `all`. */
export function neverHeard(unit: string, all: readonly string[], instead?: string): AtalayaError {
  const alike = unitsLike(unit, all);
  const like = alike.length === 0 ? '' : `; units like it: ${alike.join(', ')}`;
  const more = instead === undefined ? '' : ` ${instead}`;
  return new AtalayaError('usage-invalid', `the centre has never heard of ${unit}${like}`, {
    hint: `Correct the name.${more} The units: ${fleetProgram} status`,
  });
}

/** Names that may be meant by a mistyped one, the nearest first. */
export function unitsLike(unit: string, all: readonly string[]): readonly string[] {
  return all
    .map((name) => ({ name, far: name.startsWith(unit) || unit.startsWith(name) ? 1 : distance(unit, name) }))
    .filter(({ far }) => far <= farthest)
    .sort((a, b) => a.far - b.far || a.name.localeCompare(b.name, 'en', { numeric: true }))
    .slice(0, mostAlike)
    .map(({ name }) => name);
}

/** Letters to put in, take out or change (V. I. Levenshtein, Soviet Physics Doklady 10, 1966). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
