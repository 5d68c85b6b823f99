import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Picture } from '../capture/frame.ts';
import { isAtalayaError } from '../kernel/errors.ts';
import { loadScene } from '../scene/load-scene.ts';
import { drawScene } from './draw-scene.ts';

const [width, height] = [1920, 1080];
const picture: Picture = { format: 'rgb24', width, height, data: new Uint8Array(width * height * 3).fill(90) };
const scene = await loadScene(join(import.meta.dirname, '..', 'scene', 'examples', 'street.yaml'));

test('a drawing that cannot be written, or is to be no PNG, is refused with what to do', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'draw-scene-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const missing = await t.throwsAsync(drawScene(scene, picture, join(folder, 'missing', 'scene.png')), {
    message: /missing\/scene\.png cannot be written: its folder does not exist$/,
  });
  t.true(isAtalayaError(missing, 'usage-invalid') && missing.hint?.includes('a folder that exists'));
  for (const name of ['scene.jpg', 'scene', 'scene.png.txt']) {
    const other = await t.throwsAsync(drawScene(scene, picture, join(folder, name)), {
      message: /does not end in \.png/,
    });
    t.true(isAtalayaError(other, 'usage-invalid') && other.hint !== undefined);
  }
  await drawScene(scene, picture, join(folder, 'scene.PNG'));
  t.is((await readFile(join(folder, 'scene.PNG'))).toString('latin1', 1, 4), 'PNG');
});
