import { z } from 'zod';
import {
  actionRecord,
  actionSchema,
  earlierActionRecord,
  earlierActionSchema,
  testActionRecord,
  testActionSchema,
  updateActionRecord,
  updateActionSchema,
} from './action-record.ts';
import { plateFile, plateSchema } from './plate-file.ts';
import { evidenceRecord, evidenceSchema, lensRecord, lensSchema, platelessRecord, platelessSchema } from './record.ts';

/** A schema that others check records by. */
export interface PublishedSchema {
  /** Name of the file in `schema/` beside this one. */
  readonly file: string;
  /** JSON Schema 2020-12, indented, with a newline at its end. */
  readonly text: string;
}

/** The schemas of all records, and of what is sealed of a plate, as JSON Schema, made from those by which this software reads them, so that the two cannot differ. */
export function publishedSchemas(): readonly PublishedSchema[] {
  return [
    { file: 'evidence-4.json', text: jsonSchema(lensSchema, lensRecord) },
    { file: 'evidence-3.json', text: jsonSchema(evidenceSchema, evidenceRecord) },
    { file: 'evidence-2.json', text: jsonSchema(platelessSchema, platelessRecord) },
    { file: 'action-4.json', text: jsonSchema(updateActionSchema, updateActionRecord) },
    { file: 'action-3.json', text: jsonSchema(testActionSchema, testActionRecord) },
    { file: 'action-2.json', text: jsonSchema(actionSchema, actionRecord) },
    { file: 'action-1.json', text: jsonSchema(earlierActionSchema, earlierActionRecord) },
    { file: 'plate-1.json', text: jsonSchema(plateSchema, plateFile) },
  ];
}

function jsonSchema(title: string, schema: z.ZodType): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
  return `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`;
}
