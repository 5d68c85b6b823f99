import { z } from 'zod';
import { objectClasses } from '../detect/detection.ts';
import type { Finding, Measurement } from './infraction.ts';

/** A measurement as it stands in records and events. */
export const measurementSchema = z.discriminatedUnion('rule', [
  z.strictObject({
    rule: z.literal('speeding'),
    speedKmh: z.number(),
    uncertaintyKmh: z.number(),
    limitKmh: z.number(),
    toleranceKmh: z.number(),
    chargedKmh: z.number(),
  }),
  z.strictObject({
    rule: z.literal('red-light'),
    head: z.string(),
    line: z.string(),
    redForS: z.number(),
    speedKmh: z.number().exactOptional(),
  }),
  z.strictObject({
    rule: z.literal('stop-line'),
    head: z.string(),
    line: z.string(),
    beyondPx: z.number(),
    beyondM: z.number().exactOptional(),
    standingS: z.number(),
  }),
  z.strictObject({
    rule: z.literal('wrong-way'),
    lane: z.string(),
    againstDeg: z.number(),
    distancePx: z.number(),
    distanceM: z.number().exactOptional(),
  }),
  z.strictObject({ rule: z.literal('stopping'), zone: z.string(), standingS: z.number(), allowedS: z.number() }),
  z.strictObject({ rule: z.literal('blocked-box'), zone: z.string(), standingS: z.number(), allowedS: z.number() }),
  z.strictObject({
    rule: z.literal('restricted-lane'),
    lane: z.string(),
    allowed: z.array(z.enum(objectClasses)).readonly(),
    insideS: z.number(),
  }),
]) satisfies z.ZodType<Measurement>;

/** A finding as it stands in records and events. */
export const findingSchema = z.strictObject({
  name: z.string(),
  value: z.union([z.number(), z.string(), z.boolean()]),
  unit: z.string().exactOptional(),
  limit: z.union([z.number(), z.string()]).exactOptional(),
  says: z.string(),
}) satisfies z.ZodType<Finding>;
