import { formatFileSchema, formatsOf } from '../formats/format-file.ts';
import type { PlateFormat } from '../formats/plate-format.ts';

const source = 'made for tests';

/** Four letters and two digits, or two letters and four digits, on one line. */
export const oneLine: readonly PlateFormat[] = formatsOf(
  formatFileSchema.parse({
    country: 'XX',
    title: 'One line',
    formats: [
      {
        id: 'xx-new',
        title: 'New',
        source,
        patterns: ['LL LL DD'],
        plate: { width: 360, height: 130 },
        character: { height: 65 },
      },
      {
        id: 'xx-old',
        title: 'Old',
        source,
        patterns: ['LL DD DD'],
        plate: { width: 360, height: 130 },
        character: { height: 65 },
      },
    ],
  }),
);

/** A motorcycle's: three letters over three digits. */
export const twoLines: readonly PlateFormat[] = formatsOf(
  formatFileSchema.parse({
    country: 'XX',
    title: 'Two lines',
    formats: [
      {
        id: 'xx-motorcycle',
        title: 'Motorcycle',
        source,
        patterns: ['LLL DDD'],
        plate: { width: 200, height: 170 },
        character: { height: 60 },
        text: { least: 1.2, most: 4 },
        lines: 2,
      },
    ],
  }),
);
