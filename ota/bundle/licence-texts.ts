import { readFileSync } from 'node:fs';

/** Files of `texts/` that a licence consists of, for parts that name it and do not bring its text: version 3 of the LGPL is an addition to the GPL. */
const files: Readonly<Record<string, readonly string[]>> = {
  MIT: ['MIT.txt'],
  'LGPL-3.0-or-later': ['LGPL-3.0.txt', 'GPL-3.0.txt'],
  'LGPL-3.0-only': ['LGPL-3.0.txt', 'GPL-3.0.txt'],
};
const folder = new URL('./texts/', import.meta.url);

/** Whole texts of licences by their name, as far as we have them. */
export function licenceTexts(): ReadonlyMap<string, string> {
  const text = (names: readonly string[]): string =>
    names.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n');
  return new Map(Object.entries(files).map(([id, names]) => [id, text(names)]));
}
