import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
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
  const { config, scene, references } = await settle(
    { source: 'street.mjpeg' },
    { root: '/r', image: '/i', launcher: '/l', running: 'a', trial: false, components: folder },
  );
  t.is(scene, join(folder, 'scene/north/scene.yaml'));
  t.is(references, join(folder, 'scene/north/references.json'));
  t.is(config.scene, undefined);
});

test('an update without references leaves those of the configuration', async (t) => {
  const folder = await folderOf(t, ['scene/north/scene.yaml', 'unit.yaml', 'enrolled.yaml', 'enrolled.json']);
  const file = join(folder, 'unit.yaml');
  await writeFile(file, '{ source: { path: a.mjpeg }, scene: enrolled.yaml, references: enrolled.json }');
  const launched = { root: '/r', image: '/i', launcher: '/l', running: 'a', trial: false } as const;
  const { references, scene, sha256 } = await settle({ config: file }, { ...launched, components: folder });
  t.is(scene, join(folder, 'scene/north/scene.yaml'));
  t.is(references, join(folder, 'enrolled.json'), 'of another scene it is refused by its name when the unit starts');
  const before = await settle({ config: file }, { ...launched, components: join(folder, 'none') });
  t.is(before.scene, join(folder, 'enrolled.yaml'));
  t.is(before.sha256, sha256, 'evidence names the configuration apart from the scene, whatever slot that lies in');
  const asked = await settle({ config: file, scene: 'mine.yaml' }, { ...launched, components: folder });
  t.is(asked.scene, resolve('mine.yaml'), 'what a person asks for goes before both');
});

test('what cannot be read is not taken for what is not there', async (t) => {
  const folder = await folderOf(t, ['model', 'other/scene/north']);
  for (const one of [folder, join(folder, 'other')])
    await t.throwsAsync(openComponents(one), { code: 'bundle-invalid', message: /cannot be read \(ENOTDIR\)/ });
});

test('two scenes are refused', async (t) => {
  const folder = await folderOf(t, ['scene/north/scene.yaml', 'scene/south/scene.yaml']);
  await t.throwsAsync(openComponents(folder), { message: /has north and south, and a unit has one/ });
});
