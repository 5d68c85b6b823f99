import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { checkPlate, type PlateCheck } from '../../evidence/re-derive/plate-check.ts';
import { rederive } from '../../evidence/re-derive/re-derive.ts';
import { inWords } from '../../evidence/re-derive/words.ts';
import { type EvidenceRecord, evidenceRecord, evidenceRecordOf } from '../../evidence/record/record.ts';
import { opensCommitment, readPlate } from '../../evidence/sealing/plate-commitment.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { parse } from '../../kernel/schema.ts';
import { fitted } from './lines.ts';
import { smallText } from './small-text.ts';

export interface RederiveFlags {
  readonly json?: boolean;
}

/**
 * Derives the figures of a pack or a `record.json` again and says what came out; false where they do not come out the same. The plate of
 * a pack that was opened is held against its own reads and against the raw data; its text is not printed.
 */
export async function rederiveAt(
  path: string,
  { json }: RederiveFlags,
  print: (text: string) => void,
): Promise<boolean> {
  const { record, folder } = await recordAt(path);
  const result = rederive(record);
  const plate = folder === undefined ? undefined : await plateIn(folder, record);
  const fits = plate === undefined || plate.doubts.length === 0;
  if (json === true) print(JSON.stringify({ ...result, ...(plate && { plate }) }, undefined, 2));
  else {
    const { says, figures } = inWords(result);
    const outcome = result.outcome !== 'same' ? 'NOT THE SAME' : fits ? 'SAME' : 'THE PLATE DOES NOT FIT';
    print(fitted(`${outcome}: ${record.id}, ${record.infraction.rule}`));
    print(fitted(says));
    for (const [name, value] of figures) print(fitted(`  ${name}: ${value}`));
    for (const [name, value] of plateLines(plate)) print(fitted(`  ${name}: ${value}`));
  }
  return result.outcome === 'same' && fits;
}

/** What the opened plate of a pack says of itself; undefined where none was opened. */
async function plateIn(folder: string, record: EvidenceRecord): Promise<PlateCheck | undefined> {
  const file = join(folder, 'opened', record.plate?.file ?? '');
  if (record.plate === undefined || (await stat(file).catch(() => undefined)) === undefined) return undefined;
  const content = Buffer.from(await smallText(file, 'what was read of the plate'));
  const plate = opensCommitment(content, record.plate.commitment) ? readPlate(content) : undefined;
  if (plate !== undefined) return checkPlate(plate, record);
  return {
    onVehicle: undefined,
    counted: undefined,
    doubts: ['the opened file is not the one that the record commits to'],
  };
}

function plateLines(plate: PlateCheck | undefined): readonly (readonly [string, string])[] {
  if (plate === undefined) return [];
  const { onVehicle, counted, doubts } = plate;
  return [
    ...(counted === undefined ? [] : [['Plate, the vote', counted] as const]),
    ...(onVehicle === undefined ? [] : [['Plate, its place', onVehicle] as const]),
    ...doubts.map((doubt) => ['Plate, DOES NOT FIT', doubt] as const),
  ];
}

/** Throws `usage-invalid` where there is no record of evidence. */
async function recordAt(
  path: string,
): Promise<{ readonly record: EvidenceRecord; readonly folder: string | undefined }> {
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
  const record = parse<EvidenceRecord>(evidenceRecordOf(schema) ?? evidenceRecord, value, file, 'usage-invalid');
  return { record, folder: folder ? given : undefined };
}
