/** Characters of a line, so that it can be read on a phone. */
const width = 96;

/** What would move a cursor, begin a line, or turn the direction of what follows. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

export const isPrintable = (text: string): boolean => !unprintable.test(text);

/** The words of a text in lines that fit; those after the first are indented. A longer word stays whole. */
export function fitted(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const part of text.replaceAll(new RegExp(unprintable, 'gu'), '?').split(/(?<= )(?=[^ ])/)) {
    if (line.trim() !== '' && (line + part).trimEnd().length > width) {
      lines.push(line.trimEnd());
      line = '    ';
    }
    line += part;
  }
  return [...lines, line.trimEnd()].join('\n');
}
