import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { AtalayaError } from './errors.ts';
import { FolderLock } from './folder-lock.ts';

test('one holder at a time, within a process too; given back, it can be taken again', async (t) => {
  const folder = await newFolder(t.teardown);
  const lock = await FolderLock.take(folder);
  const error = await t.throwsAsync(FolderLock.take(folder), { instanceOf: AtalayaError });
  t.is(error?.code, 'store-locked');
  t.true(error?.message.includes(`process ${process.pid}`));
  await lock.release();
  await t.notThrowsAsync(async () => (await FolderLock.take(folder)).release());
});

test('the error names the process that holds it, and its death by SIGKILL leaves nothing to clear', async (t) => {
  const folder = await newFolder(t.teardown);
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program(folder)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  const error = await t.throwsAsync(FolderLock.take(folder), { instanceOf: AtalayaError });
  t.is(error?.code, 'store-locked');
  t.true(error?.message.includes(`process ${holder.pid}`), error?.message);
  const gone = once(holder, 'exit');
  holder.kill('SIGKILL');
  await gone;
  await t.notThrowsAsync(async () => (await FolderLock.take(folder)).release());
});

test('programs that the holder starts do not inherit the lock', async (t) => {
  const folder = await newFolder(t.teardown);
  const lock = await FolderLock.take(folder);
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await lock.release();
  await t.notThrowsAsync(async () => (await FolderLock.take(folder)).release());
});

test('given back, it is free also where a copy of its descriptor is left', async (t) => {
  const folder = await newFolder(t.teardown);
  const lock = await FolderLock.take(folder);
  const descriptor = await descriptorOf(join(folder, 'lock'));
  // As a program that another thread is starting has it.
  const child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  t.teardown(() => child.kill('SIGKILL'));
  await lock.release();
  await t.notThrowsAsync(async () => (await FolderLock.take(folder)).release());
});

test('a folder that is not there is named', async (t) => {
  const error = await t.throwsAsync(FolderLock.take('/nowhere/at/all'), { instanceOf: AtalayaError });
  t.is(error?.code, 'store-failed');
  t.true(error?.message.includes('/nowhere/at/all'));
});

/** The descriptor under which this process has a file open. */
async function descriptorOf(path: string): Promise<number> {
  for (const name of await readdir('/proc/self/fd')) {
    if ((await readlink(join('/proc/self/fd', name)).catch(() => '')) === path) return Number(name);
  }
  throw new RangeError(`${path} is not open`);
}

const program = (folder: string) => `
  import { FolderLock } from ${JSON.stringify(import.meta.resolve('./folder-lock.ts'))};
  globalThis.lock = await FolderLock.take(${JSON.stringify(folder)});
  console.log('held');
  setInterval(() => undefined, 1000);
`;

async function newFolder(teardown: (done: () => Promise<void>) => void): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-lock-'));
  teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
