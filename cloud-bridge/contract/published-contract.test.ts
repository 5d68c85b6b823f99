import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import test from 'ava';
import { parse } from 'yaml';
import { publishedContract } from './published-contract.ts';
import { topicNames } from './testing/arbitrary-message.ts';
import { type Topic, topics } from './topics.ts';
import { topicsTable } from './topics-table.ts';

const folder = import.meta.dirname;
const files = publishedContract();
const read = createRequire(import.meta.url);

interface AsyncApi {
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly parameters: Readonly<Record<string, unknown>> }>
  >;
  readonly operations: Readonly<
    Record<
      string,
      {
        readonly action: string;
        readonly bindings: { readonly mqtt: { readonly qos: number; readonly retain: boolean } };
      }
    >
  >;
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly payload: { readonly $ref?: string } }>>;
  };
}

const document = parse(files.find(({ file }) => file === 'asyncapi.yaml')?.text ?? '') as AsyncApi;

for (const { file, text } of files) {
  test(`${file} is what messages are checked by; make docs writes it anew`, (t) => {
    t.is(readFileSync(join(folder, file), 'utf8'), text);
  });
}

test('no other schema lies beside them', (t) => {
  const wanted = files.map(({ file }) => file).filter((file) => file.startsWith('schema/'));
  t.deepEqual(
    readdirSync(join(folder, 'schema'))
      .map((name) => `schema/${name}`)
      .sort(),
    [...wanted].sort(),
  );
});

test('the contract is made the same each time', (t) => {
  t.deepEqual(publishedContract(), files);
});

test('each schema is JSON Schema, draft 7', (t) => {
  const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, validateFormats: false });
  for (const { file, text } of files.filter(({ file }) => file.endsWith('.json'))) {
    const schema = JSON.parse(text) as object;
    t.true(ajv.validateSchema(schema) === true, file);
    t.notThrows(() => ajv.compile(schema), file);
  }
});

test('the document is AsyncAPI 3.0, by its own schema', (t) => {
  // It brings draft 7 along under its own name.
  const ajv = new Ajv({ strict: false, validateFormats: false, meta: false, validateSchema: false });
  const validate = ajv.compile(read('@asyncapi/specs/schemas/3.0.0.json') as object);
  t.true(validate(document), JSON.stringify(validate.errors, null, 1));
  t.false(validate({ ...document, operations: { ...document.operations, state: { action: 'shout' } } }));
  t.false(validate({ ...document, channels: { state: { address: 1 } } }));
});

test('every topic has its channel, its operation and its message, as the table has it', (t) => {
  const { channels, operations, components } = document;
  for (const one of [channels, operations, components.messages]) t.deepEqual(Object.keys(one), [...topicNames]);
  for (const [name, { path, way, qos, retain, payload }] of Object.entries<Topic>(topics)) {
    t.is(channels[name]?.address, `atalaya/v1/{unit}/${path}`);
    const parameters = [...`{unit}/${path}`.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    t.deepEqual(Object.keys(channels[name]?.parameters ?? {}).sort(), parameters.sort());
    t.is(operations[name]?.action, way === 'up' ? 'send' : 'receive');
    t.like(operations[name]?.bindings.mqtt, { qos, retain });
    const { $ref } = components.messages[name]?.payload ?? {};
    t.is($ref === undefined, payload === 'bytes');
    if ($ref !== undefined)
      t.true(
        files.some(({ file }) => `./${file}` === $ref),
        $ref,
      );
  }
});

test('the table of topics names each once', (t) => {
  const rows = topicsTable().split('\n').slice(2);
  t.deepEqual(
    rows.map((row) => /^\| `([^`]+)` \|/.exec(row)?.[1]),
    Object.values(topics).map(({ path }) => path),
  );
  const page = readFileSync(join(folder, 'README.md'), 'utf8');
  t.true(page.includes(topicsTable()), 'make docs writes it anew');
});
