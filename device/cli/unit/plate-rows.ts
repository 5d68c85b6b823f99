import { AtalayaError } from '../../kernel/errors.ts';
import { entryId } from '../../plate/lists/list-document.ts';
import { normalisePlate } from '../../plate/lists/plate-code.ts';
import type { ListEntry } from '../../plate/lists/plate-table.ts';

/** Faults that are named. */
const mostNamed = 8;

/**
 * The entries in a file that a person keeps: CSV with `id,plate` (comma or semicolon; a line with the names of the columns may go before
 * it, in either order), or JSON, a list of `{ "id", "plate" }` or an object with such `entries`. Plates may be written with small letters, blanks, dashes
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
  const names = filled[0]?.cells.map((cell) => cell.toLowerCase()).join();
  const [headed, swapped] = [names === 'id,plate' || names === 'plate,id', names === 'plate,id'];
  const rows = (headed ? filled.slice(1) : filled).map(({ place, cells: [first, second] }): Row => {
    return { place, id: swapped ? second : first, plate: swapped ? first : second };
  });
  if (!headed && rows.length > 0 && rows.every(({ id }) => looksLikePlate(id ?? ''))) {
    throw refused(path, [
      'the ids look like plates, and ids stand in logs: name the columns in a first line, as id,plate',
    ]);
  }
  return rows;
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

/** Letters and digits in one word of a plate's length. */
function looksLikePlate(id: string): boolean {
  return /^(?=.*[a-z])(?=.*\d)[a-z0-9]{5,8}$/i.test(id);
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
    hint: 'Give a CSV file with the columns id and plate, or a JSON list of {"id", "plate"}.',
  });
}
