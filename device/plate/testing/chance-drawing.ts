import type { Random } from '../../kernel/supervise.ts';
import { alphabet } from '../formats/alphabet.ts';
import type { PlateFormat } from '../formats/plate-format.ts';
import { type Drawing, drawing } from './draw-vehicle.ts';

/** Drawings by chance, from clear to unreadable: what the confidence is fitted and tested on. */

const families = [
  'DejaVu Sans',
  'DejaVu Sans Mono',
  'DejaVu Sans Condensed',
  'Liberation Sans',
  'Liberation Sans Narrow',
  'Bebas Neue',
  'Roboto Condensed',
  'Routed Gothic',
  'OSP-DIN',
  'FreeSans',
];
const grounds = [
  ['#f4f4f0', '#101010'],
  ['#e8e8ea', '#1a2a6a'],
  ['#cfcfcb', '#222222'],
  ['#f2d94e', '#111111'],
  ['#1b1b1d', '#e8e8e8'],
  ['#b7c9dd', '#14306a'],
] as const;
const bodies = ['#7a2b22', '#202225', '#d9d9d6', '#2c4a7c', '#8c8f91', '#3e5b40', '#f0f0ee'];
const words = ['ACME 24H', 'TAXI', 'SERVICE', 'TURBO', 'RENTACAR', 'PANADERIA', 'FLORES'];
const digitsOf = (count: number, random: Random) =>
  Array.from({ length: count }, () => Math.floor(random() * 10)).join('');

export const pick = <T>(from: readonly [T, ...T[]] | readonly T[], random: Random): T =>
  from[Math.floor(random() * from.length)] as T;

/** What states leave out because it looks like a digit. */
const unlike = [...alphabet].filter((character) => !'IOQ'.includes(character));

/** A text of the format: each of its patterns and each allowed character as likely as any other. */
export function textOf({ patterns, generic }: PlateFormat, random: Random): string {
  if (!generic)
    return pick(patterns, random)
      .map((allowed) => pick([...allowed], random))
      .join('');
  const length = 5 + Math.floor(random() * 3);
  const place = Math.floor(random() * length);
  return Array.from({ length }, (_, i) => (i === place ? digitsOf(1, random) : pick(unlike, random))).join('');
}

/** Paint on the body: words, numbers by themselves, and numbers that are a part of more. */
function paintOf(random: Random): string {
  const number = digitsOf(5 + Math.floor(random() * 3), random);
  return pick(
    [
      ...words,
      number,
      `${digitsOf(3, random)}-${digitsOf(4, random)}`,
      `${pick(words, random)}  ${number}`,
      `${number}  ${digitsOf(6, random)}`,
    ],
    random,
  );
}

/** `painted`: how often the paint on the body is a text that a plate could have. */
export function chanceDrawing(formats: readonly PlateFormat[], random: Random, painted = 0.1): Drawing {
  const format = pick(formats, random);
  const [ground, ink] = pick(grounds, random);
  const between = (least: number, most: number) => least + random() * (most - least);
  const rarely = (chance: number, value: number) => (random() < chance ? value : 0);
  // Small characters are the common case and the hard one.
  const characterHeight = 7 * 6 ** (random() ** 1.2);
  const turn = rarely(0.6, between(-10, 10));
  return drawing(random() < 0.88 ? textOf(format, random) : undefined, format, {
    characterHeight,
    turn,
    shear: rarely(0.5, between(-10, 10)),
    foreshortening: between(0.65, 1),
    blur: characterHeight * between(0.01, 0.09),
    noise: between(0, 8),
    quality: Math.round(between(40, 95)),
    family: pick(families, random),
    ground,
    ink,
    body: pick(bodies, random),
    separator: pick(['', 'gap', 'dot', 'dash'] as const, random),
    header: random() < 0.4 ? pick(['CHILE', 'BRASIL', 'TEXAS', 'OHIO', 'ARGENTINA'], random) : '',
    paint:
      random() < painted
        ? `${textOf(format, random)}${random() < 0.3 ? `  ${digitsOf(6, random)}` : ''}`
        : random() < 0.3
          ? paintOf(random)
          : '',
    vehicleWidth: between(3, 7),
    at: { x: between(0.35, 0.65), y: between(0.5, 0.8) },
  });
}
