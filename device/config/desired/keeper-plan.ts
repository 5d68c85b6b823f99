import type { DocumentRef } from './judge-desired.ts';
import type { ActingPerson, KeeperState } from './keeper-state.ts';
import type { Refusal } from './refusal.ts';

/** What a unit must have done under a configuration before it is believed. */
export interface TrialProbe {
  readonly brokerReached: boolean;
  readonly framesSeen: boolean;
  readonly evidenceSealed: boolean;
}

/** What happened. `at` is the date and time, ISO 8601. */
export type KeeperInput = { readonly at: string } & (
  | { readonly kind: 'started' }
  | {
      readonly kind: 'accepted';
      readonly ref: DocumentRef;
      readonly text: Uint8Array;
      readonly issued: string;
      readonly note: string | undefined;
      readonly person: ActingPerson;
      readonly changed: readonly string[];
      readonly probationMs: number;
    }
  | {
      readonly kind: 'refused';
      readonly version: number | undefined;
      /** Of what was signed, or of the bytes. */
      readonly sha256: string;
      readonly refusals: readonly Refusal[];
      /** Who signed it, where that is somebody who may: then it is an act. */
      readonly person: ActingPerson | undefined;
    }
  /** The newest accepted document came once more. */
  | { readonly kind: 'known' }
  /** The running unit has taken the configuration on trial, or has started with it. */
  | { readonly kind: 'applied' }
  | {
      readonly kind: 'watched';
      readonly spentMs: number;
      /** Undefined: the unit has not started with the configuration on trial yet. */
      readonly probe: TrialProbe | undefined;
      readonly sealFault: string | undefined;
    }
  /** A start with the configuration on trial has failed; whether another one is tried is decided by their number. */
  | { readonly kind: 'fell'; readonly why: string }
  /** The trial cannot go on. */
  | { readonly kind: 'failed'; readonly refusal: Refusal }
  /** What was confirmed can no longer be in force. */
  | { readonly kind: 'lost'; readonly refusal: Refusal }
  /** A person at the unit goes back: to a version, 0 being the unit's own file, or to what was before. */
  | { readonly kind: 'returned'; readonly to: number | undefined; readonly by: string; readonly request: string }
  | { readonly kind: 'unreturned'; readonly request: string; readonly words: string }
);

/** An input before its time is taken. */
export type InputOf = KeeperInput extends infer One ? (One extends KeeperInput ? Omit<One, 'at'> : never) : never;

/**
 * What is to be done, in order. `remember` makes a state durable: where the disk refuses it, a plan to take something into use ends
 * there (`stop`), and one to give something up is carried out nevertheless (`go-on`).
 */
export type Step =
  | { readonly kind: 'keep'; readonly ref: DocumentRef; readonly text: Uint8Array }
  | { readonly kind: 'remember'; readonly state: KeeperState; readonly refused: 'stop' | 'go-on' }
  /** As `remember`, but it may wait for the next time: strangers must not wear the disk out. */
  | { readonly kind: 'note'; readonly state: KeeperState }
  | { readonly kind: 'audit' }
  | { readonly kind: 'report' }
  /** Brings what the state says into force: of the trial, or of what is confirmed. */
  | { readonly kind: 'apply'; readonly what: 'trial' | 'confirmed' }
  | { readonly kind: 'tidy' };

/** The state in which a plan leaves the keeper. */
export function stateAfter(state: KeeperState, steps: readonly Step[]): KeeperState {
  return steps.reduce((at, step) => (step.kind === 'remember' || step.kind === 'note' ? step.state : at), state);
}
