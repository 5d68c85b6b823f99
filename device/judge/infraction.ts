import type { CaptureTime } from '../capture/frame.ts';
import type { Box, ObjectClass } from '../detect/detection.ts';

export const ruleNames = [
  'speeding',
  'red-light',
  'stop-line',
  'wrong-way',
  'stopping',
  'blocked-box',
  'restricted-lane',
] as const;
export type RuleName = (typeof ruleNames)[number];

/**
 * One thing that a rule looked at before it judged: a value, the limit that it was held against, and whether it spoke for the
 * infraction. The list reads from top to bottom as the reasoning, and a person can follow it.
 */
export interface Finding {
  /** Short and stable, kebab-case: `measured-speed`, `phase-at-line`. */
  readonly name: string;
  readonly value: number | string | boolean;
  readonly unit?: string;
  readonly limit?: number | string;
  /** One plain sentence. */
  readonly says: string;
}

/** What was measured, by rule; every figure in the unit that its name ends in. */
export type Measurement =
  | {
      readonly rule: 'speeding';
      readonly speedKmh: number;
      readonly uncertaintyKmh: number;
      readonly limitKmh: number;
      readonly toleranceKmh: number;
      /** Measured speed less the tolerance: the figure that is charged. */
      readonly chargedKmh: number;
    }
  | {
      readonly rule: 'red-light';
      readonly head: string;
      readonly line: string;
      readonly redForS: number;
      readonly speedKmh?: number;
    }
  | {
      readonly rule: 'stop-line';
      readonly head: string;
      readonly line: string;
      readonly beyondPx: number;
      readonly beyondM?: number;
      readonly standingS: number;
    }
  | {
      readonly rule: 'wrong-way';
      readonly lane: string;
      readonly againstDeg: number;
      readonly distancePx: number;
      readonly distanceM?: number;
    }
  | { readonly rule: 'stopping'; readonly zone: string; readonly standingS: number; readonly allowedS: number }
  | { readonly rule: 'blocked-box'; readonly zone: string; readonly standingS: number; readonly allowedS: number }
  | {
      readonly rule: 'restricted-lane';
      readonly lane: string;
      readonly allowed: readonly ObjectClass[];
      readonly insideS: number;
    };

/** A judged infraction: who, where, when, what was seen, and why it counts. */
export interface Infraction {
  readonly rule: RuleName;
  /** Frame and time of the moment that is charged. */
  readonly frame: number;
  readonly time: CaptureTime;
  readonly track: number;
  readonly class: ObjectClass;
  readonly lane: string | undefined;
  /** Where the road user was at that moment. */
  readonly box: Box;
  readonly measured: Measurement;
  readonly findings: readonly Finding[];
}

/** A road user passed a counting line. */
export interface Crossing {
  readonly frame: number;
  readonly time: CaptureTime;
  readonly track: number;
  readonly class: ObjectClass;
  readonly line: string;
  /** The line's own name for the way that was taken. */
  readonly direction: string;
}
