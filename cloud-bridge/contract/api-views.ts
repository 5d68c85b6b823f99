import { z } from 'zod';
import { jobStatuses, jobSteps } from '../../ota/contract/job.ts';
import { alert, ledgerEntry } from './events.ts';
import { digest, evidenceId, fileName, instant, reason, sequence, streamId, unitId } from './names.ts';
import { lanes } from './outbox.ts';
import { reported, state } from './state.ts';
import { type EventKind, eventKinds } from './topics.ts';
import { reportVerdicts } from './updates.ts';

/** What the centre shows of what it knows. Unknown fields pass. */

/** In the place of a unit: what an alert is about that is of the centre itself. */
export const centreItself = 'centre';

/** Whether the bridge that answers has a broker, through which alone it speaks with units. */
export const brokerView = z.looseObject({
  connected: z.boolean(),
  /** Since when it is so; where it was not connected yet, since the start of the bridge. */
  since: instant,
});
export type BrokerView = z.infer<typeof brokerView>;

/** A unit's updates in short. */
export const updateBrief = z.looseObject({
  /** Of the program that is in force, by the unit's word. */
  version: z.string().optional(),
  release: z.int().optional(),
  slot: z.string().optional(),
  /** What runs is on trial. */
  trial: z.boolean().optional(),
  /** Of its version report; absent where none has come. */
  verdict: z.enum(reportVerdicts).optional(),
  /** The newest job that it was given. */
  job: z.string().optional(),
  /** What the unit says last of an update, and of which. */
  about: z.string().optional(),
  status: z.enum(jobStatuses).optional(),
  step: z.enum(jobSteps).optional(),
  progress: z.looseObject({ done: z.number(), total: z.number() }).optional(),
  reasons: z.array(reason).optional(),
});
export type UpdateBrief = z.infer<typeof updateBrief>;

/** A unit's twin. */
export const unitView = z.looseObject({
  unit: unitId,
  online: z.boolean(),
  /** What the unit said last of itself; of a last will what it said before stays beside `online: false`. */
  state: state.optional(),
  /** When that came. */
  stateAt: instant.optional(),
  firstSeen: instant,
  /** Of any message. */
  lastSeen: instant,
  reported: reported.optional(),
  /** The newest that was released to it. */
  desired: z.looseObject({ version: z.int(), sha256: digest }).optional(),
  /** Absent where it was never given an update and has said nothing of one. */
  update: updateBrief.optional(),
  /** How far its lanes are archived. */
  marks: z.array(z.looseObject({ lane: z.enum(lanes), stream: streamId, upTo: z.int().min(0) })),
  /** The key that its records are held against: the first that was seen, or the one that was accepted last. */
  key: z.looseObject({ id: digest, spki: z.string(), vkey: z.string(), since: instant }).optional(),
  /** Another key that it came with, which nobody has accepted. */
  presented: z.looseObject({ id: digest, spki: z.string(), vkey: z.string(), since: instant }).optional(),
  /** The newest of its checkpoints that the witness signed. */
  checkpoint: z.looseObject({ size: z.int().min(0), root: z.string(), cosignedAt: instant }).optional(),
  /** Messages that were refused, by reason. */
  refused: z.record(z.string(), z.int()),
  /** Figures of the newest telemetry. */
  telemetry: z.looseObject({ time: instant, data: z.record(z.string(), z.json()) }).optional(),
  /** Alerts that are not closed. */
  alerts: z.looseObject({ raised: z.int(), critical: z.int() }),
});
export type UnitView = z.infer<typeof unitView>;

export const archivedEvent = z.looseObject({
  position: z.int(),
  unit: unitId,
  lane: z.enum(lanes),
  stream: streamId,
  sequence,
  previous: z.int().min(0),
  kind: z.enum(eventKinds as [EventKind, ...EventKind[]]),
  time: instant,
  archived: instant,
  data: z.json(),
});

export const alertView = alert.extend({
  unit: unitId,
  /** When it was raised. */
  raised: instant,
  /** Whether the unit or the centre says so. */
  from: z.enum(['unit', 'centre']),
  acknowledged: z.looseObject({ by: z.string(), at: instant, note: z.string() }).optional(),
});
export type AlertView = z.infer<typeof alertView>;

export const layerView = z.looseObject({
  name: z.string(),
  version: z.int().min(0),
  settings: z.record(z.string(), z.json()),
});
export type LayerView = z.infer<typeof layerView>;

export const evidenceView = z.looseObject({
  unit: unitId,
  evidence: evidenceId,
  /** Absent where it has not come yet. */
  entry: ledgerEntry.optional(),
  files: z.array(
    z.looseObject({
      file: fileName,
      bytes: z.int().min(0),
      /** Bytes that are here. */
      here: z.int().min(0),
      state: z.enum(['not-asked', 'asked', 'finished', 'failed']),
      reason: reason.optional(),
    }),
  ),
});
export type EvidenceView = z.infer<typeof evidenceView>;

/** A record of an infraction in a list: what it says of itself, and how far its files are here. No plate: records name none. */
export const infractionView = z.looseObject({
  unit: unitId,
  /** Absent where the record has no id that is known here. */
  evidence: evidenceId.optional(),
  sequence,
  /** When it happened, as the record has it: lists are in this order. */
  time: instant,
  archived: instant,
  rule: z.string().optional(),
  class: z.string().optional(),
  /** Null where the vehicle was in none. */
  lane: z.string().nullable().optional(),
  /** Figures as the record has them, each with its unit at the end of its name: `speedKmh`, `limitKmh`, `redForS`. */
  measured: z.record(z.string(), z.json()).optional(),
  files: z.looseObject({
    /** That are here whole. */
    here: z.int().min(0),
    /** Sealed ones with the key file; 0 where nothing was sealed. */
    all: z.int().min(0),
    state: z.enum(['none', 'not-asked', 'asked', 'finished', 'failed']),
    /** Of `failed`. */
    reason: reason.optional(),
  }),
});
export type InfractionView = z.infer<typeof infractionView>;

export const actEntry = z.looseObject({
  number: z.int().min(1),
  time: instant,
  act: z.json(),
  outcome: z.string(),
  /** What the act is about, as far as its body says it: `command reboot for unit-1`. */
  about: z.string().optional(),
  previous: z.string(),
  hash: digest,
});
export type ActEntryView = z.infer<typeof actEntry>;
