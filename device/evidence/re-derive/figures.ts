import type { Infraction } from '../../judge/infraction.ts';
import type { RederivableRecord } from './rederivable.ts';

type Value = number | string | boolean | null;

/** A figure of the record beside the same one derived again. */
export interface Figure {
  /** `measured.speedKmh`, `finding.uncertainty`, `frame`. */
  readonly name: string;
  readonly recorded: Value;
  /** Null where the derivation does not come so far, or gives none. */
  readonly derived: Value;
  /** Derived less recorded; null where one of them is no number. */
  readonly difference: number | null;
}

/** Figures that differ by less, in their own unit, are the same: far below the last digit that is printed of any. */
const same = 1e-6;

export const agrees = ({ recorded, derived, difference }: Figure): boolean =>
  difference === null ? recorded === derived : Math.abs(difference) < same;

/** Every figure of the accusation, in its order, beside that of the one derived again. */
export function figuresOf(
  recorded: RederivableRecord['infraction'],
  derived: Infraction | undefined,
): readonly Figure[] {
  const [was, is] = [valuesOf(recorded), derived === undefined ? new Map() : valuesOf(derived)];
  return [...new Set([...was.keys(), ...is.keys()])].map((name) => {
    const [a, b] = [was.get(name) ?? null, is.get(name) ?? null];
    return {
      name,
      recorded: a,
      derived: b,
      difference: typeof a === 'number' && typeof b === 'number' ? b - a : null,
    };
  });
}

type Accusation = Omit<RederivableRecord['infraction'], 'time' | 'lane'> & { readonly lane: string | null | undefined };

function valuesOf({ rule, frame, track, class: kind, lane, box, measured, findings }: Accusation): Map<string, Value> {
  const values = new Map<string, Value>([
    ['rule', rule],
    ['frame', frame],
    ['track', track],
    ['class', kind],
  ]);
  values.set('lane', lane ?? null);
  for (const edge of ['x', 'y', 'width', 'height'] as const) values.set(`box.${edge}`, box[edge]);
  // By name: JSON gives the fields in another order than the judge.
  for (const [name, value] of Object.entries(measured).sort(([a], [b]) => (a < b ? -1 : 1))) {
    values.set(`measured.${name}`, Array.isArray(value) ? value.join(', ') : (value as Value));
  }
  for (const { name, value, limit } of findings) {
    values.set(`finding.${name}`, value);
    if (limit !== undefined) values.set(`finding.${name}.limit`, limit);
  }
  return values;
}
