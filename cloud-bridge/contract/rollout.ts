import { z } from 'zod';
import { desired } from './acts.ts';
import { actId, instant, reason, shortText, unitId } from './names.ts';
import { measures, qualityBars } from './quality.ts';
import { updateOrder } from './updates.ts';

/** A configuration or an update for many units, group by group: the plan that a person hands in, and how far it has got. */

const share = z.number().min(0).max(1);

export const rolloutGroup = z.strictObject({
  name: shortText.min(1),
  units: z.array(unitId).min(1).max(10_000),
});

/** An update for many units, and how the work of those that have it is held against what it was. */
export const updatePlan = updateOrder.extend({ quality: qualityBars.optional() });
export type UpdatePlan = z.infer<typeof updatePlan>;

const planFields = z.strictObject({
  id: actId,
  note: shortText.optional(),
  /** One after the other. The first may be canaries. */
  groups: z.array(rolloutGroup).min(1).max(100),
  /** The next group begins when this share of a group's units has confirmed. */
  successThreshold: share.min(0.01).default(1),
  /** A group in which a larger share of the units fails ends the rollout: no unit is released any more. */
  errorThreshold: share.default(0),
  /** Minutes from a unit's release on; a unit that has come to no end by then has failed (`silent`). More than any trial takes. */
  deadlineMinutes: z.number().min(0.05).max(43_200),
  /** Minutes between one group's success and the next group. */
  restMinutes: z.number().min(0).max(43_200).default(0),
  /** Units that may be on trial at the same time, of all groups together; as many as the groups have where it is absent. */
  mostAtOnce: z.int().min(1).optional(),
  /** Not before. */
  notBefore: instant.optional(),
  /** Of a configuration: one signed document for each unit. */
  documents: z.array(desired).max(10_000).default([]),
  /** Signed documents with the settings from before and versions above those: what an abort may give the units back. */
  rollbacks: z.array(desired).max(10_000).default([]),
  /** Of an update. */
  update: updatePlan.optional(),
});

export const rolloutPlan = planFields
  .refine(
    ({ documents, update }) => documents.length > 0 || update !== undefined,
    'has neither documents nor an update',
  )
  .refine(
    ({ documents, rollbacks, update }) => update === undefined || documents.length + rollbacks.length === 0,
    'has documents and an update',
  );
export type RolloutPlan = z.output<typeof rolloutPlan>;

export const rolloutStates = ['waiting', 'running', 'paused', 'aborted', 'done', 'failed'] as const;
export type RolloutState = (typeof rolloutStates)[number];

/**
 * `waiting`: not released. `releasing`: to be released now; whether it was is told by the unit's newest document. `released`: on trial,
 * or not heard of yet. `skipped`: never to be released. The others are ends; all but `confirmed` count as errors.
 */
export const unitStates = [
  'waiting',
  'releasing',
  'released',
  'confirmed',
  'rejected',
  'rolled-back',
  'failed',
  'canceled',
  'silent',
  'superseded',
  'refused',
  'skipped',
] as const;
export type RolloutUnitState = (typeof unitStates)[number];

/** Of the document that gives back what was before, or of the job that takes an update back. `restored`: confirmed, or taken back. */
export const restoreStates = ['releasing', 'released', 'restored', 'failed'] as const;
export type RestoreState = (typeof restoreStates)[number];

export const rolloutUnit = z.object({
  unit: unitId,
  /** Of the document, or the number of the job among those of the unit. */
  version: z.int().min(1),
  state: z.enum(unitStates),
  releasedAt: instant.optional(),
  settledAt: instant.optional(),
  /** Of the document that would give back what was before; absent where there is none. */
  rollback: z.int().min(1).optional(),
  /** Why it failed. */
  reasons: z.array(reason).max(100).optional(),
  restore: z
    .object({ state: z.enum(restoreStates), releasedAt: instant.optional(), reason: reason.optional() })
    .optional(),
});
export type RolloutUnit = z.infer<typeof rolloutUnit>;

/** How the work of a group's confirmed units compares with what it was. `not-judged`: too little was seen to tell. */
export const qualityVerdict = z.object({
  verdict: z.enum(['held', 'dropped', 'not-judged']),
  at: instant,
  /** Units whose figures were there from before and after. */
  units: z.int().min(0),
  measures: z.array(
    z.object({
      measure: z.enum(measures),
      verdict: z.enum(['held', 'dropped', 'not-judged']),
      /** What was seen before and after, of all those units. */
      before: z.number(),
      after: z.number(),
      /** After by what was to be expected from before; absent where nothing was to be. */
      ratio: z.number().optional(),
      /** The least ratio that is borne. */
      bar: z.number(),
      /** How likely so few are where the ratio is no lower than the bar. */
      chance: z.number().optional(),
      words: reason,
    }),
  ),
});
export type QualityVerdict = z.infer<typeof qualityVerdict>;

export const rollout = z.object({
  id: actId,
  note: shortText.optional(),
  state: z.enum(rolloutStates),
  /** Aborted, and the units are given back what was before. */
  restoring: z.boolean(),
  /** Why it is in this state, for a person. */
  reason: reason.optional(),
  /** Who started it: name and role. */
  by: shortText,
  created: instant,
  changed: instant,
  successThreshold: share,
  errorThreshold: share,
  deadlineMinutes: z.number(),
  restMinutes: z.number(),
  mostAtOnce: z.int().optional(),
  notBefore: instant.optional(),
  /** Of an update. */
  update: updatePlan.optional(),
  groups: z.array(
    z.object({
      name: shortText,
      /** Of an update whose plan asks for it, once enough of the group has confirmed and worked for so long. */
      quality: qualityVerdict.optional(),
      /** When enough of it had confirmed. */
      succeededAt: instant.optional(),
      units: z.array(rolloutUnit),
    }),
  ),
});
export type Rollout = z.infer<typeof rollout>;
