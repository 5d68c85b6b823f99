import { InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type UtcMilliseconds, utcMilliseconds } from '../../../device/kernel/units.ts';
import { actId, evidenceId, unitId } from '../../contract/names.ts';
import { fleetProgram } from '../../fleet/program-name.ts';

/** What people type, checked before anything is asked of anybody. */

const of =
  (schema: z.ZodType<string>) =>
  (text: string): string => {
    const read = schema.safeParse(text);
    if (read.success) return read.data;
    throw new InvalidArgumentError(`It ${read.error.issues[0]?.message ?? 'is not one'}.`);
  };

export const unitOf = of(unitId);
export const actOf = of(actId);

/** For arguments that may be given more than once. */
export const several =
  (one: (text: string) => string) =>
  (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), one(text)];

export const unitsOf = several(unitOf);
export const evidencesOf = several(of(evidenceId));
export const textsOf = several((text) => text);

export const numberOf =
  (least: number, most: number, whole = false) =>
  (text: string): number => {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    if (number >= least && number <= most && (!whole || Number.isInteger(number))) return number;
    throw new InvalidArgumentError(`It is no ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
  };

const minutesOf = { s: 1 / 60, m: 1, h: 60 } as const;

/** Minutes, as a plain number, or with a unit: `20s`, `10m`, `2h`. */
export const minutesFrom =
  (least: number, most: number) =>
  (text: string): number => {
    const [, number = text, unit = 'm'] = /^([0-9.]+)([smh])$/.exec(text.trim()) ?? [];
    const minutes = number.trim() === '' ? Number.NaN : Number(number) * minutesOf[unit as keyof typeof minutesOf];
    if (minutes >= least && minutes <= most) return minutes;
    throw new InvalidArgumentError(`It is no time from ${least} to ${most} minutes, as 10, 20s, 10m or 2h.`);
  };

/** A version of a configuration; 0 is the unit's own file, of which the centre has nothing. */
export function versionOf(text: string): number {
  const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
  if (number > 0) return number;
  throw new InvalidArgumentError(
    number === 0 && /^0+$/.test(text)
      ? "Version 0 is the unit's own file, of which the centre has nothing: versions begin at 1."
      : 'It is no version: those are whole numbers from 1 on.',
  );
}

/** As `versionOf`, of what a unit is to go back to. */
export function backTo(text: string): number {
  if (!/^0+$/.test(text)) return versionOf(text);
  throw new InvalidArgumentError(
    `Version 0 is the unit's own file. To give it back, release empty settings: ${fleetProgram} config push UNIT --settings /dev/null`,
  );
}

/** A share as `0.9` or `90%`. */
export function shareOf(text: string): number {
  const percent = text.endsWith('%');
  const number = numberOf(0, percent ? 100 : 1)(percent ? text.slice(0, -1) : text);
  return percent ? number / 100 : number;
}

/** A moment: `2026-03-01T12:00:00Z`, `2026-03-01`, or a time before `now`: `90m`, `12h`, `7d`. ISO 8601 comes out. */
export function momentOf(text: string, now: UtcMilliseconds): string | undefined {
  const ago = /^([0-9]{1,5})(m|h|d)$/.exec(text);
  const unit = { m: 60_000, h: 3_600_000, d: 86_400_000 }[ago?.[2] ?? ''];
  const time =
    unit === undefined
      ? /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
        ? utcMilliseconds(Date.parse(text))
        : Number.NaN
      : now - Number(ago?.[1]) * unit;
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

/** The moment that a flag names, as `momentOf` has it. Throws `usage-invalid` where it is none. */
export function momentFlag(
  flag: string,
  text: string | undefined,
  { clock }: { readonly clock: Clock },
): string | undefined {
  if (text === undefined) return undefined;
  const found = momentOf(text, clock.utc());
  if (found !== undefined) return found;
  throw new AtalayaError('usage-invalid', `${flag} ${text} is no moment`, {
    hint: 'Write 2026-03-01T12:00:00Z, 2026-03-01, or a time ago: 90m, 12h, 7d.',
  });
}
