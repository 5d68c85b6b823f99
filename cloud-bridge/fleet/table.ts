import { plain } from './text.ts';

export type Colour = 'red' | 'yellow' | 'green' | 'dim' | 'bold';

/** Text of a cell; what its colour says the text says too. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
  /** Under the row of this cell, over the whole width, a line or more each. */
  readonly below?: readonly string[];
}

export interface Column {
  readonly head: string;
  /** May be broken into lines where the table is too wide; the others stay whole. */
  readonly wraps?: boolean;
  readonly right?: boolean;
  /**
   * Its words are there to be copied, so none is broken: where they do not fit, the first column stands on a line of its own above the
   * others, and another one below its row.
   */
  readonly whole?: boolean;
}

export interface TableLook {
  /** Characters of a line. */
  readonly width: number;
  readonly colours: boolean;
}

const gap = 2;
/** A column that wraps is never narrower. */
const narrowest = 12;

/**
 * A table as lines of at most `width` characters: columns that may wrap do so; where that is not enough (a phone), each row becomes a
 * block of `head  text` lines. Nothing is cut off: only a word that is longer than a whole line is broken.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  look: TableLook,
): readonly string[] {
  const cells = rows.map((row) => columns.map((_, i) => cleaned(row[i] ?? { text: '' })));
  const widths = fitting(columns, cells, look.width);
  if (widths === undefined) return apart(columns, cells, look) ?? blocks(columns, cells, look);
  const head = columns.map(({ head: text }): Cell => ({ text, colour: 'dim' }));
  return [head, ...cells].flatMap((row) => [...lines(row, columns, widths, look.colours), ...under(row, look.width)]);
}

const cleaned = ({ text, below, ...cell }: Cell): Cell => ({
  ...cell,
  text: plain(text),
  ...(below === undefined ? {} : { below: below.map(plain) }),
});

/** With the column that stays whole above or below the others; undefined where there is none, or the others do not fit either. */
function apart(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { width, colours }: TableLook,
): readonly string[] | undefined {
  const at = columns.findIndex(({ whole }) => whole === true);
  if (at < 0) return undefined;
  const others = columns.toSpliced(at, 1);
  const inset = at === 0 ? 2 : 0;
  const widths = fitting(
    others,
    rows.map((row) => row.toSpliced(at, 1)),
    width - inset,
  );
  if (widths === undefined) return undefined;
  const line = (row: readonly Cell[]): readonly string[] =>
    lines(row.toSpliced(at, 1), others, widths, colours).map((text) => `${' '.repeat(inset)}${text}`);
  const own = (row: readonly Cell[]): Cell => row[at] ?? { text: '' };
  const head = columns.map(({ head: text }): Cell => ({ text, colour: 'dim' }));
  if (at > 0)
    return [
      ...line(head),
      ...rows.flatMap((row) => [...line(row), ...under([{ text: '', below: [own(row).text] }, ...row], width)]),
    ];
  return [head, ...rows].flatMap((row) => [
    painted(own(row).text, own(row).colour, colours),
    ...line(row),
    ...under(row, width),
  ]);
}

/** What stands under a row. */
function under(row: readonly Cell[], width: number): readonly string[] {
  return row
    .flatMap(({ below = [] }) => below)
    .flatMap((text) => wrap(text, Math.max(8, width - 4)).map((line) => `    ${line}`));
}

/** Widths of the columns; undefined where they do not fit. */
function fitting(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): readonly number[] | undefined {
  const natural = columns.map(({ head }, i) => Math.max(head.length, ...rows.map((row) => row[i]?.text.length ?? 0)));
  let over = natural.reduce((sum, one) => sum + one, 0) + gap * (columns.length - 1) - width;
  if (over <= 0) return natural;
  const widths = [...natural];
  const least = columns.map(({ whole }, i) =>
    whole === true ? Math.max(narrowest, ...rows.map((row) => longestWord(row[i]?.text ?? ''))) : narrowest,
  );
  while (over > 0) {
    const widest = columns.reduce(
      (best, { wraps }, i) =>
        wraps === true && (widths[i] ?? 0) > Math.max(least[i] ?? 0, widths[best] ?? 0) ? i : best,
      -1,
    );
    if (widest < 0) return undefined;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
  return widths;
}

const longestWord = (text: string): number => Math.max(...text.split(' ').map(({ length }) => length));

function lines(
  row: readonly Cell[],
  columns: readonly Column[],
  widths: readonly number[],
  colours: boolean,
): string[] {
  const wrapped = row.map(({ text }, i) => wrap(text, widths[i] ?? text.length));
  const height = Math.max(1, ...wrapped.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) =>
    columns
      .map(({ right }, i) => {
        const text = wrapped[i]?.[line] ?? '';
        const width = widths[i] ?? 0;
        const padded = right === true ? text.padStart(width) : text.padEnd(width);
        return painted(padded, row[i]?.colour, colours);
      })
      .join(' '.repeat(gap))
      .trimEnd(),
  );
}

function blocks(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { width, colours }: TableLook,
): string[] {
  const label = Math.max(...columns.slice(1).map(({ head }) => head.length), 0);
  return rows.flatMap((row) => {
    const title = wrap(row[0]?.text ?? '', width).map((line) => painted(line, row[0]?.colour ?? 'bold', colours));
    const rest = columns.slice(1).flatMap(({ head }, i) => {
      const cell = row[i + 1];
      if (cell === undefined || cell.text === '') return [];
      return wrap(cell.text, Math.max(8, width - label - gap - 2)).map(
        (line, n) => `  ${(n === 0 ? head : '').padEnd(label + gap)}${painted(line, cell.colour, colours)}`,
      );
    });
    return [...title, ...rest, ...under(row, width)];
  });
}

/** The words of a text in lines of a width; a longer word is broken. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (joined.length <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (line.length > width) {
      lines.push(line.slice(0, width));
      line = line.slice(width);
    }
  }
  return [...lines, line];
}

const codes: Readonly<Record<Colour, string>> = { red: '31', yellow: '33', green: '32', dim: '2', bold: '1' };

export function painted(text: string, colour: Colour | undefined, colours: boolean): string {
  if (!colours || colour === undefined || text.trim() === '') return text;
  return `\u001b[${codes[colour]}m${text}\u001b[0m`;
}
