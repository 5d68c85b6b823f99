import { statSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import test from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import { ManualClock } from '../../../device/kernel/manual-clock.ts';
import type { RepositorySource } from '../../contract/repository.ts';
import { softToken } from '../../repository/testing/soft-token.ts';
import { TrustKeeper } from '../../trust/trust-keeper.ts';
import { type Bench, bench, foundedBench, makeKeys, newRepository, stagedNames } from './testing/publisher-calls.ts';

const day = 86_400_000;

/** What a unit itself says to what lies in a folder, as on a stick. */
async function asUnit({ at }: Bench, folder: string, unit: string) {
  for (const name of ['trust', 'floors', 'scratch']) await mkdir(at(unit, name), { recursive: true });
  const roots = {
    image: await readFile(at('repository/image/1.root.json')),
    director: await readFile(at('repository/director/1.root.json')),
  };
  const trust = await TrustKeeper.open({
    folder: at(unit, 'trust'),
    floors: at(unit, 'floors'),
    scratch: at(unit, 'scratch'),
    roots,
    unit,
    hardware: ['x64'],
    running: [],
    clock: systemClock,
    clockGood: () => true,
    files: systemFiles,
  });
  const source: RepositorySource = {
    name: folder,
    metadata: (path) => readFile(at(folder, path)).catch(() => undefined),
  };
  return trust.check(source);
}

test('from keys to a stick that a unit obeys', async (t) => {
  const made = await foundedBench(t);
  const { call, bundle } = made;
  await bundle('unit-1.7.0-r7-x64.tar.zst', 7);
  const added = await call('add -r @repository @bundles/unit-1.7.0-r7-x64.target.json');
  t.is(added.code, 0, added.err);
  t.regex(added.err, /\+ unit-1\.7\.0-r7-x64\.tar\.zst: program unit/);
  t.is((await call('publish -r @repository --key @office.pem')).code, 2, 'nobody has signed');
  t.regex(
    (await call('sign @repository/staged/image.targets.json --key @anna.pem')).err,
    /nobody is there to be asked/,
  );
  const asked: string[] = [];
  const ask = async (question: string) => {
    asked.push(question);
    return /Type (\w+)/.exec(question)?.[1] ?? '';
  };
  const signed = await call(
    'sign @repository/staged/image.targets.json --key @anna.pem --root @repository/image/1.root.json',
    { ask },
  );
  t.is(signed.code, 0, signed.err);
  t.is(asked.length, 1);
  t.regex(signed.out, /^targets of the image repository, version 2/);
  const not = await call('sign @repository/staged/image.targets.json --key @ben.pem', { ask: async () => 'yes' });
  t.is(not.code, 2);
  t.regex(
    (
      await call(
        'sign @repository/staged/image.targets.json --yes --key @ben.pem --root @repository/director/1.root.json',
      )
    ).err,
    /another first root/,
  );
  t.is((await call('sign @repository/staged/image.targets.json --yes --key @ben.pem')).code, 0);
  const published = await call('publish -r @repository --key @office.pem');
  t.regex(published.out, /^image targets 2, snapshot 2, timestamp 2, good until/);
  t.regex((await call('publish -r @repository --key @office.pem')).err, /Nothing waits/);
  t.regex((await call('keys list @repository')).out, /image root 1, published\n {2}root: 2 of 3\n/);

  t.regex(
    (await call('targets -r @repository')).out,
    /^unit-1\.7\.0-r7-x64\.tar\.zst: program unit 1\.7\.0, release 7, for x64, \d+ bytes, [0-9a-f]{16}$/,
  );

  const job = '--key @online.pem --install unit-1.7.0-r7-x64.tar.zst --hold 30 --deadline 600 --window 01:00-05:00';
  const never = await call(`director assign unit-1 -r @repository ${job} --hold 600`);
  t.is(never.code, 2);
  t.regex(never.err, /a trial of 600 s is over before it could be confirmed[\s\S]*hold for 600 s \(--hold\)/);
  const assigned = await call(`director assign unit-1 -r @repository ${job}`);
  t.is(assigned.code, 0, assigned.err);
  t.regex(
    (await call('director show -r @repository')).out,
    /^unit-1: job job-\S+, unit-1\.7\.0-r7-x64\.tar\.zst, until \S+\n {2}targets 1, timestamp 1/,
  );
  t.is((await call('director refresh -r @repository --key @online.pem')).out, 'unit-1: as it was');
  t.is((await call(`director assign unit-2 -r @repository --key @office.pem --nothing`)).code, 2);
  t.is((await call('check @repository')).out, 'good: 1 targets, jobs of 1 units');

  const stick = await call(`stick -r @repository --unit unit-2 --out @stick ${job}`);
  t.is(stick.code, 0, stick.err);
  t.is((await call('check @stick')).out, 'good: 1 targets, jobs of 1 units');
  t.deepEqual((await readdir(made.at('stick'))).sort(), ['director', 'image', 'targets']);
  // Where its file system keeps rights, the unit's account reads it all the same.
  const written = ['', ...(await readdir(made.at('stick'), { recursive: true }))].map((name) =>
    made.at(`stick/${name}`),
  );
  const closed = written.filter(
    (path) => (statSync(path).mode & 0o055) !== (statSync(path).isDirectory() ? 0o055 : 0o044),
  );
  t.deepEqual(closed, []);
  const verified = await asUnit(made, 'stick', 'unit-2');
  t.is(verified.kind, 'verified', JSON.stringify(verified));
  if (verified.kind === 'verified') {
    t.deepEqual(
      verified.install.map(({ target }) => target),
      ['unit-1.7.0-r7-x64.tar.zst'],
    );
    t.deepEqual([verified.job.trial.holdSeconds, verified.job.windows], [30, [{ from: '01:00', to: '05:00' }]]);
  }
  const other = await asUnit(made, 'stick', 'unit-3');
  t.is(other.kind === 'refused' ? other.code : other.kind, 'wrong-unit');
});

test('what lies on a stick besides, or is linked from there, keeps its rights', async (t) => {
  const made = await foundedBench(t);
  await mkdir(made.at('stick/image'), { recursive: true });
  await mkdir(made.at('stick/lost'));
  const files = { 'stick/lost/key.pem': 0o600, 'stick/start.sh': 0o755, 'keys.pem': 0o600 };
  for (const [name, mode] of Object.entries(files)) await writeFile(made.at(name), 'content', { mode });
  await symlink(made.at('keys.pem'), made.at('stick/image/link'));
  await chmod(made.at('stick/lost'), 0o700);
  await chmod(made.at('stick'), 0o2770);
  await made.call('director assign unit-2 -r @repository --key @online.pem --nothing');
  const stick = await made.call('stick -r @repository --unit unit-2 --out @stick');
  t.is(stick.code, 0, stick.err);
  const modes = Object.fromEntries(Object.keys(files).map((name) => [name, statSync(made.at(name)).mode & 0o7777]));
  t.deepEqual(modes, files);
  t.deepEqual(
    ['stick/lost', 'stick'].map((name) => statSync(made.at(name)).mode & 0o7777),
    [0o700, 0o2775],
  );
});

test('what runs out is told in time, by the exit code too, and is renewed by a timer', async (t) => {
  const { call } = await foundedBench(t);
  const in_ = (days: number) => ({ clock: new ManualClock(Date.now() + days * day) });
  const now = await call('expire -r @repository');
  t.is(now.code, 0, now.out);
  t.regex(now.out, /^good {2}image (snapshot|timestamp) 1 {2}\S+ {2}30\.0 days$/m);
  const soon = await call('expire -r @repository', in_(24));
  t.is(soon.code, 1);
  t.regex(soon.out, /^soon {2}image timestamp 1/m);
  t.regex(soon.out, /^good {2}image root 1/m);
  const out = await call('check @repository', in_(31));
  t.is(out.code, 1);
  t.regex(out.out, /image: timestamp 1 has run out/);
  const renewed = await call('expire --renew -r @repository --key @office.pem', in_(24));
  t.is(renewed.code, 0, renewed.out + renewed.err);
  t.regex(renewed.out, /^image targets 1, snapshot 2, timestamp 2/);
  t.is((await call('expire --renew -r @repository', in_(24))).code, 2, 'without a key');
  const late = await call('expire -r @repository', in_(380));
  t.regex(late.out, /^soon {2}(image|director) root 1/m);
  t.is((await call('expire -r @repository --within 400')).code, 1);

  const root = await call('rotate -r @repository --of director');
  t.is(root.code, 0, root.err);
  t.regex(root.err, /no key and no threshold is changed/);
  for (const holder of ['ben', 'cleo'])
    await call(`sign @repository/staged/director.root.json --yes --key @${holder}.pem`);
  t.regex((await call('publish -r @repository')).out, /^director root 2/);
});

test('a key holder who is lost is replaced; copies that were signed apart come together', async (t) => {
  const made = await foundedBench(t);
  const { call, at } = made;
  await makeKeys(made, 'dora');
  const first = JSON.parse(await readFile(at('anna.pub.json'), 'utf8')) as { keyId: string };
  t.is((await call('rotate -r @repository --of image --out-key @anna.pub.json')).code, 2, 'a change names its role');
  t.is((await call(`rotate -r @repository --of image --role root --out-key 00000000`)).code, 2);
  const staged = await call(
    `rotate -r @repository --of image --role root,targets --out-key ${first.keyId.slice(0, 8)} --in-key @dora.pub.json`,
  );
  t.is(
    staged.out,
    `${at('repository/staged/image.root.json')}\n${at('repository/staged/image.targets.json')}`,
    staged.err,
  );
  for (const holder of ['ben', 'cleo', 'dora']) {
    for (const role of ['root', 'targets']) {
      const copy = `${holder}.image.${role}.json`;
      await writeFile(at(copy), await readFile(at(`repository/staged/image.${role}.json`)));
      const signed = await call(`sign @${copy} --yes --key @${holder}.pem`);
      t.is(signed.code, 0, signed.err);
      t.is((await call(`collect -r @repository @${copy}`)).code, 0);
    }
  }
  t.is(
    (await call('sign @repository/staged/image.root.json --yes --key @anna.pem')).code,
    0,
    'the key before may sign its own end',
  );
  t.is((await call('sign @repository/staged/image.targets.json --yes --key @anna.pem')).code, 2);
  const published = await call('publish -r @repository --key @office.pem');
  t.is(published.code, 0, published.err);
  t.regex(published.out, /image root 2/);
  t.is((await call('check @repository')).code, 0);
  t.is((await call('discard -r @repository')).code, 0);
});

test('what is called wrongly is told so', async (t) => {
  const made = await foundedBench(t);
  const { call, at } = made;
  await mkdir(at('bundles'));
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['keys new', /--out or with --token/],
    ['keys new --out @anna.pem --no-passphrase', /key-exists/],
    ['keys new --out @nosuch/anna.pem --no-passphrase', /cannot write/],
    ['keys new --out @x.pem', /nobody is there to type a passphrase/],
    ['keys new --token pkcs11:token=a;id=%01?module-path=/m.so', /--public/],
    ['keys show @anna.pub.json', /^$/],
    ['keys list @nowhere', /is no repository/],
    [`repository new @repository ${newRepository}`, /is a repository already/],
    [`repository new @other ${newRepository} --threshold 4`, /4 of 3 keys cannot sign root/],
    [`repository new @other ${newRepository.replace('@ben', '@anna')}`, /named twice/],
    ['add -r @repository @anna.pem', /is no file NAME.target.json/],
    ['add -r @repository @x.target.json', /does not exist/],
    ['add -r @bundles @x.target.json', /is no repository/],
    ['publish -r @bundles', /is no repository/],
    ['remove -r @repository nothing.tar.zst', /there is no target nothing/],
    ['sign @nowhere --key @anna.pem', /does not exist/],
    ['collect -r @repository @anna.pub.json', /is not valid/],
    ['director assign unit-1 -r @repository --key @online.pem', /--install, or --nothing/],
    ['director assign unit-1 -r @repository --key @online.pem --install x', /no published target x/],
    ['director assign unit-1 -r @repository --install x', /no key is given/],
    ['director show ../image -r @repository', /name of the unit/],
    ['stick -r @repository --unit ../image --out @stick', /name of the unit/],
    ['stick -r @repository --unit unit-1 --out @stick', /unit-1 has no job/],
  ];
  for (const [words, why] of refusals) {
    const { code, err } = await call(words);
    if (!words.includes('keys show')) t.true(code === 2 || words.includes('nosuch'), `${words}: ${code}`);
    t.regex(err, why, words);
  }
  t.deepEqual(await readdir(at('bundles')), [], 'what is no repository is left as it was');
});

test('the program itself, with holders whose keys are in tokens', async (t) => {
  const token = await softToken(t, 'holders');
  if (token === undefined) return;
  const made = await bench(t);
  const { run, call, at, bundle } = made;
  const environment = { ...token.environment, ATALAYA_PIN: token.pin };
  const done = async (words: string) => {
    const called = await run(words, environment);
    t.is(called.code, 0, `${words}\n${called.out}${called.err}`);
    t.false((called.out + called.err).includes(token.pin));
    return called;
  };
  // Calls that the program itself need not show again.
  Object.assign(process.env, token.environment);
  const io = { environment: { ATALAYA_PIN: token.pin } };
  await done(`keys new --token ${token.uri('01')} --public @anna.pub.json`);
  await call(`keys new --token ${token.uri('03')} --public @cleo.pub.json`, io);
  await makeKeys(made, 'ben', 'office', 'online');
  await call(`repository new @repository ${newRepository}`);
  await bundle('unit-1.7.0-r7-x64.tar.zst', 7);
  await done('add -r @repository @bundles/unit-1.7.0-r7-x64.target.json');
  for (const name of stagedNames) {
    const words = `sign @repository/staged/${name}.json --yes --key`;
    const signed = await call(`${words} ${token.uri('01')}`, io);
    t.is(signed.code, 0, signed.err);
    if (name !== 'image.root') await call(`${words} ${token.uri('03')}`, io);
  }
  await done(`sign @repository/staged/image.root.json --yes --key ${token.uri('03')}`);
  await writeFile(at('pin'), `${token.pin}\n`);
  const again = await run(
    `sign @repository/staged/image.root.json --yes --key ${token.uri('03', `&pin-source=file:${at('pin')}`)}`,
    token.environment,
  );
  t.is(again.code, 2);
  t.regex(again.err, /has signed it already/);
  await done('publish -r @repository --key @office.pem');
  await done('director assign unit-1 -r @repository --key @online.pem --install unit-1.7.0-r7-x64.tar.zst');
  t.is((await done('check @repository')).out, 'good: 1 targets, jobs of 1 units\n');
});
