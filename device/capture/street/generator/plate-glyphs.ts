/** Strokes of the characters on Spanish plates: middle lines of strokes 10 mm wide, in a field of 45 by 77 mm, y down. */
const strokes: Readonly<Record<string, string>> = {
  0: 'M5 22.5 A17.5 17.5 0 0 1 40 22.5 V54.5 A17.5 17.5 0 0 1 5 54.5 Z',
  1: 'M9 21 L26 5 V79',
  2: 'M5 25 V22.5 A17.5 17.5 0 0 1 40 22.5 C40 38 18 48 7 72 H43',
  3: 'M5 22 C6 -1 38 -1 38 20 C38 32 31 37 19 37 C32 37 40 43 40 54 C40 78 6 78 5 54',
  4: 'M33 79 V5 L6 55 H45',
  5: 'M40 5 H10 L7 37 C11 32 17 30 22 30 C34 30 40 39 40 51 C40 64 33 72 22 72 C12 72 5 66 5 55',
  6: 'M38 19 C36 9 30 5 23 5 C10 5 5 18 5 38 V52 A17.5 20 0 0 0 40 52 A17.5 18.5 0 0 0 5 52',
  7: 'M2 5 H38 L17 80',
  8: 'M22.5 5 A15.5 16 0 1 1 22.5 37 A15.5 16 0 1 1 22.5 5 M22.5 37 A17.5 17.5 0 1 1 22.5 72 A17.5 17.5 0 1 1 22.5 37',
  9: 'M7 58 C9 68 15 72 22 72 C35 72 40 59 40 39 V25 A17.5 20 0 0 0 5 25 A17.5 18.5 0 0 0 40 25',
  B: 'M5 37 H22 A16 16 0 0 0 22 5 H5 V72 H23 A17.5 17.5 0 0 0 23 37',
  C: 'M40 26 V22.5 A17.5 17.5 0 0 0 5 22.5 V54.5 A17.5 17.5 0 0 0 40 54.5 V51',
  D: 'M5 5 V72 H20 A20 20 0 0 0 40 52 V25 A20 20 0 0 0 20 5 Z',
  F: 'M43 5 H5 V79 M5 38 H37',
  G: 'M40 25 V22.5 A17.5 17.5 0 0 0 5 22.5 V54.5 A17.5 17.5 0 0 0 40 54.5 V42 H24',
  H: 'M5 -2 V79 M40 -2 V79 M5 38 H40',
  J: 'M38 -2 V54.5 A16.5 17.5 0 0 1 5 54.5 V50',
  K: 'M5 -2 V79 M43 -2 L8 46 M19 31 L42 79',
  L: 'M5 -2 V72 H43',
  M: 'M5 79 V-2 M40 79 V-2 M5 0 L22.5 48 L40 0',
  N: 'M5 79 V-2 M40 79 V-2 M5 2 L40 75',
  P: 'M5 79 V5 H22 A18 18.5 0 0 1 22 42 H5',
  R: 'M5 79 V5 H22 A17.5 17.5 0 0 1 22 40 H5 M22 40 L41 80',
  S: 'M39 22 C38 -1 6 -1 6 21 C6 44 40 31 40 55 C40 78 6 78 5 53',
  T: 'M0 5 H45 M22.5 5 V79',
  V: 'M4 -2 L22.5 74 L41 -2',
  W: 'M3 -2 L12 73 L22.5 20 L33 73 L42 -2',
  X: 'M5 -2 L40 79 M40 -2 L5 79',
  Y: 'M4 -3 L22.5 42 L41 -3 M22.5 40 V79',
  Z: 'M3 5 H38 L6 72 H43',
};

/** The plate in millimetres: 520 by 110, a blue band of 44 at the left, four digits and three letters in fields of 45 by 77. */
export const plateMillimetres = { width: 520, height: 110 } as const;
const first = 68;
const pitch = 60;
const between = 22;

/** The plate as an SVG document of `scale` pixels a millimetre. Throws where a character has no strokes. */
export function drawPlate(text: string, scale: number): string {
  const fields = [...text].map((character, i) => {
    const path = strokes[character];
    if (path === undefined) throw new Error(`no strokes for ${character}`);
    const x = first + i * pitch + (i >= 4 ? between : 0);
    return `<svg x="${x}" y="16.5" width="45" height="77" viewBox="0 0 45 77"><path d="${path}"/></svg>`;
  });
  const { width, height } = plateMillimetres;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width * scale}" height="${height * scale}" viewBox="0 0 ${width} ${height}">
<rect width="${width}" height="${height}" fill="#fff"/><rect width="44" height="${height}" fill="#2c4aa8"/>
<path d="M28 76 H18 V94 H28 M18 85 H26" fill="none" stroke="#fff" stroke-width="3"/>
<g fill="none" stroke="#363636" stroke-width="10" stroke-miterlimit="2">${fields.join('')}</g></svg>`;
}
