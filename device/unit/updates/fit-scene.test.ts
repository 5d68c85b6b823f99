import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { CameraInfo } from '../../capture/camera.ts';
import { scratchFolder } from '../../kernel/testing/scratch-folder.ts';
import { unfitScene } from './fit-scene.ts';

const street = join(import.meta.dirname, '../../scene/examples/street.yaml');
const camera = { width: 1920, height: 1080 } as CameraInfo;

test('a scene is tried on the camera that the unit has before anything is switched to', async (t) => {
  const folder = scratchFolder(t);
  const scene = join(folder, 'scene.yaml');
  await cp(street, scene);
  t.is(await unfitScene(folder, camera), undefined);
  t.regex((await unfitScene(folder, { ...camera, width: 640, height: 480 })) ?? '', /^scene-mismatch: /);
  await mkdir(join(folder, 'broken'));
  await writeFile(join(folder, 'broken/scene.yaml'), `${await readFile(street, 'utf8')}lane: []\n`);
  t.regex((await unfitScene(join(folder, 'broken'), camera)) ?? '', /^scene-invalid: /);
  t.regex((await unfitScene(join(folder, 'nothing'), camera)) ?? '', /^scene-invalid: |^bundle-invalid: /);
  await mkdir(join(folder, 'empty'));
  await writeFile(join(folder, 'empty/scene.yaml'), 'name: street\npicture: { width: 1920, height: 1080 }\n');
  t.is(await unfitScene(join(folder, 'empty'), camera), 'scene-empty: nothing is drawn in it');
  await writeFile(join(folder, 'references.json'), '{}');
  t.regex((await unfitScene(folder, camera)) ?? '', /^scene-invalid: .*references\.json/);
});
