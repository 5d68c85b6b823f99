import { z } from 'zod';
import type { Cell } from './table.ts';

const check = z.looseObject({ state: z.string(), detail: z.string() });
/** Of the result of a self-test: what it found. */
const findings = z.looseObject({
  report: z.looseObject({
    outcome: z.string(),
    findings: z.array(
      z.looseObject({ check: z.string(), subject: z.string().optional(), outcome: z.string(), says: z.string() }),
    ),
  }),
});
/** Of a unit of an earlier version, which answered with its health report. */
const health = z.looseObject({
  report: z.looseObject({
    probes: z.record(z.string(), check),
    problems: z.array(z.string()).optional().catch(undefined),
  }),
});

const worstFirst = ['failed', 'doubtful', 'degraded', 'not-tested', 'unknown', 'passed', 'good'];
const colours: Readonly<Record<string, NonNullable<Cell['colour']>>> = {
  good: 'green',
  passed: 'green',
  degraded: 'yellow',
  doubtful: 'yellow',
  failed: 'red',
};

export interface SelfTestRows {
  /** What else is the matter: alerts of the unit, as they are now. */
  readonly problems: readonly (readonly Cell[])[];
  /** The worst first. */
  readonly checks: readonly (readonly Cell[])[];
}

/** What a self-test of a unit found, a row each: `north-1`, `passed`, `camera: 15 frames/s`. None for the result of any other command. */
export function selfTestRows(unit: string, said: unknown): SelfTestRows {
  const found = findings.safeParse(said).data?.report.findings;
  if (found !== undefined) {
    const named = found.map(({ check, subject, outcome, says }) => ({
      state: outcome,
      words: `${check}${subject === undefined ? '' : ` (${subject})`}: ${says}`,
    }));
    return { problems: [], checks: rowsOf(unit, named) };
  }
  const report = health.safeParse(said).data?.report;
  const probes = Object.entries(report?.probes ?? {});
  // What is wrong with a check is told as that check.
  const others = (report?.problems ?? []).filter(
    (problem) => !probes.some(([name]) => problem.startsWith(`${name}: `)),
  );
  return {
    problems: others.map((problem) => [{ text: unit }, { text: 'problem', colour: 'yellow' }, { text: problem }]),
    checks: rowsOf(
      unit,
      probes.map(([name, { state, detail }]) => ({ state, words: `${name}: ${detail}` })),
    ),
  };
}

/** Whether the unit must not go on like this: a self-test was done, and failed. */
export function hasFailedSelfTest(said: unknown): boolean {
  return findings.safeParse(said).data?.report.outcome === 'failed';
}

interface Found {
  readonly state: string;
  readonly words: string;
}

const rowsOf = (unit: string, found: readonly Found[]): readonly (readonly Cell[])[] =>
  found
    .toSorted((one, other) => worstFirst.indexOf(one.state) - worstFirst.indexOf(other.state))
    .map(({ state, words }) => {
      const colour = colours[state];
      return [{ text: unit }, { text: state, ...(colour && { colour }) }, { text: words }];
    });
