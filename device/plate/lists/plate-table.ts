import { normalisePlate, plateCode } from './plate-code.ts';

/** An entry as a signed file has it. */
export interface ListEntry {
  /** What alerts and messages name; never the plate. */
  readonly id: string;
  /** 2 to 10 of A-Z and 0-9. */
  readonly plate: string;
}

/** What is wrong with a list as a whole, in words that hold no plate. */
export type TableFault = { readonly ok: false; readonly faults: readonly string[]; readonly hint: string };

/** Faults that are named; of a long list that is wrong throughout, these tell enough. */
const mostNamed = 8;
/** A plate of so many characters does not stand in an id by chance. */
const tellingCharacters = 4;

/**
 * The plates of a list, sorted, as numbers, each with the id of its entry.
 *
 * No text of a plate is kept, and nothing that prints, copies or serialises the object shows one. This keeps plates out of logs, reports
 * and dumps that a person searches; it is no secret from whoever can read the memory of the process. A keyed hash would be none either:
 * its key lies in the same memory, a country's plates are some ten million and are tried in minutes, and the file that the list
 * came from lies beside the program in clear.
 */
export class PlateTable {
  readonly #codes: Float64Array;
  readonly #ids: readonly string[];

  /** `codes` in ascending order, without duplicates; `ids` in the same order. */
  constructor(codes: Float64Array, ids: readonly string[]) {
    this.#codes = codes;
    this.#ids = ids;
  }

  get size(): number {
    return this.#codes.length;
  }

  /** Id of the entry with this plate. */
  idOf(code: number): string | undefined {
    const codes = this.#codes;
    let [low, high] = [0, codes.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = codes[middle] ?? Number.NaN;
      if (found === code) return this.#ids[middle];
      if (found < code) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}

/**
 * Builds the table, or says what is wrong: a plate or an id that stands twice, an id that holds a plate (ids stand in logs). Entries are
 * named by their ids where these are harmless, else by their place.
 */
export function buildTable(
  entries: readonly ListEntry[],
): { readonly ok: true; readonly table: PlateTable } | TableFault {
  const codes = Float64Array.from(entries, ({ plate }) => plateCode(plate) ?? Number.NaN);
  const wrong = codes.findIndex(Number.isNaN);
  if (wrong >= 0) return { ok: false, faults: [`entries[${wrong}].plate is no plate`], hint: 'Correct the entry.' };
  const order = Uint32Array.from(entries, (_, i) => i).sort((a, b) => (codes[a] ?? 0) - (codes[b] ?? 0));
  const idAt = (i: number): string => entries[i]?.id ?? '';
  const table = new PlateTable(
    Float64Array.from(order, (i) => codes[i] ?? 0),
    Array.from(order, idAt),
  );

  const telling = entries.flatMap(({ id, plate }, i) => (holdsPlate(id, plate, table) ? [`entries[${i}]`] : []));
  if (telling.length > 0) {
    return {
      ok: false,
      faults: [`the id of ${named(telling)} holds a plate`],
      hint: 'Give every entry an id that says nothing of its plate, such as case-17: ids stand in events and on the console.',
    };
  }
  const faults: string[] = [];
  const places = new Map<string, number>();
  for (const [i, { id }] of entries.entries()) {
    const before = places.get(id);
    if (before !== undefined) faults.push(`the id ${id} stands at entries[${before}] and at entries[${i}]`);
    else places.set(id, i);
  }
  for (const [place, i] of order.entries()) {
    const before = order[place - 1];
    if (before === undefined || codes[before] !== codes[i]) continue;
    const [first, second] = [Math.min(before, i), Math.max(before, i)];
    faults.push(`the entries ${idAt(first)} and ${idAt(second)} have the same plate`);
  }
  if (faults.length === 0) return { ok: true, table };
  const more = faults.length - mostNamed;
  return {
    ok: false,
    faults: [...faults.slice(0, mostNamed), ...(more > 0 ? [`and ${more} more`] : [])],
    hint: 'Keep one entry a plate and one plate an entry, and sign the list again.',
  };
}

/** True where an id gives a plate of the list away: it is one, or has its own entry's in it. */
function holdsPlate(id: string, plate: string, table: PlateTable): boolean {
  const plain = normalisePlate(id.replaceAll(/[^A-Za-z0-9]/g, ''));
  const code = plain === undefined ? undefined : plateCode(plain);
  if (code !== undefined && table.idOf(code) !== undefined) return true;
  return (
    plate.length >= tellingCharacters &&
    id
      .replaceAll(/[^A-Za-z0-9]/g, '')
      .toUpperCase()
      .includes(plate)
  );
}

function named(places: readonly string[]): string {
  const more = places.length - mostNamed;
  return `${places.slice(0, mostNamed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
