import { z } from 'zod';
import { jobNotify, jobUpdate } from '../../ota/contract/job.ts';
import { versionReport } from '../../ota/contract/version-report.ts';
import { type CommandName, command, commandNames, desired, reply } from './acts.ts';
import { certificateReport, renewalGrant } from './certificate.ts';
import { ack, eventData, eventMessage } from './events.ts';
import { evidenceGet } from './evidence.ts';
import { actId, blockNumber, evidenceId, fileName } from './names.ts';
import { laneOf } from './outbox.ts';
import { checkpoint, reported, state } from './state.ts';
import { streamAnswer, streamGet, streamToken } from './stream.ts';

/** Version of the contract, a level of every topic. */
export const contractVersion = 'v1';

export type EventKind = keyof typeof eventData;
export const eventKinds = Object.keys(eventData) as readonly EventKind[];

/** Bytes of a packet; what is longer travels in pieces. AWS IoT takes no more. */
export const longestPayload = 120 * 1024;
export { blockBytes } from './block-bytes.ts';

export type Way = 'up' | 'down';

export interface Topic {
  /** Levels after `atalaya/v1/{unit}/`; `{name}` is a parameter. */
  readonly path: string;
  /** From the unit, or to it. */
  readonly way: Way;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** JSON by this schema, or bytes. */
  readonly payload: z.ZodType | 'bytes';
  readonly about: string;
  /** What each parameter of the path may be. */
  readonly parameters?: Readonly<Record<string, z.ZodType<string>>>;
  /** All values of those parameters that have a closed set of them. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
}

/** Every topic, once. */
export const topics = {
  state: {
    path: 'state',
    way: 'up',
    qos: 1,
    retain: true,
    payload: state,
    about: 'Whether the unit is there, and in what state. Its last will says that it is not.',
  },
  infraction: {
    path: 'event/infraction',
    way: 'up',
    qos: 1,
    retain: false,
    payload: eventMessage(laneOf.infraction, eventData.infraction),
    about: 'Sealed infractions: the signed records.',
  },
  audit: {
    path: 'event/audit',
    way: 'up',
    qos: 1,
    retain: false,
    payload: eventMessage(laneOf.audit, eventData.audit),
    about: 'Every other entry of the ledger of the unit: acts on evidence, commands, configurations.',
  },
  alert: {
    path: 'event/alert',
    way: 'up',
    qos: 1,
    retain: false,
    payload: eventMessage(laneOf.alert, eventData.alert),
    about: 'Alerts: raised, critical, closed.',
  },
  count: {
    path: 'event/count',
    way: 'up',
    qos: 1,
    retain: false,
    payload: eventMessage(laneOf.count, eventData.count),
    about: 'Vehicles that crossed a counting line.',
  },
  telemetry: {
    path: 'telemetry',
    way: 'up',
    qos: 1,
    retain: false,
    payload: eventMessage(laneOf.telemetry, eventData.telemetry),
    about: 'Figures of machine and pipeline.',
  },
  ack: {
    path: 'ack',
    way: 'down',
    qos: 1,
    retain: false,
    payload: ack,
    about: 'How far each lane is durable at the centre.',
  },
  checkpoint: {
    path: 'checkpoint',
    way: 'up',
    qos: 1,
    retain: false,
    payload: checkpoint,
    about: 'The newest signed state of the log of the unit.',
  },
  cosigned: {
    path: 'checkpoint/cosigned',
    way: 'down',
    qos: 1,
    retain: false,
    payload: checkpoint,
    about: 'The same note, with the signature of the centre as witness.',
  },
  evidenceGet: {
    path: 'evidence/get',
    way: 'down',
    qos: 1,
    retain: false,
    payload: evidenceGet,
    about: 'Asks for blocks of a sealed file that the unit may give away.',
  },
  evidenceBlock: {
    path: 'evidence/{id}/{file}/{block}',
    way: 'up',
    qos: 1,
    retain: false,
    payload: 'bytes',
    about: 'A block of a sealed file: 65,536 bytes, the last one less.',
    parameters: { id: evidenceId, file: fileName, block: blockNumber },
  },
  desired: {
    path: 'config/desired',
    way: 'down',
    qos: 1,
    retain: true,
    payload: desired,
    about: 'The signed configuration that the unit is to have.',
  },
  reported: {
    path: 'config/reported',
    way: 'up',
    qos: 1,
    retain: true,
    payload: reported,
    about: 'What became of it.',
  },
  certificate: {
    path: 'certificate/reported',
    way: 'up',
    qos: 1,
    retain: true,
    payload: certificateReport,
    about: 'How old the certificate of the unit is; its request for the next one; what became of the last grant.',
  },
  certificateGrant: {
    path: 'certificate/grant',
    way: 'down',
    qos: 1,
    retain: true,
    payload: renewalGrant,
    about: 'The next certificate, signed by the authority. Retained until the unit has answered, then emptied.',
  },
  command: {
    path: 'command/{name}/{id}',
    way: 'down',
    qos: 1,
    retain: false,
    payload: command,
    about: 'A signed command.',
    parameters: { name: z.enum(commandNames as [CommandName, ...CommandName[]]), id: actId },
    values: { name: commandNames },
  },
  reply: {
    path: 'command/{id}/reply',
    way: 'up',
    qos: 1,
    retain: false,
    payload: reply,
    about: 'Its outcome.',
    parameters: { id: actId },
  },
  jobNotify: {
    path: 'job/notify',
    way: 'down',
    qos: 1,
    retain: true,
    payload: jobNotify,
    about:
      'There is an update for the unit. A hint: what it is stands in signed metadata. Emptied when the job is over.',
  },
  jobUpdate: {
    path: 'job/update',
    way: 'up',
    qos: 1,
    retain: true,
    payload: jobUpdate,
    about: 'How far the newest update has got, and why it ended.',
  },
  versions: {
    path: 'job/versions',
    way: 'up',
    qos: 1,
    retain: true,
    payload: versionReport,
    about: 'What the unit runs, signed, with the nonce of its newest job.',
  },
  streamGet: {
    path: 'stream/get',
    way: 'up',
    qos: 0,
    retain: false,
    payload: streamGet,
    about: 'Asks for blocks of a file of the update repositories.',
  },
  streamAnswer: {
    path: 'stream/answer',
    way: 'down',
    qos: 0,
    retain: false,
    payload: streamAnswer,
    about: 'How long such a file is, or why there are no blocks.',
  },
  streamData: {
    path: 'stream/data/{id}/{block}',
    way: 'down',
    qos: 0,
    retain: false,
    payload: 'bytes',
    about: 'A block of such a file, of the size that was asked for; the last one less.',
    parameters: { id: streamToken, block: blockNumber },
  },
} as const satisfies Record<string, Topic>;

export type TopicName = keyof typeof topics;

/** Parameters of a topic's path, by name. */
type Parameters<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Parameters<Rest>
  : never;
export type TopicParameters<Name extends TopicName> = {
  readonly [P in Parameters<(typeof topics)[Name]['path']>]: string;
};

/** What is published there. */
export type TopicPayload<Name extends TopicName> = (typeof topics)[Name]['payload'] extends z.ZodType
  ? z.input<(typeof topics)[Name]['payload']>
  : Uint8Array;

/** What is read there. */
export type TopicContent<Name extends TopicName> = (typeof topics)[Name]['payload'] extends z.ZodType
  ? z.output<(typeof topics)[Name]['payload']>
  : Buffer;
