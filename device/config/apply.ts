/**
 * When a field's new value takes effect. `live`: at once, in the running program. `restart`: at its next start, which the unit makes by
 * itself. `unit`: it is set in the unit's own file, by whoever stands at the unit, and no document of the centre may set it: where keys and
 * data lie, who is believed, what it is called.
 */
export const applies = ['live', 'restart', 'unit'] as const;
export type Apply = (typeof applies)[number];

/** Units of figures, as the reference page and the JSON Schema name them. */
export type FieldUnit = 's' | 'ms' | 'min' | 'd' | 'MB' | 'MB/month' | 'Hz';

/** What the schema says of a field besides its type and bounds. */
export type FieldMeta = { readonly description: string; readonly apply: Apply; readonly unit?: FieldUnit };

export const live = (description: string, unit?: FieldUnit): FieldMeta => meta('live', description, unit);
export const restart = (description: string, unit?: FieldUnit): FieldMeta => meta('restart', description, unit);
export const atUnit = (description: string, unit?: FieldUnit): FieldMeta => meta('unit', description, unit);

function meta(apply: Apply, description: string, unit: FieldUnit | undefined): FieldMeta {
  return { description, apply, ...(unit === undefined ? {} : { unit }) };
}
