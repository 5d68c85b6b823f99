import { z } from 'zod';
import { configSchema } from './config-schema.ts';

/**
 * The configuration as JSON Schema 2020-12, for editors and for whoever checks files without this software; made from the schema that the
 * unit reads by. `apply` and `unit` of a field are annotations: when a new value takes effect, and what a figure is counted in.
 */
export function publishedConfigSchema(): { readonly file: string; readonly text: string } {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' });
  return {
    file: 'config.json',
    text: `${JSON.stringify({ $schema, title: 'atalaya/config', ...rest }, null, 2)}\n`,
  };
}
