import { stringify } from 'yaml';
import { z } from 'zod';
import { act, commandArguments, trust } from './acts.ts';
import { contractVersion, longestPayload, type Topic, topics, type Way } from './topics.ts';

/** A file that others build against. */
export interface PublishedFile {
  /** Its path from the folder of the contract. */
  readonly file: string;
  /** With a newline at its end. */
  readonly text: string;
}

/**
 * The contract for whoever does not read TypeScript: a JSON Schema (draft 7, as AsyncAPI takes it) of each payload and of the documents
 * that people sign, and an AsyncAPI 3.0 document of the topics. Made from the table and the schemas that messages are checked by, in their
 * order, so that they cannot differ. What no JSON Schema can say is in the descriptions.
 */
export function publishedContract(): readonly PublishedFile[] {
  const payloads = entries.flatMap(([name, { payload, about }]) => {
    return payload === 'bytes' ? [] : [jsonSchema(schemaFile(name), name, payload, about)];
  });
  const commands = Object.entries(commandArguments).map(([name, schema]) => {
    return jsonSchema(`schema/command-${name}.json`, name, schema, `The arguments of the command ${name}.`);
  });
  return [
    ...payloads,
    ...commands,
    jsonSchema('schema/trust.json', 'trust', trust, 'Who may do what, signed with the root key.'),
    jsonSchema('schema/act.json', 'act', act, 'A signed request of a person to the centre.'),
    { file: 'asyncapi.yaml', text: stringify(asyncApi(), { lineWidth: 120, aliasDuplicateObjects: false }) },
  ];
}

/** `evidenceGet` is described by `schema/evidence-get.json`. */
export function schemaFile(name: string): string {
  return `schema/${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.json`;
}

const entries: readonly (readonly [string, Topic])[] = Object.entries(topics);

function jsonSchema(file: string, title: string, schema: z.ZodType, description: string): PublishedFile {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return { file, text: `${JSON.stringify({ $schema, title, description, ...rest }, null, 2)}\n` };
}

/** As seen from a unit: it sends what goes up. */
const actions: Readonly<Record<Way, 'send' | 'receive'>> = { up: 'send', down: 'receive' };

function asyncApi(): object {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Atalaya: unit and centre',
      version: `${contractVersion.slice(1)}.0.0`,
      description:
        'How a roadside unit and its centre speak over MQTT 5 or 3.1.1, as seen from the unit. The second level of a topic is the version ' +
        'of this contract. Unknown fields of a payload pass, except in documents that a person signs; an unknown version is refused. ' +
        `Payloads are JSON in UTF-8 of at most ${longestPayload} bytes, nested at most 32 deep, with no name twice in an object, unless said otherwise.`,
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(entries.map(([name, topic]) => [name, channel(name, topic)])),
    operations: Object.fromEntries(entries.map(([name, topic]) => [name, operation(name, topic)])),
    components: { messages: Object.fromEntries(entries.map(([name, topic]) => [name, message(name, topic)])) },
  };
}

function channel(name: string, { path, about, parameters = {}, values = {} }: Topic): object {
  const described = Object.entries(parameters).map(([parameter, schema]) => {
    const closed = values[parameter];
    return [parameter, closed === undefined ? { description: formOf(schema) } : { enum: closed }];
  });
  return {
    address: `atalaya/${contractVersion}/{unit}/${path}`,
    description: about,
    parameters: {
      unit: { description: 'Id of the unit: the CN of its certificate.' },
      ...Object.fromEntries(described),
    },
    messages: { [name]: { $ref: `#/components/messages/${name}` } },
  };
}

function operation(name: string, { way, qos, retain }: Topic): object {
  return {
    action: actions[way],
    channel: { $ref: `#/channels/${name}` },
    messages: [{ $ref: `#/channels/${name}/messages/${name}` }],
    bindings: { mqtt: { qos, retain, bindingVersion: '0.2.0' } },
  };
}

function message(name: string, { payload, about }: Topic): object {
  return payload === 'bytes'
    ? { summary: about, contentType: 'application/octet-stream', payload: { type: 'string', format: 'binary' } }
    : { summary: about, contentType: 'application/json', payload: { $ref: `./${schemaFile(name)}` } };
}

function formOf(schema: z.ZodType): string {
  const { pattern } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return `As ${pattern ?? 'any text'}${pattern?.includes('.') === true ? ', each dot written as ~' : ''}`;
}
