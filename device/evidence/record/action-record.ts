import { z } from 'zod';
import { digest, moment, text } from './record.ts';

/**
 * The record of an act on evidence: who, when, what and why. It is signed and logged as evidence is, so that nobody looks, holds or
 * erases without a trace.
 */

/** A person states a name; the account is the one that the operating system knows. A policy is one of the retention rules. */
const actor = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('person'), name: text, account: text }),
  z.strictObject({ kind: z.literal('policy'), name: text }),
]);

const action = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('list') }),
  /** `opened`: with the authority's key, so that pictures were seen. */
  z.strictObject({ kind: z.literal('read'), evidence: z.array(text).min(1), opened: z.boolean() }),
  z.strictObject({ kind: z.literal('export'), evidence: z.array(text).min(1), opened: z.boolean() }),
  /** While any hold by any name is on it, no policy and no person erases it. */
  z.strictObject({ kind: z.literal('hold'), evidence: text, hold: text }),
  z.strictObject({ kind: z.literal('release'), evidence: text, hold: text }),
  /** What is destroyed: the key file, and the bodies of the files. */
  z.strictObject({ kind: z.literal('erase'), evidence: text, keys: digest.nullable(), bodies: z.array(digest) }),
]);

export const actionSchema = 'atalaya/action/1';

export const actionRecord = z.strictObject({
  schema: z.literal(actionSchema),
  unit: text,
  boot: text,
  sequence: z.int().positive(),
  signer: digest,
  time: moment,
  actor,
  action,
  reason: text,
});

export type ActionRecord = z.infer<typeof actionRecord>;
export type Actor = ActionRecord['actor'];
export type Action = ActionRecord['action'];
