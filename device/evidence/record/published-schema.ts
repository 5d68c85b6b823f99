import { z } from 'zod';
import { actionRecord, actionSchema } from './action-record.ts';
import { evidenceRecord, evidenceSchema } from './record.ts';

/** A schema that others check records by. */
export interface PublishedSchema {
  /** Name of the file in `schema/` beside this one. */
  readonly file: string;
  /** JSON Schema 2020-12, indented, with a newline at its end. */
  readonly text: string;
}

/** The schemas of all records as JSON Schema, made from those by which this software reads them, so that the two cannot differ. */
export function publishedSchemas(): readonly PublishedSchema[] {
  return [
    { file: 'evidence-2.json', text: jsonSchema(evidenceSchema, evidenceRecord) },
    { file: 'action-1.json', text: jsonSchema(actionSchema, actionRecord) },
  ];
}

function jsonSchema(title: string, schema: z.ZodType): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}
