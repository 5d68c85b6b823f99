import test from 'ava';
import sharp from 'sharp';
import { stripHeight } from '../engine/plate-engine.ts';
import type { Quad } from '../plate-reader.ts';
import { framedOf } from './framed.ts';
import { sharpnessOf } from './sharpness.ts';

/** Text of 100 x 20 in the middle of 200 x 80, on what `ground` draws. */
async function picture(ground: string, text = '#fff'): Promise<{ width: number; height: number; data: Uint8Array }> {
  const bars = Array.from(
    { length: 7 },
    (_, i) => `<rect x="${53 + i * 14}" y="31" width="6" height="18" fill="${text}"/>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="80"><rect width="200" height="80" fill="#346"/>${ground}${bars.join('')}</svg>`;
  const { data } = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: 200, height: 80, data };
}
const quad: Quad = [
  { x: 48, y: 28 },
  { x: 152, y: 28 },
  { x: 152, y: 52 },
  { x: 48, y: 52 },
];

test('a plate has an edge all around, paint on a door has none', async (t) => {
  const plate = framedOf(await picture('<rect x="38" y="18" width="124" height="44" fill="#eee"/>', '#111'), quad);
  const dark = framedOf(await picture('<rect x="38" y="18" width="124" height="44" fill="#111"/>', '#eee'), quad);
  const paint = framedOf(await picture(''), quad);
  t.true(plate > 0.9, `${plate}`);
  t.true(dark > 0.7, `${dark}`);
  t.true(paint < 0.1, `${paint}`);
});

test('a stripe above and below is no frame', async (t) => {
  const stripes = framedOf(
    await picture('<rect y="12" width="200" height="8" fill="#eee"/><rect y="60" width="200" height="8" fill="#eee"/>'),
    quad,
  );
  t.true(stripes <= 0.55, `${stripes}`);
});

test('nothing there: not framed', (t) => {
  t.is(Number(framedOf({ width: 10, height: 10, data: new Uint8Array(300).fill(90) }, quad)), 0);
});

test('sharpness falls with blur, and is 0 without contrast', async (t) => {
  const bars = Array.from(
    { length: 7 },
    (_, i) => `<rect x="${10 + i * 20}" y="8" width="8" height="32" fill="#111"/>`,
  );
  const svg = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="${stripHeight}"><rect width="160" height="48" fill="#eee"/>${bars.join('')}</svg>`,
  );
  const strip = async (blur: number) => {
    const image = sharp(svg).removeAlpha();
    return { width: 160, data: new Uint8Array(await (blur > 0 ? image.blur(blur) : image).raw().toBuffer()) };
  };
  const values = [sharpnessOf(await strip(0)), sharpnessOf(await strip(1.5)), sharpnessOf(await strip(4))];
  t.true((values[0] ?? 0) > (values[1] ?? 0) + 0.1 && (values[1] ?? 0) > (values[2] ?? 0) + 0.05, values.join(' '));
  t.is(Number(sharpnessOf({ width: 64, data: new Uint8Array(64 * stripHeight * 3).fill(128) })), 0);
});
