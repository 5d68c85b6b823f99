/** What is wrong in a value: where, from the value on (`.files[2].name`), and what must be there. */
export interface ShapeFault {
  readonly at: string;
  readonly must: string;
}

export type Shape = (value: unknown) => ShapeFault | undefined;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function when(holds: (value: unknown) => boolean, expected: string): Shape {
  const fault = { at: '', must: `must be ${expected}` };
  return (value) => (holds(value) ? undefined : fault);
}

const below = (name: string, { at, must }: ShapeFault): ShapeFault => ({ at: name + at, must });

export const text = when((value) => typeof value === 'string' && value.length > 0, 'a text that is not empty');
export const anyText = when((value) => typeof value === 'string', 'a text');
export const flag = when((value) => typeof value === 'boolean', 'true or false');
export const figure = when((value) => typeof value === 'number', 'a number');
export const bound = when((value) => typeof value === 'number' && value >= 0, 'a number that is not negative');
export const integer = when((value) => Number.isSafeInteger(value), 'a whole number');
export const count = when((value) => Number.isSafeInteger(value) && (value as number) >= 0, 'a count');
export const positive = when((value) => Number.isSafeInteger(value) && (value as number) > 0, 'a positive count');
export const digest = when(
  (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
  'a SHA-256 of 64 lower-case hexadecimal digits',
);
/** ISO 8601 with milliseconds, and a date that there is. */
export const utc = when(
  (value) =>
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) &&
    !Number.isNaN(Date.parse(value)) &&
    new Date(value).toISOString() === value,
  'a date in UTC with milliseconds',
);

export const oneOf = (...values: readonly unknown[]): Shape =>
  when((value) => values.includes(value), values.map((value) => JSON.stringify(value)).join(' or '));

export const nullOr =
  (shape: Shape): Shape =>
  (value) =>
    value === null ? undefined : shape(value);

export const anyOf =
  (...shapes: readonly Shape[]): Shape =>
  (value) => {
    let fault: ShapeFault | undefined;
    for (const shape of shapes) {
      fault = shape(value);
      if (fault === undefined) return undefined;
    }
    return fault;
  };

export const listOf =
  (shape: Shape, least = 0): Shape =>
  (value) => {
    if (!Array.isArray(value)) return { at: '', must: 'must be a list' };
    if (value.length < least) return { at: '', must: `must have ${least} or more members` };
    for (let index = 0; index < value.length; index += 1) {
      const fault = shape(value[index]);
      if (fault !== undefined) return below(`[${index}]`, fault);
    }
    return undefined;
  };

export const tupleOf =
  (...shapes: readonly Shape[]): Shape =>
  (value) => {
    if (!Array.isArray(value) || value.length !== shapes.length) {
      return { at: '', must: `must be a list of ${shapes.length}` };
    }
    for (const [index, shape] of shapes.entries()) {
      const fault = shape(value[index]);
      if (fault !== undefined) return below(`[${index}]`, fault);
    }
    return undefined;
  };

type Shapes = Readonly<Record<string, Shape>>;

/** Exactly these members, and those of `optional` that are there. */
export function objectOf(members: Shapes, optional: Shapes = {}): Shape {
  const needed = Object.entries(members);
  return (value) => {
    if (!isObject(value)) return { at: '', must: 'must be an object' };
    for (const [name, shape] of needed) {
      const fault = Object.hasOwn(value, name) ? shape(value[name]) : { at: '', must: 'is missing' };
      if (fault !== undefined) return below(`.${name}`, fault);
    }
    const names = Object.keys(value);
    return names.length === needed.length ? undefined : others(value, names, members, optional);
  };
}

function others(
  value: Readonly<Record<string, unknown>>,
  names: readonly string[],
  members: Shapes,
  optional: Shapes,
): ShapeFault | undefined {
  for (const name of names) {
    if (Object.hasOwn(members, name)) continue;
    const shape = Object.hasOwn(optional, name) ? optional[name] : undefined;
    const fault = shape === undefined ? { at: '', must: 'is not a member of this schema' } : shape(value[name]);
    if (fault !== undefined) return below(`.${name}`, fault);
  }
  return undefined;
}

/** The shape that the member `by` names. */
export const variants =
  (by: string, shapes: Shapes): Shape =>
  (value) => {
    if (!isObject(value)) return { at: '', must: 'must be an object' };
    const name = value[by];
    const shape = typeof name === 'string' && Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    return shape === undefined
      ? { at: `.${by}`, must: `must be one of ${Object.keys(shapes).join(', ')}` }
      : shape(value);
  };

/** Whatever JSON can say: for what is stated beside the figures, and read by whoever derives them again. */
export const anyJson: Shape = () => undefined;

/** An object of any members whose values all have one shape; `needed` must be among them. */
export const mapOf =
  (shape: Shape, ...needed: readonly string[]): Shape =>
  (value) => {
    if (!isObject(value)) return { at: '', must: 'must be an object' };
    const missing = needed.find((name) => !Object.hasOwn(value, name));
    if (missing !== undefined) return { at: `.${missing}`, must: 'is missing' };
    for (const name of Object.keys(value)) {
      const fault = shape(value[name]);
      if (fault !== undefined) return below(`.${name}`, fault);
    }
    return undefined;
  };

/** Some text of at most 60 characters about a value that a stranger wrote. */
export const shown = (value: unknown): string => {
  const written = JSON.stringify(value) ?? 'nothing';
  return written.length > 60 ? `${written.slice(0, 57)}...` : written;
};
