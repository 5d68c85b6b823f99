import { z } from 'zod';
import { digest, instant, unitId } from '../../cloud-bridge/contract/names.ts';
import {
  type SelfTestLine,
  type SelfTestReport,
  selfTestReport,
} from '../../device/selftest/contract/self-test-report.ts';
import { type AnsweredDoubt, answeredDoubt, evidenceProof, judgedPicture, lineTrial } from './acceptance.ts';
import { type Fault, judgeAcceptance, untriedLines } from './judge-acceptance.ts';

/**
 * How far an acceptance is. A step changes it only when it is done, so whoever has the file goes on where the last call ended; what is
 * planned is a function of it and of nothing that is remembered.
 */
export const progress = z.strictObject({
  schema: z.literal('atalaya/acceptance-progress/1'),
  unit: unitId,
  /** Key of the person; another person begins anew. */
  key: digest,
  began: instant,
  test: selfTestReport.nullable(),
  /** When the test came to the laptop. */
  tested: instant.nullable(),
  clockAheadS: z.number().nullable(),
  lines: z.array(lineTrial).max(64),
  picture: judgedPicture.nullable(),
  evidence: evidenceProof.nullable(),
  doubts: z.array(answeredDoubt).max(100),
  refusal: z.string().min(1).max(1000).nullable(),
  /** The person does not mend what was found: it ends here. */
  givenUp: z.boolean(),
  /** The person has said that the unit goes into service. */
  decided: z.boolean(),
});
export type Progress = z.infer<typeof progress>;

export function beginning(unit: string, key: string, began: string): Progress {
  return {
    schema: 'atalaya/acceptance-progress/1',
    ...{ unit, key, began, test: null, tested: null, clockAheadS: null },
    ...{ lines: [], picture: null, evidence: null, doubts: [], refusal: null, givenUp: false, decided: false },
  };
}

/** What this call can do. */
export interface Means {
  /** The unit can be reached through a centre. */
  readonly centre: boolean;
  /** Somebody is there to be asked. */
  readonly person: boolean;
  /** A test from a file. */
  readonly report: boolean;
  /** A picture from a file. */
  readonly picture: boolean;
  /** Lines are tried. */
  readonly lines: boolean;
}

export type Step =
  | { readonly kind: 'test' }
  | { readonly kind: 'picture' }
  | { readonly kind: 'look' }
  | { readonly kind: 'pulse'; readonly line: SelfTestLine }
  | { readonly kind: 'watch'; readonly line: SelfTestLine }
  /** Evidence is sealed by another test, which takes the place of the one before. */
  | { readonly kind: 'seal' }
  | { readonly kind: 'prove'; readonly evidence: NonNullable<SelfTestReport['evidence']> }
  | { readonly kind: 'mend'; readonly faults: readonly Fault[] }
  | { readonly kind: 'answer'; readonly doubt: AnsweredDoubt }
  | { readonly kind: 'decide'; readonly doubts: number }
  | { readonly kind: 'conclude' };

/**
 * The next step. Faults come first, since what is tried behind one says little; then what the person at the pole does, then what the
 * centre has, and last what the person answers for. Pure.
 */
export function nextStep(now: Progress, means: Means): Step {
  const { test, picture, evidence } = now;
  if (test === null) return means.centre || means.report ? { kind: 'test' } : { kind: 'conclude' };
  const judged = judgeAcceptance({ ...now, test });
  if (judged.faults.length > 0) {
    const { faults } = judged;
    const asked = means.person && !now.givenUp && now.refusal === null;
    return asked ? { kind: 'mend', faults } : { kind: 'conclude' };
  }
  if (picture === null && (means.centre || means.picture)) return { kind: 'picture' };
  if (picture?.good === null && means.person) return { kind: 'look' };
  const line = means.centre && means.person && means.lines ? untriedLines(test, now.lines)[0] : undefined;
  if (line !== undefined) return { kind: line.direction === 'output' ? 'pulse' : 'watch', line };
  if (evidence === null && means.centre)
    return test.evidence === undefined ? { kind: 'seal' } : { kind: 'prove', evidence: test.evidence };
  const doubt = judged.doubts.find(({ answer }) => answer === null);
  if (doubt !== undefined && means.person && !now.givenUp) return { kind: 'answer', doubt };
  const passed = judgeAcceptance({ ...now, test, decided: true }).outcome !== 'incomplete';
  const asks = passed && !now.decided && means.person;
  return asks ? { kind: 'decide', doubts: judged.doubts.length } : { kind: 'conclude' };
}

/** Without what has to be tried again once these faults are mended. */
export function withoutFaulty(now: Progress, faults: readonly Fault[]): Progress {
  const parts = new Set(faults.map(({ part }) => part));
  const stuck = new Set(faults.map(({ line }) => line));
  const again = parts.has('test') || parts.has('evidence');
  return {
    ...now,
    // Evidence that could not be verified stays in the ledger; another is sealed in its place.
    ...(again ? { test: null, tested: null, clockAheadS: null, evidence: null } : {}),
    ...(parts.has('picture') ? { picture: null } : {}),
    lines: now.lines.filter(({ name }) => !stuck.has(name)),
  };
}

/** Minutes for which a test says anything of the unit as it is. */
export const testHoldsMinutes = 240;

/** Whether a test is too old to be accepted on. `at` and `now`: UTC milliseconds. */
export const isExpired = (at: number, now: number): boolean => now - at > testHoldsMinutes * 60_000;
