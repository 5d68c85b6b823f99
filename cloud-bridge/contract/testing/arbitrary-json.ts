import fc, { type Arbitrary } from 'fast-check';

/** What the published schemas use of JSON Schema (draft 7). */
export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly multipleOf?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

/** Values that a schema allows; short lists and texts, so that a message of them fits a packet. */
export function arbitraryOf(schema: JsonSchema, root: JsonSchema = schema): Arbitrary<unknown> {
  if (schema.$ref !== undefined) return referred(schema.$ref, root);
  if (schema.allOf?.[0] !== undefined) return arbitraryOf(schema.allOf[0], root);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => arbitraryOf(one, root)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return objectOf(schema, root);
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}, root), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, Math.max(4, schema.minItems ?? 0)),
      });
    case 'string':
      return textOf(schema);
    case 'integer':
      return integerOf(schema);
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return plainJson;
  }
}

/** JSON that passes every reader. */
const plainText = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .filter((text) => text.isWellFormed() && !text.includes('\0'));
const plainJson: Arbitrary<unknown> = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -0.5, 1e300),
    plainText,
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(
      plainText.filter((name) => name !== '__proto__'),
      tie('json'),
      { maxKeys: 3, noNullPrototype: true },
    ),
  ),
})).json;

function referred(reference: string, root: JsonSchema): Arbitrary<unknown> {
  const name = reference.replace('#/definitions/', '');
  // The one that refers to itself is JSON of any form.
  return name.startsWith('__schema') ? plainJson : arbitraryOf(root.definitions?.[name] ?? {}, root);
}

function objectOf(schema: JsonSchema, root: JsonSchema): Arbitrary<unknown> {
  const properties = schema.properties ?? {};
  const fields = Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, arbitraryOf(one, root)]));
  const { additionalProperties: more = {} } = schema;
  const known = fc.record(fields, { requiredKeys: [...(schema.required ?? [])], noNullPrototype: true });
  if (more === false) return known;
  const name = schema.properties === undefined ? textOf(schema.propertyNames ?? {}) : fc.constantFrom('later', 'x-new');
  const rest = fc.dictionary(name, arbitraryOf(more === true ? {} : more, root), { maxKeys: 2, noNullPrototype: true });
  return fc.tuple(rest, known).map(([others, own]) => ({ ...others, ...own }));
}

function textOf({ format, pattern, minLength = 0, maxLength = 40 }: JsonSchema): Arbitrary<string> {
  if (format === 'date-time')
    return fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((at) => at.toISOString());
  if (format === 'base64')
    return fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('base64'));
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc
    .string({ minLength, maxLength: Math.min(maxLength, 40), unit: 'binary-ascii' })
    .filter((text) => !text.includes('\0') && text !== '__proto__');
}

function integerOf({ minimum = 0, maximum = 1e6, multipleOf = 1 }: JsonSchema): Arbitrary<number> {
  const most = Math.min(maximum, 2 ** 31);
  return fc
    .integer({ min: Math.ceil(minimum / multipleOf), max: Math.floor(most / multipleOf) })
    .map((times) => times * multipleOf);
}
