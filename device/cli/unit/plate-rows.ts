import { AtalayaError } from '../../kernel/errors.ts';
import { entryId } from '../../plate/lists/list-document.ts';
import { normalisePlate } from '../../plate/lists/plate-code.ts';
import type { ListEntry } from '../../plate/lists/plate-table.ts';

/** Faults that are named. */
const mostNamed = 8;

/**
 * The entries in a file that a person keeps: CSV with two columns (comma or semicolon), named `id,plate` or
 * `plate,id` in its first line, or JSON, a list of `{ "id", "plate" }` or an object with such `entries`. Plates may be written with small letters, blanks, dashes
 * and dots.
 *
 * Throws `usage-invalid` with the places of the faults; the message repeats nothing of what the file says.
 */
export function parsePlateRows(text: string, path: string): readonly ListEntry[] {
  const plain = text.replace(/^\uFEFF/, '');
  const rows = /^\s*[[{]/.test(plain) ? jsonRows(plain, path) : csvRows(plain, path);
  const faults: string[] = [];
  const entries = rows.map(({ place, id, plate }): ListEntry => {
    const normal = plate === undefined ? undefined : normalisePlate(plate);
    if (id === undefined || !entryId.safeParse(id).success) {
      faults.push(`${place}: the id is not 1 to 64 letters, digits and any of . _ : / # -`);
    }
    if (normal === undefined) faults.push(`${place}: the plate is not 2 to 10 of A-Z and 0-9`);
    return { id: id ?? '', plate: normal ?? '' };
  });
  if (faults.length > 0) throw refused(path, faults);
  if (entries.length === 0) throw refused(path, ['there is no entry in it']);
  return entries;
}

interface Row {
  readonly place: string;
  readonly id: string | undefined;
  readonly plate: string | undefined;
}

function csvRows(text: string, path: string): readonly Row[] {
  const lines = text.split(/\r\n|\n|\r/).map((line, i) => ({ place: `line ${i + 1}`, cells: cellsOf(line) }));
  const filled = lines.filter(({ cells }) => cells.some((cell) => cell !== ''));
  const wide = filled.filter(({ cells }) => cells.length !== 2);
  if (wide.length > 0)
    throw refused(
      path,
      wide.map(({ place }) => `${place}: there are not two columns, id and plate`),
    );
  // A first line without the names would be signed as an entry, or the two columns taken for one another.
  const names = filled[0]?.cells.map((cell) => cell.toLowerCase()).join();
  if (filled.length > 0 && names !== 'id,plate' && names !== 'plate,id') {
    throw refused(path, [`${filled[0]?.place}: it does not name the columns; write id,plate there`]);
  }
  const swapped = names === 'plate,id';
  return filled.slice(1).map(({ place, cells: [first, second] }): Row => {
    return { place, id: swapped ? second : first, plate: swapped ? first : second };
  });
}

/** No cell of ours holds a separator, so quotes only stand around one. */
function cellsOf(line: string): readonly string[] {
  return line.split(/[,;]/).map((cell) =>
    cell
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .trim(),
  );
}

function jsonRows(text: string, path: string): readonly Row[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw refused(path, ['it is not JSON']);
  }
  const list = !Array.isArray(document) && isObject(document) ? document.entries : document;
  if (!Array.isArray(list)) throw refused(path, ['it is no list of entries']);
  return list.map((row: unknown, i): Row => {
    const { id, plate } = isObject(row) ? row : {};
    return {
      place: `entry ${i + 1}`,
      id: typeof id === 'string' ? id : undefined,
      plate: typeof plate === 'string' ? plate : undefined,
    };
  });
}

function isObject(value: unknown): value is { readonly [field in 'entries' | 'id' | 'plate']?: unknown } {
  return typeof value === 'object' && value !== null;
}

function refused(path: string, faults: readonly string[]): AtalayaError {
  const more = faults.length - mostNamed;
  const named = [...faults.slice(0, mostNamed), ...(more > 0 ? [`and ${more} more`] : [])];
  return new AtalayaError('usage-invalid', `${path} is refused:\n${named.map((fault) => `  ${fault}`).join('\n')}`, {
    hint: 'Give a CSV file whose first line is id,plate, or a JSON list of {"id", "plate"}.',
  });
}
