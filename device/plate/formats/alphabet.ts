/** The characters that a plate's reader knows, in the order of the network's columns after the blank. */
export const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Columns of the network's output: the blank at 0, then the alphabet. */
export const columnCount = alphabet.length + 1;

export const letters = alphabet.slice(10);
export const digits = alphabet.slice(0, 10);

/** The columns of a text; undefined where it has a character that no column stands for. */
export function columnsOf(text: string): Uint8Array | undefined {
  const columns = Uint8Array.from(text, (character) => alphabet.indexOf(character) + 1);
  return columns.includes(0) ? undefined : columns;
}

export function textOf(columns: Iterable<number>): string {
  let text = '';
  for (const column of columns) text += alphabet[column - 1] ?? '';
  return text;
}
