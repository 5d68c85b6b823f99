import { z } from 'zod';
import { jobUpdate } from '../../ota/contract/job.ts';
import { target } from '../../ota/contract/target.ts';
import { command, desired, reply, trust } from './acts.ts';
import {
  actEntry,
  alertView,
  archivedEvent,
  brokerView,
  evidenceView,
  infractionView,
  layerView,
  unitView,
} from './api-views.ts';
import { renewalGrant, renewalView } from './certificate.ts';
import { alertStates } from './events.ts';
import { actId, digest, evidenceId, fileName, instant, reason, unitId } from './names.ts';
import { lanes } from './outbox.ts';
import type { Permission } from './roles.ts';
import { rollout, rolloutPlan } from './rollout.ts';
import { configOutcomes, reported } from './state.ts';
import { eventKinds } from './topics.ts';
import { givenJob, unitUpdateView } from './updates.ts';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** `:name` is a parameter, of the form in `routeParameters`. */
  readonly path: string;
  /** `command`: `command.` and the name of the command that it is about. `kinds`: of every kind of event that is asked for. */
  readonly permission: Permission | 'command' | 'kinds';
  /** Of what the query says; values are text. */
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** JSON; `bytes`: a stream of bytes; `lines`: a stream of JSON, a line each, until the reader goes. */
  readonly response: z.ZodType | 'bytes' | 'lines';
  /** Of what a line is. */
  readonly line?: z.ZodType;
  readonly about: string;
}

export const layerName = z.string().regex(/^(fleet|(group|site|unit)-[a-z0-9][a-z0-9-]{0,62})$/, 'is no layer');

/** What each parameter of a path may be. */
export const routeParameters = {
  unit: unitId,
  id: actId,
  version: z.string().regex(/^[1-9][0-9]{0,14}$/, 'is no version'),
  evidence: evidenceId,
  file: fileName,
  name: layerName,
} as const;
export type RouteParameter = keyof typeof routeParameters;

/** A whole number in a query. */
const number = (least: number, most: number) => z.coerce.number().pipe(z.int().min(least).max(most));
const limit = number(1, 1000).default(100);
/** Where a page of a list by time ends: UTC milliseconds and position. */
const pageMark = z.string().regex(/^-?[0-9]{1,16}\.[0-9]{1,16}$/, 'is no mark of a page');
/** A comma between them. */
const listOf = <K extends string>(known: readonly K[]) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(known as [K, ...K[]])).min(1));
const kinds = listOf(eventKinds);

const configHistory = z.looseObject({
  /** The newest that was released. */
  desired: desired.optional(),
  reported: reported.optional(),
  /** Newest first. */
  history: z.array(
    z.looseObject({
      version: z.int(),
      sha256: digest,
      issued: instant,
      released: instant,
      by: z.string(),
      note: z.string().optional(),
      /** The last word of the unit on this version; absent while it has said nothing. */
      became: z.looseObject({ outcome: z.enum(configOutcomes), at: instant, reasons: z.array(z.string()) }).optional(),
    }),
  ),
});

/** What is shown as it comes: events, and how updates go on. */
export const liveKinds = [...eventKinds, 'update'] as const;
export type LiveKind = (typeof liveKinds)[number];

const updateLine = z.looseObject({ unit: unitId, kind: z.literal('update'), time: instant, data: jobUpdate });

/** Every route, once. */
export const routes = {
  units: {
    method: 'GET',
    path: '/v1/units',
    permission: 'fleet.read',
    response: z.looseObject({
      units: z.array(unitView),
      broker: brokerView.optional(),
      /** Who may ask anything here is nobody from `expires` on; absent where there is no trust document. */
      trust: z.looseObject({ version: z.int(), expires: instant.optional() }).optional(),
    }),
    about: 'Every unit that was ever heard of.',
  },
  unit: {
    method: 'GET',
    path: '/v1/units/:unit',
    permission: 'fleet.read',
    response: unitView.extend({ broker: brokerView.optional() }),
    about: 'One unit.',
  },
  acceptKey: {
    method: 'POST',
    path: '/v1/units/:unit/key',
    permission: 'rollout.run',
    body: z.strictObject({
      /** SHA-256 of the SubjectPublicKeyInfo of the key that the unit has now: what `presented` of the unit says. */
      key: digest,
      reason,
    }),
    response: unitView,
    about:
      'The unit was given another signing key, and that is in order. The keys before it stay good for what they signed.',
  },
  events: {
    method: 'GET',
    path: '/v1/events',
    permission: 'events.read',
    query: z.strictObject({
      unit: unitId.optional(),
      lane: z.enum(lanes).optional(),
      /** Several with a comma between them. */
      kind: kinds.optional(),
      from: instant.optional(),
      to: instant.optional(),
      /** Position after which to go on. */
      after: number(0, Number.MAX_SAFE_INTEGER).optional(),
      order: z.enum(['sequence', 'position', 'newest']).default('newest'),
      limit,
    }),
    response: z.looseObject({ events: z.array(archivedEvent) }),
    about: 'Events of the archive.',
  },
  telemetry: {
    method: 'GET',
    path: '/v1/telemetry/:unit',
    permission: 'telemetry.read',
    query: z.strictObject({ from: instant.optional(), to: instant.optional(), limit }),
    response: z.looseObject({ events: z.array(archivedEvent) }),
    about: 'Figures of a unit, newest first.',
  },
  alerts: {
    method: 'GET',
    path: '/v1/alerts',
    permission: 'fleet.read',
    query: z.strictObject({ state: z.enum(alertStates).optional(), unit: unitId.optional() }),
    response: z.looseObject({ alerts: z.array(alertView) }),
    about: 'Alerts; those of the last kind of state, where one is named. Closed ones only where they are asked for.',
  },
  acknowledgeAlert: {
    method: 'POST',
    path: '/v1/alerts/:unit/:id/acknowledge',
    permission: 'alert.acknowledge',
    body: z.strictObject({ note: z.string().max(500).default('') }),
    response: alertView,
    about: 'Somebody looks after it.',
  },
  config: {
    method: 'GET',
    path: '/v1/config/:unit',
    permission: 'fleet.read',
    response: configHistory,
    about: 'What a unit is to have, what it reported, and what was released before and became of it.',
  },
  configVersion: {
    method: 'GET',
    path: '/v1/config/:unit/:version',
    permission: 'fleet.read',
    response: desired,
    about: 'A document that was released.',
  },
  releaseConfig: {
    method: 'PUT',
    path: '/v1/config/:unit',
    permission: 'config.push',
    body: z.strictObject({ document: desired }),
    response: z.looseObject({
      version: z.int(),
      sha256: digest,
      /** When it was given to the broker; absent where it waits for one. */
      relayed: instant.optional(),
      broker: brokerView.optional(),
    }),
    about: 'Releases a signed configuration to its unit.',
  },
  layers: {
    method: 'GET',
    path: '/v1/layers',
    permission: 'fleet.read',
    response: z.looseObject({ layers: z.array(layerView) }),
    about: 'Settings by fleet, group, site and unit, of which documents are made.',
  },
  layer: {
    method: 'GET',
    path: '/v1/layers/:name',
    permission: 'fleet.read',
    response: layerView,
    about: 'One of them; one that nobody has written is empty, of version 0.',
  },
  putLayer: {
    method: 'PUT',
    path: '/v1/layers/:name',
    permission: 'config.push',
    body: z.strictObject({
      settings: z.record(z.string(), z.json()),
      /** The version that this one takes the place of; 0 for the first. */
      based: z.int().min(0),
    }),
    response: layerView,
    about: 'Writes one; 409 where somebody else has changed it meanwhile.',
  },
  command: {
    method: 'POST',
    path: '/v1/commands',
    permission: 'command',
    body: z.strictObject({ command }),
    response: z.looseObject({
      unit: unitId,
      id: actId,
      /** When it was given to the broker; absent where it waits for one. */
      relayed: instant.optional(),
      broker: brokerView.optional(),
    }),
    about: 'Relays a signed command. The same person signs the command and the act.',
  },
  reply: {
    method: 'GET',
    path: '/v1/commands/:unit/:id',
    permission: 'command',
    response: z.looseObject({
      command,
      /** When it was given to the broker; absent while it could not be. */
      relayed: instant.optional(),
      broker: brokerView.optional(),
      reply: reply.optional(),
    }),
    about: 'What became of a command.',
  },
  renewals: {
    method: 'GET',
    path: '/v1/renewals',
    permission: 'fleet.read',
    response: z.looseObject({ renewals: z.array(renewalView) }),
    about: 'The certificates of units that renew them by themselves: how old, asked for, granted, what became of it.',
  },
  deliverRenewal: {
    method: 'PUT',
    path: '/v1/renewals/:unit',
    permission: 'config.push',
    body: z.strictObject({ grant: renewalGrant }),
    response: z.looseObject({
      unit: unitId,
      version: z.int(),
      sha256: digest,
      /** When it was given to the broker; absent where it waits for one. */
      relayed: instant.optional(),
      broker: brokerView.optional(),
    }),
    about: 'Gives a unit its next certificate, as the authority has signed it. The unit judges it.',
  },
  infractions: {
    method: 'GET',
    path: '/v1/evidence',
    permission: 'events.read',
    query: z.strictObject({
      unit: unitId.optional(),
      /** Of when they happened, as the records have it; `from` included, `to` not. */
      from: instant.optional(),
      to: instant.optional(),
      /** Where the page before this one ended: its `next`. */
      before: pageMark.optional(),
      limit,
    }),
    response: z.looseObject({
      infractions: z.array(infractionView),
      /** Absent on the last page. */
      next: pageMark.optional(),
    }),
    about: 'Records of infractions, whether their files are here or not, the latest first by when they happened.',
  },
  evidence: {
    method: 'GET',
    path: '/v1/evidence/:unit/:evidence',
    permission: 'evidence.read',
    response: evidenceView,
    about: 'A record as it was signed, and how far its files are here.',
  },
  evidenceFile: {
    method: 'GET',
    path: '/v1/evidence/:unit/:evidence/:file',
    permission: 'evidence.read',
    response: 'bytes',
    about: 'A sealed file: ciphertext.',
  },
  updates: {
    method: 'GET',
    path: '/v1/updates',
    permission: 'fleet.read',
    response: z.looseObject({
      /** False: this bridge has no update repository. */
      signs: z.boolean(),
      targets: z.array(target),
    }),
    about:
      'What units may be updated to: the targets that are published, and the patches to them, the newest release first.',
  },
  unitUpdates: {
    method: 'GET',
    path: '/v1/updates/:unit',
    permission: 'fleet.read',
    response: unitUpdateView.extend({
      /** Newest first. */
      history: z.array(givenJob),
    }),
    about: 'What a unit runs by its own signed word, the update that it was given, and those before.',
  },
  startRollout: {
    method: 'POST',
    path: '/v1/rollouts',
    permission: 'rollout.run',
    body: z.strictObject({ plan: rolloutPlan }),
    response: rollout,
    about: 'Starts a rollout of signed documents, or of an update; the latter takes the permission `update.give` too.',
  },
  rollouts: {
    method: 'GET',
    path: '/v1/rollouts',
    permission: 'fleet.read',
    response: z.looseObject({ rollouts: z.array(rollout) }),
    about: 'All rollouts.',
  },
  rollout: {
    method: 'GET',
    path: '/v1/rollouts/:id',
    permission: 'fleet.read',
    response: rollout,
    about: 'One rollout, unit by unit.',
  },
  pauseRollout: {
    method: 'POST',
    path: '/v1/rollouts/:id/pause',
    permission: 'rollout.run',
    body: z.strictObject({ reason }),
    response: rollout,
    about: 'Releases nothing more until it is resumed.',
  },
  resumeRollout: {
    method: 'POST',
    path: '/v1/rollouts/:id/resume',
    permission: 'rollout.run',
    body: z.strictObject({ reason }),
    response: rollout,
    about: 'Goes on.',
  },
  abortRollout: {
    method: 'POST',
    path: '/v1/rollouts/:id/abort',
    permission: 'rollout.run',
    body: z.strictObject({
      reason,
      /** Release the plan's `rollbacks` to the units that it had reached. */
      restore: z.boolean().default(false),
    }),
    response: rollout,
    about: 'Ends it for good.',
  },
  acts: {
    method: 'GET',
    path: '/v1/acts',
    permission: 'acts.read',
    query: z.strictObject({
      /** Of the order `chain`: this one first. */
      from: number(1, Number.MAX_SAFE_INTEGER).default(1),
      /** Of the order `newest`: only those before this one. */
      before: number(1, Number.MAX_SAFE_INTEGER).optional(),
      order: z.enum(['chain', 'newest']).default('chain'),
      limit,
    }),
    response: z.looseObject({ acts: z.array(actEntry) }),
    about: 'Who did what: the chain of acts, in its order or the newest first.',
  },
  trust: {
    method: 'GET',
    path: '/v1/trust',
    permission: 'fleet.read',
    response: z.looseObject({ trust }),
    about: 'Who may do what.',
  },
  putTrust: {
    method: 'PUT',
    path: '/v1/trust',
    permission: 'rollout.run',
    body: z.strictObject({ trust }),
    response: z.looseObject({ version: z.int(), sha256: digest }),
    about: 'A newer one, signed by the root key. A supervisor of the one before it or of this one presents it.',
  },
  live: {
    method: 'GET',
    path: '/v1/live',
    permission: 'kinds',
    query: z.strictObject({
      unit: unitId.optional(),
      kinds: listOf(liveKinds).default(['telemetry', 'alert', 'count']),
    }),
    response: 'lines',
    line: z.union([updateLine, archivedEvent.partial({ position: true, archived: true })]),
    about:
      'Events as they are archived, and what units say of their updates (`update`). A reader that is too slow is told how many it missed: `{"missed": n}`.',
  },
} as const satisfies Record<string, Route>;
