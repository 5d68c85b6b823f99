import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FolderLock } from '../../../device/kernel/folder-lock.ts';
import { provision } from '../../testing/program-call.ts';
import { QuestionStopped } from '../terminal.ts';

const base = await mkdtemp(join(tmpdir(), 'atalaya-wipe-'));
test.after.always(() => rm(base, { recursive: true, force: true }));
const at = (...names: string[]) => join(base, ...names);
const unit = ['--identity', at('identity'), '--data', at('data')];
const call = (...args: string[]) => provision(['unit', ...args, ...unit]);

async function enrol(): Promise<number> {
  good(await call('request', '--out', at('request.json')));
  const { fingerprint } = JSON.parse(await readFile(at('request.json'), 'utf8')).identity;
  const files = ['--request', at('request.json'), '--grant-out', at('grant.json')];
  const said = await provision([
    'enrol',
    ...files,
    '--unit',
    'north-1',
    '--ca',
    at('ca'),
    '--fingerprint',
    fingerprint,
  ]);
  if (said.code === 0) good(await call('install', at('grant.json')));
  return said.code;
}

function good({ code, err }: { readonly code: number; readonly err: string }): void {
  if (code !== 0) throw new Error(err);
}

test.serial('a unit whose key was stolen is wiped, makes a new one and is enrolled again under its name', async (t) => {
  good(await provision(['ca', 'init', '--out', at('ca'), '--name', 'A fleet', '--no-passphrase']));
  t.is(await enrol(), 0);
  await mkdir(at('data', 'evidence'), { recursive: true });
  await writeFile(at('data', 'signing-key.pem'), 'the key that signs evidence');
  const before = (await call('show')).out;
  good(
    await provision([
      'ca',
      'revoke',
      'north-1',
      '--reason',
      'key-compromise',
      '--ca',
      at('ca'),
      '--confirm',
      'north-1',
    ]),
  );
  t.not(await enrol(), 0, 'a stolen key is not signed again');

  t.regex((await call('wipe')).err, /nobody is there to confirm it; nothing was wiped\n.*--confirm north-1/);
  const mistaken = await call('wipe', '--confirm', 'north-2');
  t.is(mistaken.code, 2);
  t.regex(mistaken.err, /this unit is north-1, and another name was given; nothing was wiped/);
  const running = await FolderLock.take(at('data', 'evidence'));
  const refused = await call('wipe', '--confirm', 'north-1');
  t.is(refused.code, 2);
  t.regex(refused.err, /store-locked: the unit runs, and nothing was wiped: .*\n {2}Stop it first: systemctl stop/);
  await running.release();
  t.is((await call('show')).out, before);

  const wiped = await provision(['unit', 'wipe', ...unit], { types: ['north-1'] });
  t.is(wiped.code, 0, wiped.err);
  t.regex(wiped.out, /wiped north-1\nevidence, and the key that signs it, are kept: .*data/);
  t.deepEqual(await readdir(at('identity')), ['lock']);
  t.true((await stat(at('data', 'signing-key.pem'))).isFile());
  t.is((await provision(['unit', 'wipe', '--confirm', 'x', ...unit])).code, 2, 'it has no name now, but its serial');
  t.is(await enrol(), 0);
  t.regex((await call('show')).out, /enrolled as north-1/);
});

test.serial('a question that is stopped ends with what was left undone', async (t) => {
  const stopped = async () => {
    throw new QuestionStopped();
  };
  for (const [args, words] of [
    [['unit', 'wipe', '--identity', at('fresh'), '--data', at('data')], /stopped; nothing was changed$/m],
    [['ca', 'init', '--out', at('ca-2'), '--name', 'x'], /stopped; nothing was signed$/m],
  ] as const) {
    const said = await provision(args, { stops: stopped });
    t.is(said.code, 1);
    t.regex(said.err, words);
    t.notRegex(said.err, /internal/);
  }
  await t.throwsAsync(stat(at('ca-2')));
});
