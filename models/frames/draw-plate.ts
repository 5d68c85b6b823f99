import sharp from 'sharp';

/** A plate as a drawing: no plate of a real vehicle is needed to calibrate or to test a reader. */
export interface PlateDrawing {
  readonly text: string;
  readonly background: string;
  readonly ink: string;
  /** A font family that fontconfig finds; another takes its place where it is missing. */
  readonly font: string;
  /** Width that the plate has before it is enlarged to the picture, in pixels: what a camera saw of it. */
  readonly seen: number;
  /** Standard deviation of the blur over the picture, in pixels; 0 is none. */
  readonly blur: number;
}

/** The plate alone, filling a picture of `width` by `height`, as `[height * width * 3]` bytes, red first. */
export async function drawPlate(plate: PlateDrawing, width: number, height: number): Promise<Uint8Array> {
  const small = { width: Math.max(8, plate.seen), height: Math.max(4, Math.round((plate.seen * height) / width)) };
  const seen = await sharp(plateSvg(plate, 4 * width, 4 * height))
    .resize({ ...small, fit: 'fill' })
    .png()
    .toBuffer();
  const picture = sharp(seen).resize({ width, height, fit: 'fill' }).removeAlpha();
  if (plate.blur >= 0.3) picture.blur(plate.blur);
  return new Uint8Array(await picture.toColourspace('srgb').raw().toBuffer());
}

function plateSvg({ text, background, ink, font }: PlateDrawing, width: number, height: number): Buffer {
  const size = height * 0.72;
  const line = height / 28;
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
      `<rect width="${width}" height="${height}" fill="${background}"/>` +
      `<rect x="${line}" y="${line}" width="${width - 2 * line}" height="${height - 2 * line}" rx="${4 * line}" fill="none" stroke="${ink}" stroke-width="${line}"/>` +
      `<text x="${width / 2}" y="${height / 2 + size * 0.36}" font-family="${font}" font-weight="bold" font-size="${size}" ` +
      `textLength="${width * 0.84}" lengthAdjust="spacingAndGlyphs" text-anchor="middle" fill="${ink}">${text}</text></svg>`,
  );
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const digits = '0123456789';
/** L is a letter, 0 a digit. */
const patterns = ['LLL000', 'LL000LL', 'LLL0L00', 'LLLL00', '0000LLL', 'LLL0000'] as const;
const paints = [
  ['#f4f4ee', '#111111'],
  ['#f2c530', '#141414'],
  ['#151515', '#e8e8e8'],
  ['#eef0fa', '#1c2c86'],
  ['#ffffff', '#a61b1b'],
  ['#c9c9c4', '#3c3c3c'],
] as const;
const fonts = ['DejaVu Sans Mono', 'Liberation Sans Narrow', 'DejaVu Sans Condensed', 'Liberation Mono'] as const;

/** A plate by chance: `random` gives numbers from 0 to below 1. */
export function randomPlate(random: () => number, width: number): PlateDrawing {
  const one = <T>(values: ArrayLike<T>): T => values[Math.floor(random() * values.length)]!;
  const text = [...one(patterns)].map((place) => one(place === 'L' ? letters : digits)).join('');
  const [background, ink] = one(paints);
  return {
    text,
    background,
    ink,
    font: one(fonts),
    seen: Math.round(width * (0.35 + 0.65 * random())),
    blur: random() < 0.5 ? 0 : 0.3 + 1.2 * random(),
  };
}

/** Numbers from 0 to below 1 that a seed fixes (linear congruence after Numerical Recipes). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
