/** What the fonts that every PDF reader has can show beyond Latin-1: the rest of Windows-1252. */
const beyondLatin1 = new Set('€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ');

const shows = (character: string): boolean => {
  const code = character.codePointAt(0) ?? 0;
  return (
    (code >= 0x20 && code <= 0x7e) || (code >= 0xa1 && code <= 0xff && code !== 0xad) || beyondLatin1.has(character)
  );
};

/**
 * A text as the built-in fonts can print it. A character that they lack is never dropped or replaced by a similar one: its code stands
 * in its place, `<U+0142>`. Only what looks the same is exchanged: the minus sign for a dash, white space for a blank.
 */
export function printable(text: string): string {
  return Array.from(text, (character) => {
    if (shows(character)) return character;
    if (character === '\u2212') return '\u2013';
    if (/[\t\n\r\u00a0\u2007\u202f]/.test(character)) return ' ';
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return `<U+${code}>`;
  }).join('');
}

/** Whether `printable` puts a code in the place of a character. */
export const hasCodes = (text: string): boolean => printable(text) !== text && /<U\+[0-9A-F]+>/.test(printable(text));
