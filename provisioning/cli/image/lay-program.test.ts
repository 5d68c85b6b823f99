import { lstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemTreeFiles } from '../../../device/kernel/tree-files.ts';
import { virtualArchive } from '../../../ota/archive/virtual-archive.ts';
import { writeWholeTarget } from '../../../ota/bundle/write-target.ts';
import { composeProgram } from '../../../ota/cli/bundle/compose-program.ts';
import { statedTree } from '../../../ota/cli/testing/bundle-tree.ts';
import { bundleManifest } from '../../../ota/contract/bundle.ts';
import { readProgramFolder } from '../../bundle/bundle-tree.ts';
import { layTree } from '../../bundle/testing/lay-tree.ts';
import { layFiles } from './lay-program.ts';

test('the program of an image is the tree of its bundle: what a patch is made against', async (t) => {
  const work = mkdtempSync(join(tmpdir(), 'atalaya-image-program-'));
  t.teardown(() => rmSync(work, { recursive: true }));
  const [stage, image] = [join(work, 'stage'), join(work, 'image')];
  const tree = statedTree();
  layTree(tree, stage, false);
  const facts = { release: 3, version: '1.4.0', hardware: ['arm64'] };
  const { files, manifest } = await composeProgram({ ...tree, ...readProgramFolder(stage) }, stage, facts);
  const { signal } = new AbortController();
  const laid = await layFiles(files, image, signal);

  const target = await writeWholeTarget(files, manifest, { folder: join(work, 'out'), signal, level: 1 });
  t.deepEqual(laid.tree, target.description.tree);
  const archive = await virtualArchive(systemTreeFiles, image);
  if ('code' in archive) return t.fail(archive.code);
  t.deepEqual(await archive.digest(), laid.tree);
  await archive.close();

  t.is(bundleManifest.parse(JSON.parse(readFileSync(join(image, 'bundle.json'), 'utf8'))).release, 3);
  for (const program of ['start', 'bin/unit', 'node_modules/.bin/node'])
    t.is(lstatSync(join(image, program)).mode & 0o777, 0o755, program);
  t.is(lstatSync(join(image, 'bundle.json')).mode & 0o777, 0o644);
});
