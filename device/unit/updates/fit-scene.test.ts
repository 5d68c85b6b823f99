import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { CameraInfo } from '../../capture/camera.ts';
import { scratchFolder } from '../../kernel/testing/scratch-folder.ts';
import { patchSize } from '../../scene/drift/match-patch.ts';
import { writeReferences } from '../../scene/drift/references-file.ts';
import { loadScene } from '../../scene/load-scene.ts';
import type { ReferenceFacts } from '../../selftest/facts.ts';
import { type SceneView, unfitScene } from './fit-scene.ts';

const street = join(import.meta.dirname, '../../scene/examples/street.yaml');
const camera = { width: 1920, height: 1080 } as CameraInfo;
const running = { scene: await loadScene(street, camera), references: '/enrolled/references.json' };
const nothing: ReferenceFacts = { kind: 'compared', patches: 20, seen: 0, agreeing: 0, allowedPx: 4 };
const seen: ReferenceFacts = { ...nothing, seen: 18, agreeing: 18, shiftPx: 0.3 };
/** What the picture shows of the running scene's references, and of the next one's. */
const view = (now: ReferenceFacts, next: ReferenceFacts, more: Partial<SceneView> = {}): SceneView => ({
  ...{ camera, running, look: async ({ references }) => (references === running.references ? now : next) },
  ...more,
});
const road = view(seen, seen);
/** Three patches of a road that nobody has seen. */
const references = writeReferences({
  scene: running.scene.name,
  picture: { width: camera.width, height: camera.height },
  made: '2026-03-01T12:00:00.000Z',
  patches: [0, 500, 900].map((x) => ({
    ...{ x, y: 300 },
    grey: Uint8Array.from({ length: patchSize * patchSize }, (_, i) => (i * (x + 7)) % 251),
  })),
});

test('a scene is tried on the camera that the unit has before anything is switched to', async (t) => {
  const folder = scratchFolder(t);
  const scene = join(folder, 'scene.yaml');
  await cp(street, scene);
  t.is(await unfitScene(folder, road), undefined);
  t.regex(
    (await unfitScene(folder, view(seen, seen, { camera: { ...camera, width: 640, height: 480 } }))) ?? '',
    /^scene-mismatch: /,
  );
  await mkdir(join(folder, 'broken'));
  await writeFile(join(folder, 'broken/scene.yaml'), `${await readFile(street, 'utf8')}lane: []\n`);
  t.regex((await unfitScene(join(folder, 'broken'), road)) ?? '', /^scene-invalid: /);
  t.regex((await unfitScene(join(folder, 'nothing'), road)) ?? '', /^scene-invalid: |^bundle-invalid: /);
  await mkdir(join(folder, 'empty'));
  await writeFile(join(folder, 'empty/scene.yaml'), 'name: street\npicture: { width: 1920, height: 1080 }\n');
  t.is(await unfitScene(join(folder, 'empty'), road), 'scene-empty: nothing is drawn in it');
  await writeFile(join(folder, 'references.json'), '{}');
  t.regex((await unfitScene(folder, road)) ?? '', /^scene-invalid: .*references\.json/);
});

test('a scene of another place is refused where the picture shows that it is', async (t) => {
  const folder = scratchFolder(t);
  await cp(street, join(folder, 'scene.yaml'));
  await writeFile(join(folder, 'references.json'), references);
  t.is(await unfitScene(folder, road), undefined);
  t.regex((await unfitScene(folder, view(seen, { ...seen, shiftPx: 40 }))) ?? '', /^camera-moved: /);
  t.regex((await unfitScene(folder, view(seen, nothing))) ?? '', /^place-unseen: /);
  t.is(await unfitScene(folder, view(nothing, nothing)), undefined, 'a fog shows nothing of any place');
  const bare = { running: { ...running, references: undefined } };
  t.is(await unfitScene(folder, view(seen, nothing, bare)), undefined, 'nothing says what the camera sees now');
});

test('a lorry that hides the place for a moment speaks against no scene', async (t) => {
  const folder = scratchFolder(t);
  await cp(street, join(folder, 'scene.yaml'));
  await writeFile(join(folder, 'references.json'), references);
  let looks = 0;
  const look: SceneView['look'] = async () => (looks++ === 0 ? nothing : seen);
  t.is(await unfitScene(folder, { camera, running, look }), undefined);
});
