import { execFile } from 'node:child_process';
import { chmod, chown, lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { stringify } from 'yaml';
import { KilledUnit, killedUnit } from '../../testing/killed-unit.ts';

const program = fileURLToPath(new URL('../atalaya-ota-unit.ts', import.meta.url));
const nobody = 65_534;

interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** As a person calls it, root unless said otherwise. */
function call(unit: KilledUnit, args: readonly string[], uid = 0): Promise<Called> {
  const place = ['--root', unit.root, '--image', join(unit.world, 'image')];
  return new Promise((resolve) => {
    const options = { uid, gid: uid, cwd: '/' };
    execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, ...args, ...place],
      options,
      (error, out, err) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err }),
    );
  });
}

/** What lies below, links not followed. */
async function below(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true });
  return [folder, ...found.map((name) => join(folder, name))];
}

async function notOf(uid: number, folder: string): Promise<readonly string[]> {
  const owners = await Promise.all((await below(folder)).map(async (path) => ({ path, of: (await lstat(path)).uid })));
  return owners.filter(({ of }) => of !== uid).map(({ path }) => path);
}

test('what root does at a unit leaves nothing behind that the unit cannot read, replace or remove', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('passed over: only root can be another account');
    t.pass();
    return;
  }
  await using unit = await KilledUnit.open(Date.now());
  await unit.assignNext();
  const config = join(unit.world, 'atalaya.yaml');
  const updates = {
    imageRoot: join(unit.world, 'image.root.json'),
    directorRoot: join(unit.world, 'director.root.json'),
    clock: 'believed',
  };
  const data = join(unit.world, 'data');
  await mkdir(data);
  await writeFile(config, stringify({ unit: { id: killedUnit }, evidence: { data }, updates }));
  for (const path of [unit.world, config, ...Object.values(updates).slice(0, 2)]) await chown(path, nobody, 0);
  for (const folder of [unit.root, data]) for (const path of await below(folder)) await chown(path, nobody, 0);

  const centre = join(unit.world, 'centre');
  const install = ['install', '--from', centre, '--config', config];
  const before = await below(unit.root);
  const stranger = await call(unit, install, 1);
  t.is(stranger.code, 2, stranger.err);
  // The folders above are of mode 0700 here, as in a home: that it is not there must not be said.
  t.regex(stranger.err, /sudo/);
  await chmod(unit.world, 0o755);
  const wishes = [install, ['confirm', '--yes'], ['rollback', '--reason', 'why']];
  for (const { code, err } of await Promise.all(wishes.map((args) => call(unit, args, 1)))) {
    t.is(code, 2, err);
    t.regex(err, /another account \(number 65534\)[\s\S]*Run the same call with sudo/);
  }
  t.deepEqual(await below(unit.root), before);
  await chmod(unit.root, 0o750);
  for (const { code, err } of await Promise.all(['status', 'history'].map((name) => call(unit, [name], 1)))) {
    t.is(code, 2, err);
    t.regex(err, /this account may not look into \S+[\s\S]*Run the same call with sudo/);
  }

  await chmod(centre, 0o700);
  const unread = await call(unit, install);
  t.regex(unread.err, /the account of the unit cannot read \S+centre[\s\S]*sudo mount/);
  await chmod(centre, 0o755);

  const done = await call(unit, install);
  t.is(done.code, 0, done.err);
  t.regex(done.err, /^working as nobody, whose slots they are\n/);
  t.regex(done.err, /it is tried at the next start of the unit\n$/);
  t.true((await below(unit.root)).includes(join(unit.root, 'trial')));
  t.deepEqual([...(await notOf(nobody, unit.root)), ...(await notOf(nobody, data))], []);

  const looked = await call(unit, ['status']);
  t.deepEqual([looked.code, looked.err], [0, ''], 'who only looks stays who they are');
  const back = await call(unit, ['rollback', '--reason', 'no, stay']);
  t.is(back.code, 0, back.err);
  t.regex(back.out, /^slot a is given up/);
  t.deepEqual(await notOf(nobody, unit.root), []);
});
