import { z } from 'zod';
import type { Cell } from './table.ts';

const check = z.looseObject({ state: z.string(), detail: z.string() });
/** Of the result of a self-test: a health report of the unit. */
const result = z.looseObject({
  report: z.looseObject({ probes: z.record(z.string(), check) }),
});

const worstFirst = ['failed', 'degraded', 'unknown', 'good'];
const colours: Readonly<Record<string, NonNullable<Cell['colour']>>> = {
  good: 'green',
  degraded: 'yellow',
  failed: 'red',
};

/**
 * What a self-test of a unit found, a row for each check, the worst first: `north-1`, `good`, `camera: 15 frames/s`. None for the result
 * of any other command.
 */
export function selfTestRows(unit: string, said: unknown): readonly (readonly Cell[])[] {
  const read = result.safeParse(said).data;
  return Object.entries(read?.report.probes ?? {})
    .sort(([, a], [, b]) => worstFirst.indexOf(a.state) - worstFirst.indexOf(b.state))
    .map(([name, { state, detail }]) => {
      const colour = colours[state];
      return [{ text: unit }, { text: state, ...(colour && { colour }) }, { text: `${name}: ${detail}` }];
    });
}
