import type { Writable } from 'node:stream';

/** Where the console writes: standard output, or anything like it. */
export interface TerminalStream extends Writable {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** What is read of the process's environment. */
export interface TerminalEnvironment {
  readonly NO_COLOR?: string | undefined;
  readonly TERM?: string | undefined;
}

/** What a stream can show. */
export interface TerminalTraits {
  /** A line can be rewritten in place. */
  readonly rewrites: boolean;
  readonly colours: boolean;
  readonly columns: number;
}

/** Colours only on a terminal, and not where `NO_COLOR` is set to anything (no-color.org) or `TERM` is `dumb`. */
export function traitsOf(stream: TerminalStream, environment: TerminalEnvironment): TerminalTraits {
  const terminal = stream.isTTY === true && environment.TERM !== 'dumb';
  const columns = stream.columns === undefined || stream.columns < 20 ? 80 : stream.columns;
  return { rewrites: terminal, colours: terminal && !environment.NO_COLOR, columns: terminal ? columns : 80 };
}

export interface Style {
  readonly strong: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
}

const plainly = (text: string): string => text;
const code =
  (on: number, off: number) =>
  (text: string): string =>
    text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`;

export const plainStyle: Style = { strong: plainly, dim: plainly, good: plainly, bad: plainly, warn: plainly };
export const colourStyle: Style = {
  strong: code(1, 22),
  dim: code(2, 22),
  good: code(32, 39),
  bad: code(31, 39),
  warn: code(33, 39),
};

/** Text from outside, without the control characters that a terminal would obey (escape sequences, line feeds, C1, bidi marks). */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** The text in at most so many columns, its end cut off with an ellipsis where it is longer. */
export function clip(text: string, columns: number): string {
  const letters = [...text];
  return letters.length <= columns ? text : `${letters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

/** Pieces joined by `gap` on as few lines as fit into the columns; later lines are indented. */
export function wrap(pieces: readonly string[], columns: number, gap: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of pieces) {
    if (line === '') line = piece;
    else if (line.length + gap.length + piece.length <= columns) line += gap + piece;
    else {
      lines.push(line);
      line = indent + piece;
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** What may be cut off where the table is too wide; such columns are narrowed, the widest first. */
  readonly narrows?: boolean;
}

export interface Row {
  readonly cells: readonly string[];
  /** Applied to the finished line, so that colours do not count as columns. */
  readonly paint?: (text: string) => string;
}

/** Least letters of a column that is narrowed. */
const narrowest = 6;
const gapWidth = 2;

function naturalWidths(columns: readonly Column[], rows: readonly Row[]): number[] {
  return columns.map((column, i) =>
    Math.max(column.title.length, ...rows.map((row) => [...(row.cells[i] ?? '')].length)),
  );
}

const totalWidth = (widths: readonly number[]): number =>
  widths.reduce((sum, one) => sum + one, 0) + gapWidth * (widths.length - 1);

/** How wide a table is once everything that narrows has been narrowed as far as it goes. */
export function leastWidth(columns: readonly Column[], rows: readonly Row[]): number {
  const widths = naturalWidths(columns, rows);
  return totalWidth(widths.map((one, i) => (columns[i]?.narrows === true ? Math.min(one, narrowest) : one)));
}

/** A table in plain text, two blanks between columns, never wider than `columns` as long as narrowing can make it so. */
export function table(columns: readonly Column[], rows: readonly Row[], width: number, style: Style): string[] {
  const widths = naturalWidths(columns, rows);
  while (totalWidth(widths) > width) {
    let widest: number | undefined;
    for (const [i, column] of columns.entries()) {
      if (column.narrows !== true || (widths[i] ?? 0) <= narrowest) continue;
      if (widest === undefined || (widths[i] ?? 0) > (widths[widest] ?? 0)) widest = i;
    }
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, i) => {
        const space = widths[i] ?? 0;
        const cell = clip(cells[i] ?? '', space);
        const blanks = ' '.repeat(space - [...cell].length);
        return column.align === 'right' ? blanks + cell : cell + blanks;
      })
      .join(' '.repeat(gapWidth))
      .trimEnd();
  return [
    style.dim(line(columns.map((column) => column.title))),
    ...rows.map((row) => (row.paint ?? plainly)(line(row.cells))),
  ];
}
