import { z } from 'zod';
import { digest, instant } from '../../../cloud-bridge/contract/names.ts';
import { roles } from '../../../cloud-bridge/contract/roles.ts';

/** What is remembered of documents, in one small file that is replaced whole. Strict: nothing but the keeper writes it. */

const ref = z.strictObject({ version: z.int().min(1), sha256: digest });

const person = z.strictObject({ name: z.string().max(200), role: z.enum(roles), key: digest });

/** What became of a document. `superseded`: a newer one came while it was on trial. */
export const rowOutcomes = ['trial', 'confirmed', 'rolled-back', 'superseded'] as const;

const row = z.strictObject({
  ...ref.shape,
  issued: instant,
  accepted: instant,
  /** When the outcome became what it is. */
  settled: instant,
  by: person,
  note: z.string().max(500).optional(),
  changed: z.array(z.string()),
  outcome: z.enum(rowOutcomes),
  reasons: z.array(z.string()),
});

const refusedRow = z.strictObject({
  at: instant,
  version: z.int().min(1).optional(),
  /** Of what was signed, or of the bytes where they cannot be read. */
  sha256: digest,
  reasons: z.array(z.string()),
});

export const actOutcomes = ['accepted', 'trial', 'confirmed', 'rejected', 'rolled-back'] as const;

/** An act for the audit log. */
const act = z.strictObject({
  at: instant,
  version: z.int().min(0),
  sha256: digest.optional(),
  outcome: z.enum(actOutcomes),
  reasons: z.array(z.string()),
  /** Who signed the document. */
  person: person.optional(),
  /** Who went back at the unit. */
  byHand: z.string().max(200).optional(),
});

const trial = z.strictObject({
  ...ref.shape,
  begun: instant,
  probationMs: z.number().positive(),
  /** Running time that it has had, as of when this was written. */
  spentMs: z.number().min(0),
  /** Starts of the program while it was on trial. */
  boots: z.int().min(0),
  /** Whether the unit has run with it. */
  applied: z.boolean(),
  /** Why the newest start with it failed, where that start could still say so. */
  fault: z.string().optional(),
});

export const keeperState = z.strictObject({
  /** The newest document ever accepted. */
  highest: ref.nullable(),
  /** What is in force outside a trial; null is the unit's own file. */
  confirmed: ref.nullable(),
  trial: trial.nullable(),
  /** What is reported. */
  last: z.strictObject({
    at: instant,
    outcome: z.enum(['none', ...actOutcomes]),
    version: z.int().min(0).optional(),
    sha256: digest.optional(),
    reasons: z.array(z.string()),
  }),
  /** Newest first. */
  history: z.array(row),
  /** Newest first. */
  refused: z.array(refusedRow),
  /** Acts that the audit log has not taken yet, oldest first. */
  owed: z.array(act),
  /** The newest request of a person at the unit, and what came of it. */
  request: z.strictObject({ id: z.string().max(64), done: z.boolean(), words: z.string() }).nullable(),
});

export type KeeperState = z.infer<typeof keeperState>;
export type HistoryRow = z.infer<typeof row>;
export type RefusedRow = z.infer<typeof refusedRow>;
export type ConfigAct = z.infer<typeof act>;
export type ConfigActOutcome = (typeof actOutcomes)[number];
export type Trial = z.infer<typeof trial>;
export type ActingPerson = z.infer<typeof person>;

export function firstState(at: string): KeeperState {
  return {
    highest: null,
    confirmed: null,
    trial: null,
    last: { at, outcome: 'none', reasons: [] },
    history: [],
    refused: [],
    owed: [],
    request: null,
  };
}
