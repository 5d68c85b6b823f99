import { z } from 'zod';
import { objectClasses } from '../detect/detection.ts';

/** Pieces that several fields of the scene file share. */

export const name = z
  .string()
  .min(1)
  .max(60)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u, 'letters, digits, space, dot, dash and underscore only')
  .describe('Name, used in events and evidence; once per list.');

export const point = z
  .tuple([z.number(), z.number()])
  .transform(([x, y]) => ({ x, y }))
  .describe('[x, y] in pixels, origin top left.');

export const linePoints = z.array(point).min(2, 'two points at least').max(200);

export const polygon = z.array(point).min(3, 'three corners at least').max(200);

export const seconds = z.number().min(0).max(86_400);

export const classesSchema = z.array(z.enum(objectClasses)).min(1);

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof days)[number];

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'a time as "07:30"');

/** A weekly window of local time. */
export const windowSchema = z
  .strictObject({
    days: z.array(z.enum(days)).min(1).optional().describe('Days on which it holds. Default all.'),
    from: clockTime.describe('Local time from which it holds, as "07:00".'),
    to: clockTime.describe(
      'Local time at which it ends, as "09:30"; "24:00" is midnight. Split a window that passes midnight in two.',
    ),
  })
  .refine((value) => value.to > value.from, { message: '`to` must come after `from` on the same day' });

export type WeeklyWindow = z.output<typeof windowSchema>;
export const weekDays: readonly Day[] = days;
