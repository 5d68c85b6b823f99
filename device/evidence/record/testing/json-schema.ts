/**
 * As much of JSON Schema 2020-12 as the published schemas use, written from the specification. A keyword that it does not know is an
 * error, so that nothing goes unchecked.
 */

type Json = Readonly<Record<string, unknown>>;

const says = new Set(['$schema', 'title', 'description', 'format', 'default', 'examples']);

/** Where and why a value is not as the schema says; empty where it is. */
export function violations(schema: Json, value: unknown, at = '$'): readonly string[] {
  return Object.keys(schema).flatMap((keyword) => {
    if (says.has(keyword)) return [];
    const check = keywords[keyword];
    if (check === undefined) throw new Error(`${at}: the schema uses ${keyword}, which is not known here`);
    return check(schema[keyword] as never, value, at, schema);
  });
}

type Check = (argument: never, value: unknown, at: string, schema: Json) => readonly string[];

const fails = (holds: boolean, at: string, what: string): readonly string[] => (holds ? [] : [`${at}: ${what}`]);
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const matching = (schemas: readonly Json[], value: unknown, at: string): number =>
  schemas.filter((schema) => violations(schema, value, at).length === 0).length;

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: Array.isArray,
  object: isObject,
};

const keywords: Readonly<Record<string, Check>> = {
  type: (type: string | readonly string[], value, at) =>
    fails(
      [type].flat().some((one) => types[one]?.(value) === true),
      at,
      `is no ${type}`,
    ),
  const: (one: unknown, value, at) => fails(value === one, at, `is not ${one}`),
  enum: (all: readonly unknown[], value, at) => fails(all.includes(value), at, `is none of ${all}`),
  pattern: (text: string, value, at) => fails(typeof value !== 'string' || new RegExp(text, 'u').test(value), at, text),
  minLength: (least: number, value, at) =>
    fails(typeof value !== 'string' || [...value].length >= least, at, 'too short'),
  minimum: (least: number, value, at) => fails(typeof value !== 'number' || value >= least, at, `below ${least}`),
  maximum: (most: number, value, at) => fails(typeof value !== 'number' || value <= most, at, `above ${most}`),
  exclusiveMinimum: (least: number, value, at) =>
    fails(typeof value !== 'number' || value > least, at, `not above ${least}`),
  minItems: (least: number, value, at) => fails(!Array.isArray(value) || value.length >= least, at, 'too few'),
  maxItems: (most: number, value, at) => fails(!Array.isArray(value) || value.length <= most, at, 'too many'),
  prefixItems: (schemas: readonly Json[], value, at) =>
    Array.isArray(value)
      ? schemas.flatMap((one, i) => (i < value.length ? violations(one, value[i], `${at}[${i}]`) : []))
      : [],
  items: (one: Json | boolean, value, at, { prefixItems = [] }) => {
    if (!Array.isArray(value)) return [];
    const from = (prefixItems as readonly Json[]).length;
    if (typeof one === 'boolean') return fails(one || value.length <= from, at, 'has more items');
    return value.slice(from).flatMap((item, i) => violations(one, item, `${at}[${from + i}]`));
  },
  properties: (schemas: Readonly<Record<string, Json>>, value, at) =>
    isObject(value)
      ? Object.entries(schemas).flatMap(([key, one]) =>
          key in value ? violations(one, value[key], `${at}.${key}`) : [],
        )
      : [],
  required: (keys: readonly string[], value, at) =>
    isObject(value) ? keys.flatMap((key) => fails(key in value, at, `${key} is missing`)) : [],
  propertyNames: (one: Json, value, at) =>
    isObject(value) ? Object.keys(value).flatMap((key) => violations(one, key, `${at}: name ${key}`)) : [],
  additionalProperties: (more: Json | boolean, value, at, { properties = {} }) => {
    if (!isObject(value)) return [];
    const others = Object.keys(value).filter((key) => !(key in (properties as Json)));
    if (typeof more === 'boolean') return fails(more || others.length === 0, at, `${others} is too much`);
    return others.flatMap((key) => violations(more, value[key], `${at}.${key}`));
  },
  anyOf: (schemas: readonly Json[], value, at) =>
    fails(matching(schemas, value, at) > 0, at, 'is none of what it may be'),
  oneOf: (schemas: readonly Json[], value, at) =>
    fails(matching(schemas, value, at) === 1, at, 'is not one of what it may be'),
};
