import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fault } from '../kernel/testing/fault.ts';
import { configSchema } from './config-schema.ts';
import { defaultConfig, loadConfig } from './load-config.ts';

async function configOf(t: ExecutionContext, text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'config-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'unit.yaml');
  await writeFile(path, text);
  return { folder, path };
}

test('without a section plates are read, by the carried models, and nothing is looked out for', (t) => {
  t.deepEqual(defaultConfig().plates, {
    read: true,
    finder: 'plate-finder-ppocr-v4-int8',
    readers: ['plate-reader-atalaya-float', 'plate-reader-ppocr-v4-int8'],
    threads: 1,
    leastConfidence: 0.65,
    deadlineS: 10,
    waitS: 3,
    patienceS: 3,
    queueMegabytes: 24,
    lists: [],
  });
});

test("paths start at the file's own folder, and names of bundles stay names", async (t) => {
  const { folder, path } = await configOf(
    t,
    'plates: { finder: ./finder, readers: [mine, ./other], lists: [stolen.json, /etc/lists/a.json], listKey: keys/lists.public.pem }\n',
  );
  const { plates } = await loadConfig(path);
  t.like(plates, {
    finder: join(folder, 'finder'),
    readers: ['mine', join(folder, 'other')],
    lists: [join(folder, 'stolen.json'), '/etc/lists/a.json'],
    listKey: join(folder, 'keys/lists.public.pem'),
  });
});

test('lists without the key that signs them are refused, by name', async (t) => {
  const { path } = await configOf(t, 'plates: { lists: [stolen.json] }\n');
  const { code, message } = await fault(loadConfig(path));
  t.is(code, 'config-invalid');
  t.regex(message, /plates\.listKey: is missing/);
  t.true(configSchema.safeParse({ plates: { listKey: 'a.pem' } }).success);
});

test('a figure out of its bounds is refused', (t) => {
  for (const plates of [
    { threads: 0 },
    { leastConfidence: 1 },
    { waitS: -1 },
    { queueMegabytes: 0 },
    { formats: ['cl'] },
  ]) {
    t.false(configSchema.safeParse({ plates }).success, JSON.stringify(plates));
  }
});
