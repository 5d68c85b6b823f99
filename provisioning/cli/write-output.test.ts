import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type AtalayaError, explain } from '../../device/kernel/errors.ts';
import { systemFiles } from '../../device/kernel/files.ts';
import { fault } from '../../device/kernel/testing/fault.ts';
import { checkOutput, makeOutputFolder, writeOutput, writingTo } from './write-output.ts';

const base = await mkdtemp(join(tmpdir(), 'atalaya-output-'));
test.after.always(() => rm(base, { recursive: true, force: true }));
const at = (...names: string[]) => join(base, ...names);

const failing = (code: string) => ({
  ...systemFiles,
  rename: () => Promise.reject(Object.assign(new Error(code), { code })),
});

test('a file is written whole; a place that cannot be is named, and what to do', async (t) => {
  await writeOutput(at('good.txt'), 'one');
  t.is(await readFile(at('good.txt'), 'utf8'), 'one');
  await mkdir(at('folder'));
  await writeFile(at('plain'), '');
  const refusals: readonly (readonly [string, RegExp])[] = [
    [at('nosuch', 'x.yaml'), /the folder .*nosuch does not exist/],
    [at('plain', 'x.yaml'), /plain is no folder/],
    [at('folder'), /folder is a folder[\s\S]*folder\/NAME/],
  ];
  for (const [path, words] of refusals) {
    for (const work of [writeOutput(path, 'x'), checkOutput(path)]) {
      const refused = await fault(work);
      t.is(refused.code, 'usage-invalid');
      t.regex(explain(refused), words);
    }
  }
  await t.notThrowsAsync(checkOutput(at('good.txt')));
  await makeOutputFolder(at('new', 'below'));
  await writeOutput(at('new', 'below', 'x'), 'y');
});

test('a full stick, one that is read-only, one that fails: never the words for a data disk', async (t) => {
  const tried = (code: string): Promise<AtalayaError> => fault(writeOutput(at('x'), 'y', failing(code)));
  t.like(await tried('ENOSPC'), { code: 'store-full' });
  t.regex(explain(await tried('ENOSPC')), /stick or disk that it goes to is full\n {2}Free space there/);
  t.like(await tried('EROFS'), { code: 'usage-invalid' });
  t.like(await tried('EACCES'), { code: 'usage-invalid' });
  const failed = await tried('EIO');
  t.is(failed.code, 'store-failed');
  t.regex(explain(failed), /stick is still in/);
  for (const code of ['ENOSPC', 'EROFS', 'EACCES', 'EIO', 'ENOENT'])
    t.notRegex(explain(await tried(code)), /data (disk|folder)|acknowledged/);
  const within = await fault(writingTo(at(), () => writeOutput(at('x'), 'y', failing('ENOSPC'))));
  t.regex(within.message, /x cannot be written: the stick/, 'told once, with the file and not the folder around it');
  const other = new Error('something else');
  t.is(await t.throwsAsync(writingTo(at('x'), () => Promise.reject(other))), other);
});
