import { readdir, readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { AtalayaError } from '../../kernel/errors.ts';
import { parse } from '../../kernel/schema.ts';
import { formatFileSchema, formatsOf } from './format-file.ts';
import type { PlateFormat } from './plate-format.ts';

const folder = new URL('./data/', import.meta.url);

/**
 * The formats that a scene names, in its order: `cl` is every format of Chile in the order of its file, `cl-new` one.
 *
 * Throws 'config-invalid' for an id that no file has (the message lists those that there are), for one named twice, and for none at all.
 */
export async function loadFormats(ids: readonly string[]): Promise<readonly PlateFormat[]> {
  const known = await allFormats();
  if (ids.length === 0) throw refused('no plate format is named', known);
  const chosen: PlateFormat[] = [];
  for (const id of ids) {
    const found = known.filter((format) => format.id === id || format.country.toLowerCase() === id);
    if (found.length === 0) throw refused(`there is no plate format '${id}'`, known);
    for (const format of found) {
      if (chosen.includes(format)) throw refused(`plate format '${format.id}' is named twice`, known);
      chosen.push(format);
    }
  }
  return chosen;
}

/** Every format as a Markdown table, a row each, in the order of their ids. */
export async function describeFormats(): Promise<string> {
  const rows = (await allFormats()).map((format) => {
    const { width, height } = format.proportions.plate;
    const shapes = format.shapes.length === 0 ? 'any mix' : format.shapes.map((shape) => `\`${shape}\``).join(', ');
    const doubt = format.unconfirmed === undefined ? '' : `. Unconfirmed: ${format.unconfirmed}`;
    return `| \`${format.id}\` | ${format.title} | ${shapes} | ${width} x ${height} | ${format.characterHeight} | ${format.source}${doubt} |`;
  });
  return ['| id | plates | texts | plate, mm | characters, mm | source |', '|---|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}

/** The formats of every data file, country by country. */
export async function allFormats(): Promise<readonly PlateFormat[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  const files = await Promise.all(names.map((name) => readFormats(name)));
  return files.flat();
}

async function readFormats(name: string): Promise<PlateFormat[]> {
  const document = parseDocument(await readFile(new URL(name, folder), 'utf8'));
  const fault = document.errors[0];
  if (fault !== undefined) throw new AtalayaError('config-invalid', `plate formats ${name}: ${fault.message}`);
  return formatsOf(parse(formatFileSchema, document.toJS(), `plate formats ${name}`, 'config-invalid'));
}

function refused(what: string, known: readonly PlateFormat[]): AtalayaError {
  const countries = [...new Set(known.map((format) => format.country.toLowerCase()))];
  return new AtalayaError(
    'config-invalid',
    `${what}; known: ${[...countries, ...known.map(({ id }) => id)].join(', ')}`,
    {
      hint: 'Name countries or single formats, each once, likeliest first.',
    },
  );
}
