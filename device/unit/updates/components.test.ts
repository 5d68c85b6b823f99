import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bundleFolder } from '../../../models/contract/places.ts';
import { settle } from '../settings.ts';
import { noComponents, openComponents } from './components.ts';

async function folderOf(t: ExecutionContext, files: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-components-'));
  t.teardown(() => rm(folder, { recursive: true }));
  for (const file of files) {
    await mkdir(join(folder, file, '..'), { recursive: true });
    await writeFile(join(folder, file), '{}');
  }
  return folder;
}

test('without the launcher, and in a slot without components, there are none', async (t) => {
  for (const folder of [undefined, '', await folderOf(t, []), '/nowhere']) {
    const { models, bundle, scene, trust } = await openComponents(folder);
    t.deepEqual([models, scene, trust], [[], undefined, undefined]);
    t.is(bundle('detector'), bundleFolder('detector'));
  }
  t.is(noComponents.bundle('/a/folder'), '/a/folder');
});

test('a model of an update goes before the one that the program brought, by its name alone', async (t) => {
  const folder = await folderOf(t, ['model/detector/manifest.json', 'trust/people/trust.json']);
  const { models, bundle, trust } = await openComponents(folder);
  t.deepEqual(models, ['detector']);
  t.is(bundle('detector'), join(folder, 'model/detector'));
  t.is(bundle('other'), bundleFolder('other'));
  t.is(bundle('/a/folder'), '/a/folder', 'a path is a path');
  t.is(trust, join(folder, 'trust/people/trust.json'));
});

test('a scene of an update goes before the one of the configuration', async (t) => {
  const folder = await folderOf(t, ['scene/north/scene.yaml', 'scene/north/references.json']);
  const { config } = await settle(
    { source: 'street.mjpeg' },
    { root: '/r', image: '/i', launcher: '/l', running: 'a', trial: false, components: folder },
  );
  t.is(config.scene, join(folder, 'scene/north/scene.yaml'));
  t.is(config.references, join(folder, 'scene/north/references.json'));
});

test('two scenes are refused', async (t) => {
  const folder = await folderOf(t, ['scene/north/scene.yaml', 'scene/south/scene.yaml']);
  await t.throwsAsync(openComponents(folder), { message: /has north and south, and a unit has one/ });
});
