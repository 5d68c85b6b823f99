import type { ZodError } from 'zod';
import { type Config, configSchema } from '../config-schema.ts';
import { configFields, type FieldKind } from '../fields.ts';
import { capabilityChecks } from './capability-checks.ts';
import { type Refusal, type RefusalCode, refusalCodes } from './refusal.ts';
import { isSettings, overlay, pathsOf, type Settings } from './settings.ts';
import type { UnitFacts } from './unit-facts.ts';

export type JudgedSettings =
  | { readonly kind: 'fits'; readonly config: Config }
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] };

/**
 * Lays settings over the unit's own file and holds the result against the schema and against what this unit has. Fields that the document
 * does not speak of are the unit's own business, right or wrong; whatever it does speak of is judged, and every fault told.
 */
export function judgeSettings(settings: Settings, base: Config, facts: UnitFacts): JudgedSettings {
  const fields = configFields;
  const paths = pathsOf(settings, fields);
  const refusals = paths.flatMap((path): Refusal[] => {
    const kind = fields.get(path);
    if (kind === undefined) return [{ code: 'field-unknown', words: `${nameOf(path)} is no field` }];
    if (kind === 'unit') return [{ code: 'field-unit-only', words: `${path} is set at the unit only` }];
    return [];
  });
  const parsed = configSchema.safeParse(overlay(base as Settings, settings));
  if (parsed.success) {
    const all = distinct([...refusals, ...unfitting(parsed.data, base, facts, paths)]);
    return all.length > 0 ? { kind: 'refused', refusals: all } : { kind: 'fits', config: parsed.data };
  }
  const { issues } = parsed.error;
  const wrong = new Set(issues.flatMap((issue) => fieldsOf(issue, fields)));
  // What the unit can do is asked of the rest, so that one answer tells everything.
  const rest = configSchema.safeParse(overlay(base as Settings, without(settings, wrong)));
  const sound = paths.filter((path) => !wrong.has(path));
  const unfit = rest.success ? unfitting(rest.data, base, facts, sound) : [];
  const told = issues.flatMap((issue) => refusalsOf(issue, settings));
  return { kind: 'refused', refusals: distinct([...refusals, ...told, ...unfit]) };
}

function unfitting(config: Config, base: Config, facts: UnitFacts, paths: readonly string[]): readonly Refusal[] {
  const touched = (about: string) => paths.some((path) => path === about || path.startsWith(`${about}.`));
  return capabilityChecks.flatMap(({ about, check }) =>
    about.some(touched) ? check({ config, base, facts, touched }) : [],
  );
}

/** The fields of the schema that an issue is about, or the places that are none. */
function fieldsOf(issue: Issue, fields: ReadonlyMap<string, FieldKind>): readonly string[] {
  const ends = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  return ends.map((path) => {
    const names = path.map(String);
    const steps = names.map((_, i) => names.slice(0, i + 1).join('.'));
    return steps.find((step) => fields.get(step) !== 'section') ?? names.join('.');
  });
}

function without(settings: Settings, paths: ReadonlySet<string>, above = ''): Settings {
  const kept = Object.entries(settings).flatMap(([name, value]) => {
    const path = above === '' ? name : `${above}.${name}`;
    if (paths.has(path)) return [];
    return [[name, isSettings(value) ? without(value, paths, path) : value] as const];
  });
  return Object.fromEntries(kept);
}

type Issue = ZodError['issues'][number];

function refusalsOf(issue: Issue, settings: Settings): readonly Refusal[] {
  const at = placeOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ code: 'field-unknown', words: `${placeOf([...issue.path, key])} is no field` }));
  }
  return [{ code: codeOf(issue, settings), words: `${at}: ${issue.message}` }];
}

function codeOf(issue: Issue, settings: Settings): RefusalCode {
  switch (issue.code) {
    case 'invalid_type':
      return absent(settings, issue.path) ? 'field-missing' : 'wrong-type';
    case 'too_big':
    case 'too_small':
    case 'not_multiple_of':
      return 'out-of-bounds';
    case 'invalid_format':
      return 'form-wrong';
    case 'invalid_value':
      return 'not-a-choice';
    case 'custom': {
      const { refusal: code }: { readonly refusal?: unknown } = issue.params ?? {};
      return typeof code === 'string' && Object.hasOwn(refusalCodes, code) ? (code as RefusalCode) : 'contradiction';
    }
    default:
      return 'wrong-type';
  }
}

/** Whether what is missing lies in something that the document gives: a policy without its name. */
function absent(settings: Settings, path: readonly PropertyKey[]): boolean {
  let at: unknown = settings;
  for (const [i, key] of path.entries()) {
    const inner: unknown = Array.isArray(at) ? at[Number(key)] : isSettings(at) ? at[String(key)] : undefined;
    if (inner === undefined) return i === path.length - 1;
    at = inner;
  }
  return false;
}

/** `evidence.retention[0].name`. A name that is long or odd is hidden: it may be anything, and goes into reports and logs. */
function placeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(document)';
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${nameOf(String(key))}`))
    .join('');
}

function nameOf(name: string): string {
  return /^[A-Za-z][A-Za-z0-9._-]{0,79}$/.test(name) ? name : '(a name)';
}

function distinct(refusals: readonly Refusal[]): readonly Refusal[] {
  return [...new Map(refusals.map((one) => [`${one.code} ${one.words}`, one])).values()];
}
