import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import type { VehicleCrop } from '../plate/plate-reader.ts';
import { madeQuad, madeRead, rejectedSight } from '../plate/testing/made-sights.ts';
import { drawPlates } from './draw-plates.ts';

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'draw-plates-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

function grey(width: number, height: number, origin = { x: 40, y: 30 }): VehicleCrop {
  const pixels = { format: 'rgb24' as const, width, height, data: new Uint8Array(width * height * 3).fill(90) };
  return { pixels, origin, vehicle: { ...origin, width, height }, others: [] };
}

/** How many pixels of a drawing have about a colour, above and below its picture's lower edge. */
async function coloured(path: string, edge: number, [r, g, b]: readonly [number, number, number]) {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const counts = { above: 0, below: 0 };
  for (let i = 0; i < info.width * info.height; i += 1) {
    const off =
      Math.abs((data[3 * i] ?? 0) - r) + Math.abs((data[3 * i + 1] ?? 0) - g) + Math.abs((data[3 * i + 2] ?? 0) - b);
    if (off < 60) counts[i < edge * info.width ? 'above' : 'below'] += 1;
  }
  return counts;
}

const green = [0x40, 0xff, 0x40] as const;
const orange = [0xff, 0x8c, 0x00] as const;

test('the read region is outlined in green and the rejected one in orange, and each has a line below', async (t) => {
  const path = join(await folder(t), 'drawn.png');
  const { rejected } = rejectedSight('too-small');
  const elsewhere = madeQuad(200, 180, 12);
  const read = madeRead('AB1234', { x: 100, y: 90, height: 20 });
  await drawPlates(grey(300, 200), { read, rejected: rejected.map((one) => ({ ...one, quad: elsewhere })) }, path);
  const info = await sharp(path).metadata();
  t.is(info.width, 900);
  t.true((info.height ?? 0) > 600);
  for (const colour of [green, orange]) {
    const { above, below } = await coloured(path, 600, colour);
    t.true(above > 50 && below > 50, `${above} ${below}`);
  }
});

test('any crop can be drawn: of one pixel, wider than high, larger than the drawing, without text', async (t) => {
  const at = await folder(t);
  const sizes = [
    [1, 1],
    [2000, 3],
    [3, 1200],
    [1600, 900],
  ] as const;
  for (const [width, height] of sizes) {
    const path = join(at, `${width}.png`);
    await drawPlates(grey(width, height), { read: undefined, rejected: [] }, path);
    await drawPlates(grey(width, height), rejectedSight('unclear', 'second-best'), path);
    t.true(((await sharp(path).metadata()).width ?? 0) >= width);
  }
  t.is((await readdir(at)).length, sizes.length);
});

test('a drawing that cannot be written is refused with its path, which holds no plate', async (t) => {
  const at = await folder(t);
  await writeFile(join(at, 'taken'), '');
  const error = await t.throwsAsync(
    drawPlates(grey(30, 20), { read: madeRead('AB1234'), rejected: [] }, join(at, 'taken', 'x.png')),
    { code: 'usage-invalid' },
  );
  t.false(error?.message.includes('AB1234'));
});
