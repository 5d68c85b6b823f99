import { z } from 'zod';

/** Infractions in words, as far as a record of whatever version says what is known here. */

const names: Readonly<Record<string, string>> = {
  speeding: 'speeding',
  'red-light': 'red light',
  'stop-line': 'beyond the stop line',
  'wrong-way': 'wrong way',
  stopping: 'stopping',
  'blocked-box': 'blocked box junction',
  'restricted-lane': 'restricted lane',
};

const shown = (figure: number) => `${Number(figure.toFixed(1))}`;

/** Figures that are shown, in this order, each by the name that the record gives it. */
const figures: readonly (readonly [name: string, words: (figure: number) => string])[] = [
  ['speedKmh', (v) => `${shown(v)} km/h`],
  ['limitKmh', (v) => `limit ${shown(v)} km/h`],
  ['redForS', (v) => `red for ${shown(v)} s`],
  ['beyondM', (v) => `${shown(v)} m beyond`],
  ['standingS', (v) => `standing for ${shown(v)} s`],
  ['insideS', (v) => `inside for ${shown(v)} s`],
  ['allowedS', (v) => `${shown(v)} s allowed`],
  ['distanceM', (v) => `over ${shown(v)} m`],
];

/** What of an infraction is told; of a record, its `infraction`. */
export interface SaidInfraction {
  readonly rule?: string | undefined;
  readonly measured?: Readonly<Record<string, unknown>> | undefined;
}

/** `speeding: 92.4 km/h, limit 60 km/h`. */
export function infractionWords({ rule, measured = {} }: SaidInfraction): string {
  const name = rule === undefined ? 'infraction' : (names[rule] ?? rule);
  const told = figures.flatMap(([field, words]) => {
    const figure = measured[field];
    return typeof figure === 'number' && Number.isFinite(figure) ? [words(figure)] : [];
  });
  return told.length === 0 ? name : `${name}: ${told.join(', ')}`;
}

/** What is read of a record of an infraction. */
export const infractionRecord = z.looseObject({
  id: z.string().optional(),
  infraction: z.looseObject({
    rule: z.string(),
    class: z.string().optional(),
    lane: z.string().nullable().optional(),
    measured: z.record(z.string(), z.unknown()).optional(),
  }),
});
