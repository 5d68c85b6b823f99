import { z } from 'zod';
import { alphabet, letters } from './alphabet.ts';
import { expandMix, expandPattern, type Pattern } from './pattern.ts';
import type { PlateFormat } from './plate-format.ts';

/**
 * What readers of plates take for one another, where the position tells which it must be: read -> what may stand there, likeliest first.
 * Only pairs whose shapes nearly coincide in the plates' typefaces; pairs of two letters or two digits are left to the network.
 */
const commonPairs: Readonly<Record<string, string>> = {
  '0': 'ODQ',
  '1': 'I',
  '2': 'Z',
  '5': 'S',
  '6': 'G',
  '8': 'B',
  B: '8',
  D: '0',
  G: '6',
  I: '1',
  O: '0DQ',
  Q: '0O',
  S: '5',
  Z: '2',
};

/**
 * Share of a generic format unless its file says another. Personal plates are 3.8 % in the United States, 0.6 to 16 % by state (AAMVA,
 * "Who's So Vain?", 11 November 2007: 9.3 million of some 245 million vehicles); as many again for series that no file lists is an
 * assumption.
 */
const genericShare = 0.08;

/** A line of text fills about this share of its plate's width. */
const filledWidth = 0.85;
/** How far a line's width over height goes below and above what the sizes say: half aside, loosely outlined; few and narrow characters. */
const narrowest = 0.6;
const widest = 1.25;

const characters = z.string().regex(/^[A-Z0-9]+$/, 'capital letters and digits');
const count = z.number().int().min(0).max(8);
const millimetres = z.number().positive().max(1000);

const writtenSchema = z.strictObject({
  id: z.string().regex(/^[a-z]{2}(-[a-z0-9]+)+$/, 'the country in small letters, a dash, a name'),
  title: z.string().min(1),
  source: z.string().min(1),
  unconfirmed: z.string().min(1).optional(),
  letters: z
    .string()
    .regex(/^[A-Z]+$/)
    .optional(),
  codes: z.array(characters).min(1).optional(),
  patterns: z.array(z.string().min(1)).min(1).optional(),
  mix: z
    .strictObject({
      least: z.number().int().min(4),
      most: z.number().int().max(9),
      letters: z.strictObject({ least: count, run: count }),
      digits: z.strictObject({ least: count, run: count }),
      changes: count,
    })
    .optional(),
  share: z.number().positive().max(0.5).optional(),
  ambiguous: z.record(z.string().regex(/^[A-Z0-9]$/), z.string().regex(/^[A-Z0-9]*$/)).optional(),
  sameShape: z.array(characters.min(2)).default([]),
  plate: z.strictObject({ width: millimetres, height: millimetres }),
  character: z.strictObject({ height: millimetres }),
  text: z.strictObject({ least: z.number().positive(), most: z.number().positive() }).optional(),
  lines: z.union([z.literal(1), z.literal(2)]).default(1),
});

type WrittenFormat = z.infer<typeof writtenSchema>;

const formatSchema = writtenSchema
  .refine((one) => (one.patterns === undefined) !== (one.mix === undefined), 'either `patterns` or `mix`')
  .refine(
    (one) => !isGeneric(one) || one.ambiguous === undefined,
    'a mix, or a format with a share, has no ambiguous pairs',
  )
  .refine((one) => patternsOf(one) !== undefined, 'a pattern is written with L, D, A, [characters] and <code>')
  .refine((one) => one.text === undefined || one.text.least < one.text.most, 'text.least is below text.most');

/** A country's file: its formats in the order in which a scene that names the country tries them. */
export const formatFileSchema = z.strictObject({
  country: z.string().regex(/^[A-Z]{2}$/),
  title: z.string().min(1),
  formats: z.array(formatSchema).min(1),
});

export type FormatFile = z.infer<typeof formatFileSchema>;

export function formatsOf(file: FormatFile): PlateFormat[] {
  return file.formats.map((one) => {
    const generic = isGeneric(one);
    // A generic format allows a character's twin nearly everywhere: to swap them would make plates of words.
    const pairs = generic ? {} : { ...commonPairs, ...one.ambiguous };
    return {
      id: one.id,
      country: file.country,
      title: one.title,
      source: one.source,
      unconfirmed: one.unconfirmed,
      patterns: patternsOf(one) ?? [],
      shapes: one.patterns ?? [],
      generic,
      share: one.share ?? (generic ? genericShare : 1),
      ambiguous: new Map(Object.entries(pairs)),
      sameShape: one.sameShape,
      characterHeight: one.character.height,
      proportions: { plate: one.plate, text: one.text ?? textProportions(one) },
      lines: one.lines,
    };
  });
}

function isGeneric({ mix, share }: Pick<WrittenFormat, 'mix' | 'share'>): boolean {
  return mix !== undefined || share !== undefined;
}

function patternsOf(one: Pick<WrittenFormat, 'patterns' | 'mix' | 'letters' | 'codes'>): Pattern[] | undefined {
  const own = [...alphabet].filter((character) => (one.letters ?? letters).includes(character)).join('');
  if (one.mix !== undefined) return expandMix(one.mix, own);
  const expanded = (one.patterns ?? []).map((written) => expandPattern(written, own, one.codes ?? []));
  const patterns = expanded.flatMap((some) => some ?? []);
  return patterns.length > 0 && expanded.every((some) => some !== undefined && some.length > 0) ? patterns : undefined;
}

function textProportions({ plate, character }: Pick<WrittenFormat, 'plate' | 'character'>): {
  readonly least: number;
  readonly most: number;
} {
  const straight = (filledWidth * plate.width) / character.height;
  return { least: straight * narrowest, most: straight * widest };
}
