import { z } from 'zod';
import type { EvidenceRecord } from '../evidence/record/record.ts';
import { sha256 } from '../kernel/hash.ts';
import type { SheetPart } from './sheet-model.ts';
import type { Keeper } from './shown-files.ts';

const plateFile = z.strictObject({ salt: z.string(), text: z.string() });

/** What the record says of the plate; its text only where it was opened and is the one that the record commits to. */
export function platePart(record: EvidenceRecord, opened: Keeper): SheetPart[] {
  const { plate } = record;
  if (plate === undefined) return [];
  const file = record.files.find(({ name, role }) => role === 'plate' && name === plate.file);
  const content = file === undefined ? undefined : opened.content(file);
  return [
    {
      kind: 'facts',
      title: 'Plate',
      facts: [
        ['Plate', content === undefined ? 'sealed to the authority' : readPlate(content, plate.commitment)],
        ['Commitment', plate.commitment],
      ],
      notes: ['The commitment is the SHA-256 of “salt:text”; salt and text stand in the sealed file.'],
    },
  ];
}

function readPlate(content: Buffer, commitment: string): string {
  const read = plateFile.safeParse(jsonOf(content));
  if (!read.success) return 'the opened file is not that of a plate';
  const { salt, text } = read.data;
  return sha256(`${salt}:${text}`) === commitment
    ? `${text} (it is the one that the record commits to)`
    : 'NOT THE ONE THAT THE RECORD COMMITS TO: the opened file is false';
}

function jsonOf(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString());
  } catch {
    return undefined;
  }
}
