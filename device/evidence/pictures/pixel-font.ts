/**
 * Letters of 5 x 7 pixels, drawn as outlines of squares, so that an annotation looks the same on every unit: a bare system has no
 * fonts, and the renderer then draws none of the text and says nothing.
 *
 * Each letter is seven rows from the top, one base-32 digit a row, the leftmost pixel in its highest bit. Small letters are drawn
 * as capitals; what is not in the table is drawn as a question mark.
 */
const letters: Readonly<Record<string, string>> = {
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehggghe',
  D: 'uhhhhhu',
  E: 'vgguggv',
  F: 'vgguggg',
  G: 'ehgnhhe',
  H: 'hhhvhhh',
  I: 'e44444e',
  J: '72222ic',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrllhhh',
  N: 'hhpljhh',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  S: 'fgge11u',
  T: 'v444444',
  U: 'hhhhhhe',
  V: 'hhhhha4',
  W: 'hhhllla',
  X: 'hha4ahh',
  Y: 'hha4444',
  Z: 'v1248gv',
  '0': 'ehjlphe',
  '1': '4c4444e',
  '2': 'eh1248v',
  '3': 'v2421he',
  '4': '26aiv22',
  '5': 'vgu11he',
  '6': '68guhhe',
  '7': 'v124888',
  '8': 'ehhehhe',
  '9': 'ehhf12c',
  ' ': '0000000',
  '-': '000e000',
  '.': '00000cc',
  ',': '0000c48',
  ':': '0cc0cc0',
  '/': '11248gg',
  '%': 'op248j3',
  '+': '044v440',
  '(': '2488842',
  ')': '8422248',
  '=': '00v0v00',
  '#': 'aavavaa',
  _: '000000v',
  '<': '248g842',
  '>': '8421248',
  '*': '0a4v4a0',
  "'": '4480000',
  '?': 'eh12404',
};

const rows = 7;
const columns = 5;
/** From one letter to the next, in pixels of the font. */
const advance = columns + 1;

/** Height of a line of text. */
export const textHeight = (scale: number): number => rows * scale;

/** Width of a text. */
export const textWidth = (text: string, scale: number): number => Math.max(0, text.length * advance - 1) * scale;

/** The text as SVG path data, its top left corner at (x, y), each pixel of the font `scale` wide. */
export function textPath(text: string, x: number, y: number, scale: number): string {
  return [...text.toUpperCase()]
    .flatMap((letter, i) => runs(letters[letter] ?? (letters['?'] as string), x + i * advance * scale, y, scale))
    .join('');
}

/** One rectangle for each unbroken run of pixels in a row. */
function runs(letter: string, x: number, y: number, scale: number): string[] {
  const paths: string[] = [];
  for (let row = 0; row < rows; row += 1) {
    const bits = Number.parseInt(letter.charAt(row), 32);
    let length = 0;
    for (let column = 0; column <= columns; column += 1) {
      const on = column < columns && (bits & (1 << (columns - 1 - column))) !== 0;
      if (on) length += 1;
      else if (length > 0) {
        const left = x + (column - length) * scale;
        paths.push(`M${left} ${y + row * scale}h${length * scale}v${scale}h${-length * scale}z`);
        length = 0;
      }
    }
  }
  return paths;
}
