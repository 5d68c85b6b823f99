import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../device/kernel/clock.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { systemTimer } from '../../device/kernel/timer.ts';
import { FolderSource } from './folder-source.ts';
import { openMediumFile } from './medium-file.ts';
import { GatheringSink, testSource, wishes } from './testing/source-contract.ts';

const never = new AbortController().signal;

async function stick(files: ReadonlyMap<string, Buffer>): Promise<{ folder: string; source: FolderSource }> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-stick-'));
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return { folder, source: new FolderSource({ folder, timer: systemTimer }) };
}

testSource('a folder', async (files) => {
  const { folder, source } = await stick(files);
  return {
    source,
    finish: (work) => work,
    now: () => systemClock.monotonic(),
    close: () => rm(folder, { recursive: true, force: true }),
  };
});

const sha = 'ab'.repeat(32);
const path = `targets/${sha}.unit-1-r1-x64.tar.zst`;
const content = Buffer.alloc(3_000_000, 5);
const files = new Map([
  ['image/timestamp.json', Buffer.from('{}')],
  [path, content],
]);

test('a link, a queue, a folder or a device in the place of a file is no file, and nothing waits for it', async (t) => {
  const { folder, source } = await stick(files);
  const image = join(folder, 'image');
  await writeFile(join(folder, 'secret'), 'of somebody else');
  await symlink('../secret', join(image, '1.root.json'));
  await symlink('/dev/zero', join(image, '2.root.json'));
  execFileSync('mkfifo', [join(image, '3.root.json')]);
  await mkdir(join(image, '4.root.json'));
  for (const version of [1, 2, 3, 4]) t.is(await source.metadata(`image/${version}.root.json`, 1000), undefined);
  // Nor is a folder that is a link followed.
  await symlink('image', join(folder, 'director'));
  t.is(await source.metadata('director/timestamp.json', 1000), undefined);
  t.deepEqual(await source.metadata('image/timestamp.json', 1000), Buffer.from('{}'));
  await rm(folder, { recursive: true });
});

test('a file that grows gives what it had, and one that shrinks what is left', async (t) => {
  const { folder, source } = await stick(files);
  const grown = new GatheringSink(content.byteLength, (offset) => {
    if (offset === 0) execFileSync('sh', ['-c', `printf more >> ${join(folder, path)}`]);
  });
  await source.blocks(path, wishes(content.byteLength), grown, never);
  t.true(grown.content.equals(content));
  await truncate(join(folder, path), content.byteLength);
  const cut = new GatheringSink(content.byteLength, (offset) => {
    if (offset === 0) execFileSync('truncate', ['-s', '1500000', join(folder, path)]);
  });
  await source.blocks(path, wishes(content.byteLength), cut, never);
  t.is(cut.steps.at(-1), 0);
  t.true(cut.content.subarray(0, 1_499_136).equals(content.subarray(0, 1_499_136)));
  await rm(folder, { recursive: true });
});

test('a medium that is not there, or is pulled out, is waited for; put in again, it goes on', async (t) => {
  const { folder, source } = await stick(files);
  await rename(folder, `${folder}-gone`);
  t.is((await fault(source.metadata('image/timestamp.json', 100))).code, 'link-down');
  t.is((await fault(source.blocks(path, wishes(10), new GatheringSink(10), never))).code, 'link-down');
  await mkdir(folder);
  t.is((await fault(source.metadata('image/timestamp.json', 100))).code, 'link-down', 'an empty place to mount at');
  await rm(folder, { recursive: true });
  await rename(`${folder}-gone`, folder);
  let reads = 0;
  const torn = new FolderSource({
    folder,
    timer: systemTimer,
    open: async (at, wanted) => {
      const file = await openMediumFile(at, wanted);
      return (
        file && {
          ...file,
          read: (target, position) => {
            reads += 1;
            if (reads === 2) throw Object.assign(new Error('i/o error'), { code: 'EIO' });
            return file.read(target, position);
          },
        }
      );
    },
  });
  const sink = new GatheringSink(content.byteLength);
  t.is((await fault(torn.blocks(path, wishes(content.byteLength), sink, never))).code, 'link-down');
  const wants = (offset: number) => sink.steps[offset / 4096] === 0;
  await torn.blocks(path, wishes(content.byteLength, { wants }), sink, never);
  t.true(sink.content.equals(content) && sink.steps.every((times) => times === 1));
  await rm(folder, { recursive: true });
});
