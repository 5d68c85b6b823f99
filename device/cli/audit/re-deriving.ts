import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { rederive } from '../../evidence/re-derive/re-derive.ts';
import { inWords } from '../../evidence/re-derive/words.ts';
import { type EvidenceRecord, evidenceRecord, evidenceRecordOf } from '../../evidence/record/record.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { parse } from '../../kernel/schema.ts';
import { fitted } from './lines.ts';
import { smallText } from './small-text.ts';

export interface RederiveFlags {
  readonly json?: boolean;
}

/** Derives the figures of a pack or a `record.json` again and says what came out; false where they do not come out the same. */
export async function rederiveAt(
  path: string,
  { json }: RederiveFlags,
  print: (text: string) => void,
): Promise<boolean> {
  const record = await recordAt(path);
  const result = rederive(record);
  if (json === true) print(JSON.stringify(result, undefined, 2));
  else {
    const { says, figures } = inWords(result);
    print(fitted(`${result.outcome === 'same' ? 'SAME' : 'NOT THE SAME'}: ${record.id}, ${record.infraction.rule}`));
    print(fitted(says));
    for (const [name, value] of figures) print(fitted(`  ${name}: ${value}`));
  }
  return result.outcome === 'same';
}

/** Throws `usage-invalid` where there is no record of evidence. */
async function recordAt(path: string): Promise<EvidenceRecord> {
  const given = resolve(path);
  const folder = (await stat(given).catch(() => undefined))?.isDirectory() ?? false;
  const file = folder ? join(given, 'record.json') : given;
  const text = await smallText(file, 'the record of an evidence: give an audit pack, or the record.json of one');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AtalayaError('usage-invalid', `${file} is not JSON`, { hint: 'Give the record.json of a pack.', cause });
  }
  const schema = typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;
  return parse(evidenceRecordOf(schema) ?? evidenceRecord, value, file, 'usage-invalid');
}
