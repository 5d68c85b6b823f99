import type { SelfTestCheck, SelfTestFigure, SelfTestFinding, SelfTestOutcome } from './contract/self-test-report.ts';
import type { TroubleCode } from './remedies.ts';

/** What is said of a check that went well. */
export const goodCodes = [
  'camera-good',
  'focus-good',
  'exposure-good',
  'place-good',
  'line-good',
  'line-pulsed',
  'clock-good',
  'storage-good',
  'wear-good',
  'temperature-good',
  'power-good',
  'network-good',
  'broker-good',
  'broker-reached',
  'certificate-good',
  'detector-good',
  'evidence-good',
] as const;

/** What is said of a check that was not made. */
export const untestedCodes = [
  'camera-ended',
  'picture-untold',
  'place-no-references',
  'place-untold',
  'lines-simulated',
  'lines-none',
  'line-output-idle',
  'line-spare',
  'wear-untold',
  'temperature-untold',
  'power-untold',
  'network-unneeded',
  'broker-none',
  'certificate-none',
  'evidence-not-asked',
] as const;

export type GoodCode = (typeof goodCodes)[number];
export type UntestedCode = (typeof untestedCodes)[number];

interface Words {
  readonly check: SelfTestCheck;
  readonly says: string;
  readonly figures?: readonly SelfTestFigure[];
  readonly subject?: string;
}

export const passed = (code: GoodCode, words: Words): SelfTestFinding => made('passed', code, words);

export const untested = (code: UntestedCode, words: Words): SelfTestFinding => made('not-tested', code, words);

export const troubled = (outcome: 'doubtful' | 'failed', code: TroubleCode, words: Words): SelfTestFinding =>
  made(outcome, code, words);

/** Texts from elsewhere (a system's own words) are cut to what the contract takes. */
function made(outcome: SelfTestOutcome, code: string, { check, says, figures = [], subject }: Words): SelfTestFinding {
  return {
    check,
    ...(subject === undefined ? {} : { subject: cut(subject, 100) }),
    outcome,
    code,
    says: cut(says, 500),
    figures: figures.map((one) => ({ ...one, value: rounded(one.value) })),
  };
}

/** How bad a figure is that is bad when it is high. */
export function above(value: number, { doubt, fail }: Sides): 'passed' | 'doubtful' | 'failed' {
  if (value > fail) return 'failed';
  return value > doubt ? 'doubtful' : 'passed';
}

/** How bad a figure is that is bad when it is low. */
export function below(value: number, { doubt, fail }: Sides): 'passed' | 'doubtful' | 'failed' {
  if (value < fail) return 'failed';
  return value < doubt ? 'doubtful' : 'passed';
}

export interface Sides {
  readonly doubt: number;
  readonly fail: number;
}

/** Three digits that count are all that a person reads; whole numbers stay whole. */
export function rounded(value: number): number {
  if (!Number.isFinite(value)) return 0;
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** A character that two units of UTF-16 make is not cut in half. */
export const cut = (text: string, most: number): string =>
  (text.length <= most ? text : `${text.slice(0, most - 3)}...`).toWellFormed();

export const percent = (share: number): string => `${rounded(share * 100)} %`;
