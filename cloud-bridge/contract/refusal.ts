import type { TopicName } from './topics.ts';

/** Why a message is not taken. */
export const refusalReasons = [
  'foreign-topic',
  'unknown-version',
  'unit-malformed',
  'parameter-malformed',
  'wrong-way',
  'oversized',
  'not-json',
  'malformed',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** A message, or a topic, that is not of this contract. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: RefusalReason;
  /** For a person and a log: where and what, of bounded length, repeating nothing that the message says beyond names of fields. */
  readonly detail: string;
  /** The unit that the topic names, where it names one. */
  readonly unit?: string;
  /** The topic, where it is one of ours: whoever has to say why a document was refused gets the ones that cannot be read too. */
  readonly name?: TopicName;
}

export function refusedFor(reason: RefusalReason, detail: string, unit?: string, name?: TopicName): Refused {
  const refused = { kind: 'refused', reason, detail } as const;
  return { ...refused, ...(unit === undefined ? {} : { unit }), ...(name === undefined ? {} : { name }) };
}
