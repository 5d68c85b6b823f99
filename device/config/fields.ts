import { referenceOf } from '../kernel/schema-reference.ts';
import { type Apply, applies } from './apply.ts';
import { configSchema } from './config-schema.ts';

/** What is known of a field by its path: `section`, or when a new value of it takes effect. A list is one field. */
export type FieldKind = 'section' | Apply;

/** Every section and field of a configuration by its path (`signal.beacon.onMs`), without what stands in lists. */
export const configFields: ReadonlyMap<string, FieldKind> = new Map(
  referenceOf(configSchema)
    .filter(({ path }) => !path.includes('[]'))
    .map(({ path, type, apply }) => [path, type === 'section' ? 'section' : applyOf(apply)]),
);

/** A field that does not say when it takes effect is nobody's to set from afar; a test keeps that from being so. */
function applyOf(apply: string | undefined): Apply {
  return applies.find((known) => known === apply) ?? 'unit';
}
