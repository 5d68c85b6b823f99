import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../../kernel/canonical-json.ts';
import type { Config } from '../config-schema.ts';
import { configFields, type FieldKind } from '../fields.ts';

/** A part of a configuration, as documents and layers hold it. */
export type Settings = { readonly [field: string]: JsonValue | undefined };

export const isSettings = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Settings laid over others: objects are merged, lists replaced whole, and null gives back what lies below. What comes out shares nothing
 * that can be written through.
 */
export function overlay(below: Settings, above: Settings): Settings {
  const merged = new Map(Object.entries(below));
  for (const [name, value] of Object.entries(above)) {
    if (value === null || value === undefined) continue;
    const under = merged.get(name);
    merged.set(name, isSettings(value) ? overlay(isSettings(under) ? under : {}, value) : value);
  }
  return Object.fromEntries(merged);
}

/** Which fields settings speak of, those that are null too: a field of the schema, or the first name that is none. */
export function pathsOf(settings: Settings, fields: ReadonlyMap<string, FieldKind>, above = ''): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const path = above === '' ? name : `${above}.${name}`;
    const inner = isSettings(value) && fields.get(path) === 'section';
    return inner ? pathsOf(value, fields, path) : [path];
  });
}

export interface Change {
  readonly path: string;
  /** Undefined where the field is absent. */
  readonly before: JsonValue | undefined;
  readonly after: JsonValue | undefined;
}

/** The fields in which two configurations differ, in the order of the schema. */
export function changesBetween(before: Config, after: Config): readonly Change[] {
  return [...configFields].flatMap(([path, kind]) => {
    if (kind === 'section') return [];
    const [one, other] = [valueAt(before, path), valueAt(after, path)];
    return isDeepStrictEqual(one, other) ? [] : [{ path, before: one, after: other }];
  });
}

export type Needs = 'live' | 'restart';

/** Whether the running unit can take changes of these fields, or starts again with them. */
export function needsOf(paths: readonly string[]): Needs {
  return paths.every((path) => configFields.get(path) === 'live') ? 'live' : 'restart';
}

/** The value of a field by its path; undefined where it is absent. */
export function valueAt(config: Config | Settings, path: string): JsonValue | undefined {
  return path
    .split('.')
    .reduce<JsonValue | undefined>(
      (at, name) => (isSettings(at) && Object.hasOwn(at, name) ? at[name] : undefined),
      config as Settings,
    );
}
