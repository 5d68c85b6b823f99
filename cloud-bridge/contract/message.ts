import type { z } from 'zod';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { addressOf } from './address.ts';
import { faultsOf, jsonFault, readJson } from './read-json.ts';
import { type RefusalReason, type Refused, refusedFor } from './refusal.ts';
import {
  blockBytes,
  longestPayload,
  type Topic,
  type TopicContent,
  type TopicName,
  type TopicParameters,
  type TopicPayload,
  topics,
  type Way,
} from './topics.ts';

export type { Refused } from './refusal.ts';

/** A message that is of this contract. */
export type Message = {
  [N in TopicName]: {
    readonly kind: 'message';
    readonly name: N;
    readonly unit: string;
    readonly parameters: TopicParameters<N>;
    readonly content: TopicContent<N>;
  };
}[TopicName];

/** What goes to the link. */
export interface EncodedMessage {
  readonly payload: Buffer | string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/**
 * A payload as it is published. Throws `internal` for what is not as the schema of the topic has it, is no JSON, or is longer than
 * `longestPayload`: what comes out of here is taken by `parseMessage`.
 */
export function encodeMessage<N extends TopicName>(name: N, payload: TopicPayload<N>): EncodedMessage {
  const { qos, retain, payload: schema }: Topic = topics[name];
  if (schema === 'bytes') return { payload: blockOf(name, payload), qos, retain };
  const fault = jsonFault(payload);
  if (fault !== undefined) throw unfit(name, fault);
  const checked = schema.safeParse(payload);
  if (!checked.success) throw unfit(name, faultsOf(checked.error));
  const text = JSON.stringify(payload);
  const bytes = Buffer.byteLength(text);
  if (bytes > longestPayload) throw unfit(name, tooLong(bytes, longestPayload));
  return { payload: text, qos, retain };
}

/**
 * Takes a message that came over the link. `way` is the one in which messages travel to whoever asks: `up` at the centre, `down` at a unit.
 * What is refused is to be counted, and has no effect. Never throws. Bytes of a block are those of `payload`, not a copy.
 */
export function parseMessage(topic: string, payload: Uint8Array, way: Way): Message | Refused {
  const address = addressOf(topic);
  if (address.kind === 'refused') return address;
  const { name, unit, parameters } = address;
  const { way: its, payload: schema }: Topic = topics[name];
  const refuse = (reason: RefusalReason, detail: string) => refusedFor(reason, detail, unit, name);
  if (its !== way) return refuse('wrong-way', `${name} travels ${its}`);
  const longest = schema === 'bytes' ? blockBytes : longestPayload;
  if (payload.byteLength > longest) return refuse('oversized', tooLong(payload.byteLength, longest));
  const content = schema === 'bytes' ? readBlock(payload) : readContent(schema, payload);
  if (content.kind === 'refused') return refuse(content.reason, content.detail);
  const { id } = parameters;
  if (name === 'reply' && (content.value as TopicContent<'reply'>).id !== id)
    return refuse('malformed', 'id: is not that of the topic');
  // The name picks the types of parameters and content; both were held against what the table has under it.
  return { kind: 'message', name, unit, parameters, content: content.value } as unknown as Message;
}

type Read =
  | { readonly kind: 'content'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly reason: 'not-json' | 'malformed'; readonly detail: string };

function readContent(schema: z.ZodType, payload: Uint8Array): Read {
  const json = readJson(payload);
  if (json.kind === 'refused') return json;
  const checked = schema.safeParse(json.value);
  if (checked.success) return { kind: 'content', value: checked.data };
  return { kind: 'refused', reason: 'malformed', detail: faultsOf(checked.error) };
}

function readBlock(payload: Uint8Array): Read {
  if (payload.byteLength === 0) return { kind: 'refused', reason: 'malformed', detail: 'a block is not empty' };
  return { kind: 'content', value: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength) };
}

function blockOf(name: TopicName, payload: unknown): Buffer {
  if (!(payload instanceof Uint8Array)) throw unfit(name, 'it is not bytes');
  if (payload.byteLength === 0) throw unfit(name, 'a block is not empty');
  if (payload.byteLength > blockBytes) throw unfit(name, tooLong(payload.byteLength, blockBytes));
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

function tooLong(bytes: number, longest: number): string {
  return `it has ${bytes} bytes, and ${longest} is the most`;
}

function unfit(name: TopicName, why: string): AtalayaError {
  return new AtalayaError('internal', `this is no payload of ${name}: ${why}`);
}
