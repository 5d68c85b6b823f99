import { z } from 'zod';

/** What the work of a unit is measured by, as its telemetry counts it. */
export const measures = ['frames', 'detections', 'sealed', 'plateReads'] as const;
export type Measure = (typeof measures)[number];

/** What the time after an update is held against. */
export const comparisons = ['just-before', 'day-before', 'week-before'] as const;
export type Comparison = (typeof comparisons)[number];

const bar = z.number().min(0.01).max(2);

/** Of a group's confirmed units: what each does over `minutes` after it has confirmed, against as long a time before the update. */
export const qualityBars = z
  .strictObject({
    minutes: z.number().min(0.05).max(43_200),
    /**
     * `just-before`: the time that ended when the unit was given the update. `day-before`, `week-before`: the same time of day, of week,
     * as many days or weeks earlier as lie before the update; so that the traffic of the hour does not pass for the unit's.
     */
    against: z.enum(comparisons).default('day-before'),
    /** The least ratios of after to before that are borne. */
    frames: bar.optional(),
    detections: bar.optional(),
    sealed: bar.optional(),
    plateReads: bar.optional(),
  })
  .refine((bars) => measures.some((measure) => bars[measure] !== undefined), 'names no measure');
export type QualityBars = z.infer<typeof qualityBars>;
