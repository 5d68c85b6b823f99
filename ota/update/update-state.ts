import { z } from 'zod';
import { instant, reason } from '../../cloud-bridge/contract/names.ts';
import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { isAtalayaError } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { parse } from '../../device/kernel/schema.ts';
import { updateJob } from '../contract/job.ts';
import { nonce } from '../contract/names.ts';
import { target } from '../contract/target.ts';
import { dayOf } from './windows.ts';

/**
 * All that an update has to remember over a power cut, besides what the slots and the downloads say of themselves: one document, replaced at
 * once. Fields that a later program adds are passed over by an earlier one, which may be the one that a rolled-back unit starts.
 */
export const updateStateSchemaId = 'atalaya/update/1';

/** The newest job that was verified and has not ended. */
const heldJob = z.object({
  job: updateJob,
  install: z.array(target).max(20),
  patches: z.array(target).max(200),
  /** Folder of the stick that it came from; absent: the link. */
  stick: z.string().max(4096).exactOptional(),
  taken: instant,
  /** Something was downloaded or prepared for it: from then on it does not run out. */
  begun: z.boolean(),
  /** Files in whose place another way is taken, and why. */
  passed: z.array(z.object({ target: z.string(), reason })).max(200),
  /** Faults of this unit, and files of another hash, while it was worked on. */
  faults: z.int().min(0),
  /** How often a slot was prepared for it; absent: never. */
  prepares: z.int().min(0).exactOptional(),
});
export type HeldJob = z.infer<typeof heldJob>;

const baseline = z.array(z.object({ code: z.string(), degree: z.number().min(0).exactOptional() })).max(50);

/** Written before the slots are told to try a slot, so that whoever starts next knows what to make of what the slots say. */
const trialRecord = z.object({
  slot: z.enum(['a', 'b', 'image']),
  /** Absent for the image. */
  job: z.string().exactOptional(),
  /** A person wanted it, and why; absent: a job did. */
  wanted: reason.exactOptional(),
  holdSeconds: z.number().min(0),
  deadlineSeconds: z.number().min(0),
  starts: z.int().min(1),
  /** Of running on trial, over all starts. */
  usedSeconds: z.number().min(0),
  /** How often the slots were told. */
  tries: z.int().min(0),
  /** How often a start of it was asked for. */
  restarts: z.int().min(0),
  /** What had been rolled back before it, as `slot reason`. */
  before: z.string().exactOptional(),
  /** What the unit suffered from before the switch; absent: it was not looked at. */
  baseline: baseline.exactOptional(),
  /** What it suffers from still, and was no reason to go back. */
  asBefore: z.array(reason).max(50).exactOptional(),
  /** It ran, and said so. */
  announced: z.boolean(),
  /** Why this program gave it up, written before the slots are told. */
  gaveUp: reason.exactOptional(),
});
export type TrialRecord = z.infer<typeof trialRecord>;

export const jobOutcomes = ['succeeded', 'rolled-back', 'refused', 'failed', 'canceled'] as const;
export type JobOutcome = (typeof jobOutcomes)[number];

const endedJob = z.object({
  job: z.string().exactOptional(),
  nonce: nonce.exactOptional(),
  outcome: z.enum(jobOutcomes),
  at: instant,
  reasons: z.array(reason).max(50),
  told: z.boolean(),
  /** Of what it came to, where nobody was there who writes the ledger; absent: it is stated. */
  unstated: z.object({ version: z.string(), release: z.number(), tree: z.string().exactOptional() }).exactOptional(),
});
export type EndedJob = z.infer<typeof endedJob>;

export const updateState = z.object({
  schema: z.literal(updateStateSchemaId),
  job: heldJob.exactOptional(),
  trial: trialRecord.exactOptional(),
  /** Oldest first. */
  ended: z.array(endedJob).max(100),
  /** A person goes back: why, and what was found before, until the trial of it is written down. */
  goingBack: z.object({ wanted: reason, baseline: baseline.exactOptional() }).exactOptional(),
  /** Of metadata and jobs before there was anything to end; oldest first. */
  refusals: z.array(z.object({ at: instant, reason, told: z.boolean() })).max(100),
  /** Files and metadata, over the link, on the day, UTC, that is named: `2026-03-01`. */
  bytes: z.object({ day: z.string(), bytes: z.number().min(0) }),
  /** Downloads may be there that nobody wants. */
  litter: z.boolean(),
});
export type UpdateState = z.infer<typeof updateState>;
export type StateChange = (state: UpdateState) => UpdateState;

/** Ended jobs and refusals that are kept. */
export const mostKept = 50;

export const emptyState: UpdateState = {
  schema: updateStateSchemaId,
  ended: [],
  refusals: [],
  bytes: { day: '', bytes: 0 },
  litter: true,
};

export const statePath = (root: string): string => `${root}/update.json`;

/**
 * `damaged`: there was something that cannot be read. The slots and the downloads say what is there; what is lost is how often something was
 * tried. Throws `store-failed`.
 */
export async function readUpdateState(
  files: Files,
  root: string,
): Promise<{ readonly kind: 'read'; readonly state: UpdateState } | { readonly kind: 'absent' | 'damaged' }> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readWholeFile(files, statePath(root));
  } catch (error) {
    // A bad sector is damage as any other, and gone when the file is replaced.
    if (isAtalayaError(error, 'store-failed')) return { kind: 'damaged' };
    throw error;
  }
  if (bytes === undefined) return { kind: 'absent' };
  try {
    return { kind: 'read', state: updateState.parse(JSON.parse(bytes.toString('utf8'))) };
  } catch {
    return { kind: 'damaged' };
  }
}

/** Durable when it resolves. Throws `store-full`, `store-failed`, and `internal` for what could not be read again. */
export async function writeUpdateState(files: Files, root: string, state: UpdateState): Promise<void> {
  const content = parse(updateState, state, 'the state of updates', 'internal');
  await writeWholeFile(files, statePath(root), Buffer.from(`${JSON.stringify(content)}\n`));
}

/** `more` bytes came over the link at `utc`, ms. */
export function withBytes(state: UpdateState, utc: number, more: number): UpdateState {
  if (more === 0) return state;
  const day = dayOf(utc);
  return { ...state, bytes: { day, bytes: (state.bytes.day === day ? state.bytes.bytes : 0) + more } };
}
