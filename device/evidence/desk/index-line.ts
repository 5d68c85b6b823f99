import { z } from 'zod';
import { count, digest } from '../record/record.ts';

const line = {
  position: z.strictObject({
    sequence: z.int().positive(),
    segment: z.int().positive(),
    offset: count,
    bytes: count,
    sha256: digest,
  }),
  time: z.string(),
};

/** A line of the index as it travels. */
export const indexLine = z.discriminatedUnion('kind', [
  z.strictObject({
    ...line,
    kind: z.literal('evidence'),
    id: z.string(),
    sealed: z.string(),
    dated: z.boolean(),
    rule: z.string(),
    track: z.int(),
    class: z.string(),
    lane: z.string().nullable(),
    bytes: count,
    holds: z.array(z.string()),
    erased: z.int().nullable(),
  }),
  z.strictObject({
    ...line,
    kind: z.literal('action'),
    action: z.enum([
      'list',
      'read',
      'export',
      'hold',
      'release',
      'erase',
      'command',
      'configuration',
      'test',
      'update',
    ]),
    subject: z.int().nullable(),
    hold: z.string().nullable(),
    actor: z.string(),
    reason: z.string(),
  }),
  z.strictObject({ ...line, kind: z.literal('unknown'), schema: z.string() }),
]);
