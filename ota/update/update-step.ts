import type { BundleManifest, SlotPart, SlotRecord } from '../contract/bundle.ts';
import type { DailyWindow } from '../contract/job.ts';
import type { SlotName, SlotsState, WritableSlot } from '../contract/slots.ts';
import type { Target } from '../contract/target.ts';
import type { JobOutcome } from './update-state.ts';

/** What an update does next. One at a time; after each the plan is made anew. */
export type UpdateStep =
  /** Nothing is wanted. Until then at the latest the director is asked again. */
  | { readonly kind: 'idle'; readonly until: number }
  /** Something is wanted and may not be done yet: `code: words`. */
  | { readonly kind: 'wait'; readonly until: number; readonly reason: string }
  /** Fetches and checks the metadata. */
  | { readonly kind: 'check'; readonly from: Where }
  /** Removes what nobody wants; with `free` also what lies in the slot that may be written. */
  | { readonly kind: 'clean'; readonly free: boolean }
  /** Not after `until`, and not more than `most` bytes. A file that is here is only checked. */
  | {
      readonly kind: 'download';
      readonly target: Target;
      readonly from: Where | undefined;
      readonly until: number | undefined;
      readonly most: number | undefined;
    }
  | { readonly kind: 'prepare' }
  /** Puts what the job wants into the prepared slot, from `file`: the whole target or a patch. */
  | { readonly kind: 'install'; readonly target: Target; readonly file: Target }
  /** Puts what the running slot has, and no target replaces, into the prepared slot. */
  | { readonly kind: 'carry'; readonly part: Carried }
  | { readonly kind: 'complete'; readonly slot: WritableSlot; readonly record: Omit<SlotRecord, 'at'> }
  | { readonly kind: 'switch'; readonly slot: WritableSlot; readonly job: string }
  /** A trial of which nothing was written down. */
  | { readonly kind: 'adopt'; readonly slot: SlotName; readonly job: string | undefined }
  | { readonly kind: 'restart'; readonly reason: string }
  | { readonly kind: 'test' }
  | { readonly kind: 'confirm'; readonly reason: string }
  | { readonly kind: 'roll-back'; readonly reason: string }
  /** On a person's word, without a trial. */
  | { readonly kind: 'go-back'; readonly reason: string }
  /** A person's word that has no meaning now. */
  | { readonly kind: 'decline'; readonly reason: string }
  /** The job, or the trial, is over. */
  | {
      readonly kind: 'end';
      readonly job: string | undefined;
      readonly outcome: JobOutcome;
      readonly reasons: readonly string[];
    }
  /** Says what ended, or what was refused, until it was said. */
  | { readonly kind: 'report' };

/** From where the targets of the job can be had. */
export type Where = 'link' | 'stick';

/** A part of the running slot, or the program of the image. */
export type Carried = Pick<SlotPart, 'kind' | 'name'> & { readonly from: string };

/** What was put into the prepared slot since this start. A start later it is litter. */
export interface Building {
  readonly job: string;
  readonly slot: WritableSlot;
  readonly folder: string;
  readonly parts: readonly { readonly part: SlotPart; readonly manifest: BundleManifest }[];
}

/** What the unit bounds, beside the job. */
export interface UpdateLimits {
  readonly windows: readonly DailyWindow[];
  readonly bytesPerSecond?: number | undefined;
  readonly bytesPerDay?: number | undefined;
}

/** What a person wants beside jobs. */
export type PersonsWord = { readonly kind: 'confirm' } | { readonly kind: 'roll-back'; readonly reason: string };

/** The state of the world that a plan is made from; times in milliseconds of UTC unless another unit is named. */
export interface UpdateFacts {
  readonly unit: string;
  readonly now: number;
  /** A time source vouches for `now`. */
  readonly clockGood: boolean;
  readonly slots: SlotsState;
  /** Bytes that are here, by SHA-256. */
  readonly have: Readonly<Record<string, number>>;
  /** Files that were found to be whole since this start, by SHA-256. */
  readonly ready: Readonly<Record<string, string>>;
  /** Where the job's files can be had now; undefined: nowhere. */
  readonly source: Where | undefined;
  /** Who is to be asked now. */
  readonly check: Where | undefined;
  readonly nextCheck: number;
  /** The centre takes reports, as far as is known. */
  readonly mayReport: boolean;
  /** After a fault of a step of this kind: not before. What else a trial asks for does not wait for it. */
  readonly resume: { readonly at: number; readonly reason: string; readonly of: UpdateStep['kind'] } | undefined;
  /** A file that the link did not give as it should be: not before. */
  readonly missed: { readonly sha256: string; readonly at: number; readonly reason: string } | undefined;
  /** Bytes that may be written, and whether the slot that may be written was emptied for it. */
  readonly room: number;
  readonly freed: boolean;
  /** Bytes that lie in the slot that may be written: so much more room there is once it was emptied. */
  readonly freeable: number;
  readonly running: RunningParts;
  readonly building: Building | undefined;
  readonly trial: TrialFacts;
  /** A start of another slot was asked for, and this program still runs. */
  readonly leaving: boolean;
  /** What was remembered was lost, and nobody has said since what is wanted. */
  readonly forgot: boolean;
  readonly restartAsked: boolean;
  readonly word: PersonsWord | undefined;
  readonly limits: UpdateLimits;
}

export interface RunningParts {
  /** Digest of each part's tree, by `partKey`; the image's where a patch may need it. */
  readonly trees: Readonly<Record<string, string>>;
  /** Bytes of each part's files, by `partKey`. */
  readonly bytes: Readonly<Record<string, number>>;
  /** Forms of the unit's data that the running program reads. */
  readonly reads: readonly number[];
}

export interface TrialFacts {
  /** Since the first start on trial. */
  readonly usedSeconds: number;
  /** The self-test has been good without a break for so long. */
  readonly heldSeconds: number;
  /** Why it is not good; empty where it is. Undefined before the first one. */
  readonly failing: readonly string[] | undefined;
  /** What the version before suffered from as well: no reason to go back. */
  readonly asBefore: readonly string[];
  /** Next self-test. */
  readonly testAt: number;
}

export const partKey = ({ kind, name }: Pick<SlotPart, 'kind' | 'name'>): string => `${kind}/${name}`;
