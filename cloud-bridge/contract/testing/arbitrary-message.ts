import fc, { type Arbitrary } from 'fast-check';
import { commandNames } from '../acts.ts';
import { topicOf } from '../address.ts';
import { publishedContract, schemaFile } from '../published-contract.ts';
import { type Topic, type TopicName, topics } from '../topics.ts';
import { arbitraryOf, type JsonSchema } from './arbitrary-json.ts';

export const topicNames = Object.keys(topics) as readonly TopicName[];

/** The published schema of what is sent there; undefined where it is bytes. */
export function publishedSchemaOf(name: TopicName): JsonSchema | undefined {
  const file = publishedContract().find((one) => one.file === schemaFile(name));
  return file === undefined ? undefined : (JSON.parse(file.text) as JsonSchema);
}

/** A message that everybody has to take. */
export interface SampleMessage {
  readonly name: TopicName;
  readonly unit: string;
  readonly topic: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Bytes, or a value of the topic's schema. */
  readonly content: unknown;
}

/** Good messages of a topic, drawn from its published schema. Making it takes a moment: make it once. */
export function arbitraryMessage(name: TopicName): Arbitrary<SampleMessage> {
  const schema = publishedSchemaOf(name);
  const content: Arbitrary<unknown> =
    schema === undefined ? fc.uint8Array({ minLength: 1, maxLength: 300 }) : arbitraryOf(schema);
  return fc.tuple(arbitraryUnit, arbitraryParameters(name), content).map(([unit, parameters, drawn]) => {
    const topic = topicOf(name, unit, parameters as never);
    return { name, unit, topic, parameters, content: mended(name, drawn, parameters) };
  });
}

export const arbitraryUnit: Arbitrary<string> = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);

const idForms: Partial<Record<TopicName, RegExp>> = {
  evidenceBlock: /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  streamData: /^[a-z0-9]{8,32}$/,
};

function arbitraryParameters(name: TopicName): Arbitrary<Record<string, string>> {
  const { parameters = {} }: Topic = topics[name];
  const forms: Readonly<Record<string, Arbitrary<string>>> = {
    id: fc.stringMatching(idForms[name] ?? /^[A-Za-z0-9][A-Za-z0-9-]{7,63}$/),
    file: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/),
    block: fc.integer({ min: 0, max: 1_000_000 }).map(String),
    name: fc.constantFrom(...commandNames),
  };
  const drawn = Object.keys(parameters).map((parameter) => [parameter, forms[parameter] as Arbitrary<string>]);
  return fc.record(Object.fromEntries(drawn), { noNullPrototype: true });
}

/** What events, pieces, replies and reports have that no JSON Schema can ask for. */
interface Loose {
  readonly sequence: number;
  readonly previous: number;
  readonly index: number;
  readonly count: number;
  readonly reasons: readonly string[];
  readonly events?: readonly Loose[];
  readonly part?: Loose;
}

/** Events in order, a piece within its count, a refusal with its reason, a reply on its own topic. */
function mended(name: TopicName, drawn: unknown, { id }: Readonly<Record<string, string>>): unknown {
  const content = drawn as Loose;
  if (name === 'reply') return { ...content, id };
  if (name === 'reported' && content.reasons.length === 0) return { ...content, reasons: ['why: so'] };
  if (content.events !== undefined) {
    let last = 0;
    const events = content.events.map((event) => {
      const previous = last + (event.previous % 3);
      last = previous + 1 + (event.sequence % 3);
      return { ...event, previous, sequence: last };
    });
    return { ...content, events };
  }
  if (content.part !== undefined) {
    const { part } = content;
    return { ...content, previous: content.sequence - 1, part: { ...part, index: part.index % part.count } };
  }
  return content;
}
