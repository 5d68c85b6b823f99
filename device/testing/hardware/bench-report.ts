/** What the host asks a machine to do. It lies in the machine's firmware configuration, so that it is there before any disk is. */
export type Job =
  | {
      readonly kind: 'cases';
      readonly cases: readonly AskedCase[];
      readonly broker: string | undefined;
    }
  | {
      /** Runs one TypeScript program of the tree; each line that it writes is told. */
      readonly kind: 'program';
      /** From the tree's root. */
      readonly path: string;
      readonly args: readonly string[];
    };

/** One case: the one at `index` of a suite's cases. */
export interface AskedCase {
  /** From the tree's root. */
  readonly suite: string;
  readonly index: number;
  readonly name: string;
  /** Milliseconds of the machine's clock. */
  readonly deadline: number;
}

export type CaseOutcome = 'passed' | 'failed' | 'passed-over';

/** What became of one case. */
export interface CaseReport {
  readonly suite: string;
  readonly name: string;
  readonly outcome: CaseOutcome;
  readonly seconds: number;
  readonly notes: readonly string[];
  /** Why it failed or was passed over; may have several lines. */
  readonly reason: string | undefined;
}

/** What a machine tells the host, a line of JSON each. */
export type Told =
  | { readonly kind: 'up'; readonly boot: string }
  | { readonly kind: 'begins'; readonly suite: string; readonly name: string }
  | ({ readonly kind: 'case' } & CaseReport)
  /** Of a program, or a note of the case that is running. */
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'done'; readonly status: number; readonly errors: string };

export const reportPort = 'org.atalaya.bench';
export const jobName = 'opt/org.atalaya.job';

/** Undefined where it is no such line: the machine was cut off within it, or something else writes there. */
export function readTold(line: string): Told | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'kind' in value ? (value as Told) : undefined;
  } catch {
    return undefined;
  }
}
