import sharp from 'sharp';
import type { Random } from '../../kernel/supervise.ts';
import type { Point } from '../../scene/geometry.ts';
import type { PlateFormat } from '../formats/plate-format.ts';
import type { VehicleCrop } from '../plate-reader.ts';

/** Vehicles drawn with plates whose text is known: for tests, and what the confidence was fitted on. */

export interface DrawnVehicle {
  readonly crop: VehicleCrop;
  /** Text of the plate; undefined where none was drawn. */
  readonly text: string | undefined;
  /** What is painted on the body; empty for nothing. */
  readonly paint: string;
  /** Middle of the plate, pixels of the crop. */
  readonly middle: Point;
}

export interface Drawing {
  /** Text of the plate; undefined for a vehicle without one. */
  readonly text: string | undefined;
  /** Millimetres; where the plate's characters and their gaps come from. */
  readonly format: Pick<PlateFormat, 'proportions' | 'characterHeight' | 'lines'>;
  /** Pixels. */
  readonly characterHeight: number;
  /** Degrees that the plate is turned in the picture, and sheared. */
  readonly turn: number;
  readonly shear: number;
  /** Width over that of a plate seen from straight ahead. */
  readonly foreshortening: number;
  /** Standard deviation of the blur and of the noise, pixels and grey levels. */
  readonly blur: number;
  readonly noise: number;
  /** Quality of the JPEG that the picture went through. */
  readonly quality: number;
  readonly family: string;
  readonly ink: string;
  readonly ground: string;
  readonly body: string;
  /** What stands between the groups. */
  readonly separator: '' | 'gap' | 'dot' | 'dash';
  /** Small text above the characters; empty for none. */
  readonly header: string;
  /** What is painted on the vehicle itself. */
  readonly paint: string;
  /** Width of the vehicle in widths of a plate, and where on it the plate is: shares of its width and height. */
  readonly vehicleWidth: number;
  readonly at: { readonly x: number; readonly y: number };
}

const plain: Omit<Drawing, 'text' | 'format'> = {
  characterHeight: 24,
  turn: 0,
  shear: 0,
  foreshortening: 1,
  blur: 0.6,
  noise: 2,
  quality: 90,
  family: 'DejaVu Sans',
  ink: '#111',
  ground: '#f4f4f0',
  body: '#7a2b22',
  separator: 'gap',
  header: '',
  paint: '',
  vehicleWidth: 4.5,
  at: { x: 0.5, y: 0.72 },
};

export const drawing = (text: string | undefined, format: PlateFormat, change: Partial<Drawing> = {}): Drawing => ({
  ...plain,
  ...change,
  text,
  format,
});

/** Draws it. The crop is the vehicle's, with the margin that `cropVehicle` leaves. `random` makes the noise. */
export async function drawVehicle(wanted: Drawing, random: Random): Promise<DrawnVehicle> {
  const scale = wanted.characterHeight / wanted.format.characterHeight;
  const plate = wanted.format.proportions.plate;
  const width = Math.round(plate.width * scale * wanted.foreshortening * wanted.vehicleWidth);
  const height = Math.round(width * 0.8);
  // Drawn larger and scaled down, as a lens does.
  const finer = 3;
  const svg = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width * finer}" height="${height * finer}" viewBox="0 0 ${width} ${height}">${bodyOf(wanted, width, height)}${plateOf(wanted, scale, width, height)}</svg>`,
  );
  let picture = sharp(svg).resize(width, height, { kernel: 'cubic' }).flatten({ background: '#888' });
  if (wanted.blur >= 0.3) picture = picture.blur(wanted.blur);
  const { data } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const noisy = Uint8ClampedArray.from(data, (value) => value + wanted.noise * normal(random));
  const jpeg = await sharp(Buffer.from(noisy), { raw: { width, height, channels: 3 } })
    .jpeg({ quality: wanted.quality })
    .toBuffer();
  const pixels = new Uint8Array(new SharedArrayBuffer(width * height * 3));
  pixels.set(await sharp(jpeg).raw().toBuffer());
  return {
    crop: {
      pixels: { format: 'rgb24', width, height, data: pixels },
      origin: { x: 100, y: 60 },
      vehicle: { x: 100 + width * 0.05, y: 60 + height * 0.03, width: width * 0.9, height: height * 0.92 },
      others: [],
    },
    text: wanted.text,
    paint: wanted.paint,
    middle: { x: width * wanted.at.x, y: height * wanted.at.y },
  };
}

/** Box and Muller (1958). */
const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

function bodyOf({ body, paint, family, at }: Drawing, w: number, h: number): string {
  const words =
    paint === ''
      ? ''
      : `<text x="${w * 0.5}" y="${h * (at.y > 0.5 ? 0.48 : 0.75)}" font-family="${family}" font-weight="bold" font-size="${w * 0.07}" text-anchor="middle" fill="#fff">${paint}</text>`;
  return `<rect width="${w}" height="${h}" fill="#777b80"/><rect y="${h * 0.9}" width="${w}" height="${h * 0.1}" fill="#4a4a48"/>
    <rect x="${w * 0.06}" y="${h * 0.1}" width="${w * 0.88}" height="${h * 0.8}" rx="${w * 0.08}" fill="${body}"/>
    <rect x="${w * 0.15}" y="${h * 0.13}" width="${w * 0.7}" height="${h * 0.24}" rx="${w * 0.04}" fill="#1c2228"/>
    <rect x="${w * 0.08}" y="${h * 0.5}" width="${w * 0.12}" height="${h * 0.1}" fill="#a01818"/><rect x="${w * 0.8}" y="${h * 0.5}" width="${w * 0.12}" height="${h * 0.1}" fill="#a01818"/>
    <rect x="${w * 0.06}" y="${h * 0.82}" width="${w * 0.88}" height="${h * 0.05}" fill="#222"/>
    <ellipse cx="${w * 0.2}" cy="${h * 0.92}" rx="${w * 0.08}" ry="${h * 0.05}" fill="#111"/><ellipse cx="${w * 0.8}" cy="${h * 0.92}" rx="${w * 0.08}" ry="${h * 0.05}" fill="#111"/>${words}`;
}

function plateOf(wanted: Drawing, scale: number, w: number, h: number): string {
  const { text, format, at, turn, shear, foreshortening, ground, ink, family, header } = wanted;
  if (text === undefined) return '';
  const { width, height } = format.proportions.plate;
  const rows = format.lines === 2 ? [text.slice(0, text.length - 3), text.slice(-3)] : [text];
  const middle = header === '' ? height / 2 : height * 0.56;
  const lines = rows.map((row, i) => {
    const y = rows.length === 1 ? middle : height * (i === 0 ? 0.3 : 0.72);
    return lineOf(row, { ...wanted, width, y });
  });
  const small =
    header === ''
      ? ''
      : `<text x="${width / 2}" y="${height * 0.17}" font-family="${family}" font-size="${height * 0.13}" text-anchor="middle" fill="${ink}">${header}</text>`;
  return `<g transform="translate(${w * at.x} ${h * at.y}) rotate(${turn}) skewX(${shear}) scale(${scale * foreshortening} ${scale}) translate(${-width / 2} ${-height / 2})">
    <rect width="${width}" height="${height}" rx="8" fill="${ground}"/><rect x="4" y="4" width="${width - 8}" height="${height - 8}" rx="6" fill="none" stroke="${ink}" stroke-width="3"/>${small}${lines.join('')}</g>`;
}

/** Width over height of a character with the space beside it. */
const advance = 0.72;

/** So that neighbours do not touch: the widths of the typefaces' capitals, in heights. */
function squeeze(character: string, family: string, step: number): number {
  const natural = /Narrow|Condensed|Bebas|DIN|Routed/.test(family) ? 0.8 : 1.02;
  return Math.min(1, (0.9 * step) / (natural * ('MW'.includes(character) ? 1.45 : 1)));
}

function lineOf(
  row: string,
  { format, family, ink, separator, width, y }: Drawing & { readonly width: number; readonly y: number },
): string {
  const high = format.characterHeight;
  // Capital letters of most typefaces take 0.72 of the size that is asked for.
  const size = high / 0.72;
  const groups = separator === '' ? [row] : (row.match(/[A-Z]+|\d{1,4}/g) ?? [row]);
  const gap = separator === '' ? 0 : high * 0.45;
  const step = Math.min(high * advance, (width * 0.92 - gap * (groups.length - 1)) / row.length);
  const whole = step * row.length + gap * (groups.length - 1);
  let x = (width - whole) / 2;
  const parts: string[] = [];
  for (const [i, group] of groups.entries()) {
    if (i > 0) {
      if (separator === 'dot') parts.push(`<circle cx="${x + gap / 2}" cy="${y}" r="${high * 0.07}" fill="${ink}"/>`);
      if (separator === 'dash')
        parts.push(
          `<rect x="${x + gap * 0.2}" y="${y - high * 0.05}" width="${gap * 0.6}" height="${high * 0.1}" fill="${ink}"/>`,
        );
      x += gap;
    }
    for (const character of group) {
      parts.push(
        `<g transform="translate(${x + step / 2} ${y + high / 2}) scale(${squeeze(character, family, step / high)} 1)"><text font-family="${family}" font-weight="bold" font-size="${size}" text-anchor="middle" fill="${ink}">${character}</text></g>`,
      );
      x += step;
    }
  }
  return parts.join('');
}
