import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import { day } from '../../testing/made-authority.ts';
import { type Person, provision } from '../../testing/program-call.ts';

async function bench(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'atalaya-ca-cli-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const at = (...names: string[]) => join(folder, ...names);
  const ca = (words: string, person?: Person) =>
    provision(['ca', ...words.replaceAll('@', `${folder}/`).split(' ')], person);
  const request = (name: string) => {
    const args = 'req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /';
    execFileSync('openssl', [...args.split(' '), '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`)], {
      stdio: 'ignore',
    });
  };
  return { folder, at, ca, request };
}

test('an authority that cannot be made as it is asked for leaves nothing behind', async (t) => {
  const { folder, at, ca } = await bench(t);
  await mkdir(at('stick'));
  await symlink(at('stick'), at('link'));
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['--out @ca9 --root-out @ca9', /--root-out .*ca9 is --out too/],
    ['--out @stick/ca9 --root-out @link/ca9', /is --out too/],
    ['--out @ca9 --root-out @ca9/keys', /lies inside of --out/],
    ['--out @ca9 --root-days 100 --days 1825', /live 1825 days, and its root 100[\s\S]*Give --days 100 at most/],
  ];
  for (const [words, why] of refusals) {
    const { code, err } = await ca(`init --no-passphrase ${words}`);
    t.is(code, 2, words);
    t.regex(err, why);
  }
  t.deepEqual([await readdir(folder), await readdir(at('stick'))], [['link', 'stick'], []]);

  const aloud = await ca('init --no-passphrase --out @ca10 --root-out @ca10/root --root-days 100');
  t.is(aloud.code, 0, aloud.err);
  t.true((await readdir(at('ca10', 'root'))).includes('root.key'));
  const [, root, signs] = aloud.out.split('\n').map((line) => /until (\S+)$/.exec(line)?.[1]);
  t.is(root, signs, 'without --days the authority ends with its root, and both ends are said');
});

test('a list that outlives its authority is told with the end that counts', async (t) => {
  const { ca } = await bench(t);
  const clock = new ManualClock(Date.parse('2026-06-01T00:00:00Z'));
  await ca('init --no-passphrase --out @ca --days 1', { clock });
  const list = await ca('crl --ca @ca', { clock });
  t.regex(list.out, /good until 2026-06-02T00:00:00\S*, when the authority that signed it ends/);
  t.regex(list.err, /Not the 30 days of --days/);
  const listed = JSON.parse((await ca('list --json --ca @ca', { clock })).out) as { list: { until: string } };
  t.is(Date.parse(listed.list.until), clock.utc() + day);
  const short = await ca('crl --days 0.5 --ca @ca', { clock });
  t.regex(short.out, /good until 2026-06-01T12:00:00\S*$/m);
});

test('the HTTPS server and the broker of one host have a certificate each; revoking names what it cuts off', async (t) => {
  const { ca, request } = await bench(t);
  await ca('init --no-passphrase --out @ca');
  for (const name of ['broker', 'api', 'other']) request(name);
  const sign = (name: string, kind: string, more = '') =>
    ca(`sign @${name}.csr --kind ${kind} --name localhost --ca @ca${more}`);
  t.is((await sign('broker', 'broker')).code, 0);
  const nowhere = await sign('api', 'api', ' --out @nosuch/api.pem');
  t.is(nowhere.code, 2);
  t.regex(nowhere.err, /the folder .*nosuch does not exist/);
  t.is((await sign('api', 'api', ' --host 127.0.0.1 --out @api.pem')).code, 0);
  const other = await sign('other', 'broker');
  t.is(other.code, 2);
  t.regex(other.err, /the broker localhost is issued to another key[\s\S]*Revoke nothing that runs/);
  t.notRegex(other.err, /this unit/);
  const beside = await ca('sign @other.csr --kind broker --name broker-2 --host localhost --ca @ca');
  t.is(beside.code, 0, 'as the hint says');

  const revoke = 'revoke localhost --reason superseded --ca @ca';
  t.regex((await ca(revoke)).err, /the name of several[\s\S]*--kind broker or --kind api/);
  const alone = await ca(`${revoke} --kind api`);
  t.is(alone.code, 2);
  t.regex(alone.err, /nobody is here to confirm[\s\S]*--confirm localhost/);
  t.is((await ca(`${revoke} --kind api`, { types: ['localhos'] })).code, 2);
  t.is((await ca(`${revoke} --kind api --confirm broker-2`)).code, 2);
  t.notRegex((await ca('list --ca @ca')).out, /revoked \(/);
  const done = await ca(`${revoke} --kind api`, { types: ['localhost'] });
  t.is(done.code, 0, done.err);
  t.regex((await ca('list --ca @ca')).out, /^api {2}localhost .* revoked/m);
  t.regex((await ca('list --ca @ca')).out, /^broker {2}localhost .* good/m);
  t.regex((await ca('revoke --help')).out, /needs no\s+passphrase/);
});
