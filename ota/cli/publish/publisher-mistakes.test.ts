import { mkdir, readFile, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { keyIdOf, readPublicKey } from '../../repository/signers/metadata-signer.ts';
import { type Bench, bench, foundedBench, makeKeys, newRepository, stagedNames } from './testing/publisher-calls.ts';

const seven = 'unit-1.7.0-r7-x64';
const eight = 'unit-1.8.0-r8-x64';
const targets = 'repository/staged/image.targets.json';

const shortOf = async ({ at }: Bench, name: string): Promise<string> =>
  keyIdOf(readPublicKey(await readFile(at(`${name}.pub.json`), 'utf8'), name)).slice(0, 16);

/** Seven waits, signed by Anna. */
async function halfSigned(t: ExecutionContext): Promise<Bench> {
  const made = await foundedBench(t);
  await made.bundle(`${seven}.tar.zst`, 7);
  await made.bundle(`${eight}.tar.zst`, 8);
  await made.call(`add -r @repository @bundles/${seven}.target.json`);
  await made.call(`sign @${targets} --yes --key @anna.pem`);
  return made;
}

test('what is honest is signed without a warning, several files by one call', async (t) => {
  const made = await bench(t);
  await makeKeys(made, 'anna', 'ben', 'cleo', 'office', 'online');
  const { call, at } = made;
  await call(`repository new @repository ${newRepository}`);
  const files = stagedNames.map((name) => `@repository/staged/${name}.json`);
  const kept = await call('discard -r @repository');
  t.is(kept.code, 2);
  t.regex(kept.err, /was never published[\s\S]*remove the folder and call: atalaya-ota repository new/);
  const signed = await call(`sign ${files.join(' ')} --yes --key @anna.pem`);
  t.is(signed.code, 0, signed.err);
  t.is(signed.out.match(/^signed by /gm)?.length, 3);
  t.notRegex(`${signed.out}\n${signed.err}`, /^!/m);
  const one = await call(`sign ${files[0]} --yes --key @ben.pem`);
  t.regex(one.err, /these still wait for signatures: \S+image\.root\.json \S+image\.targets\.json$/);
  const rest = await call(`sign ${files.join(' ')} --yes --key @ben.pem`);
  t.is(rest.code, 0, 'the same call goes on with the rest');
  t.true(rest.err.endsWith(`can be published: atalaya-ota publish -r ${at('repository')} --key OFFICE-KEY`), rest.err);
  t.regex((await call('publish -r @repository --key @cleo.pem')).err, /Give --key for: [0-9a-f]{16}; given: /);
  const first = await call('publish -r @repository --key @office.pem');
  for (const what of ['director root 1', 'image root 1', 'image targets 1']) t.true(first.out.includes(what), what);
  t.regex((await call('targets -r @repository')).err, /^No target is published yet\.$/);
  const renewed = await call('rotate -r @repository --of director');
  t.notRegex(renewed.err, /^!/m);
});

test('signatures are never lost without a word', async (t) => {
  const made = await halfSigned(t);
  const { call, at } = made;
  const anna = await shortOf(made, 'anna');
  const before = await readFile(at(targets), 'utf8');
  const again = await call(`add -r @repository @bundles/${seven}.target.json`);
  t.is(again.code, 0, again.err);
  t.regex(again.err, /nothing is changed/);
  const more = `add -r @repository @bundles/${eight}.target.json`;
  const refused = await call(more);
  t.is(refused.code, 2);
  t.true(refused.err.includes(`1 signature is lost by this: ${anna} has to sign again`), refused.err);
  t.is((await call(more, { ask: async () => 'no' })).code, 2);
  t.is((await call(`remove -r @repository ${seven}.tar.zst`)).code, 2);
  t.is(await readFile(at(targets), 'utf8'), before);
  t.is((await call(more, { ask: async () => 'yes' })).code, 0);
  t.regex(await readFile(at(targets), 'utf8'), /r8/);
  await call(`sign @${targets} --yes --key @anna.pem`);
  t.is((await call(`remove -r @repository ${eight}.tar.zst --yes`)).code, 0);
  await call(`sign @${targets} --yes --key @anna.pem`);
  const rotated = await call('rotate -r @repository --of image');
  t.is(rotated.code, 2);
  t.true(rotated.err.includes(`1 signature is lost by this: ${anna}`), rotated.err);
  t.is((await call('discard -r @repository')).out, 'gave up: image.targets.json (1 signature)');
  t.regex((await call('discard -r @repository')).err, /Nothing waits/);
});

test('a target that is published already is not staged a second time', async (t) => {
  const { call } = await halfSigned(t);
  await call(`sign @${targets} --yes --key @ben.pem`);
  await call('publish -r @repository --key @office.pem');
  const again = await call(`add -r @repository @bundles/${seven}.target.json`);
  t.is(again.code, 2);
  t.regex(again.err, /nothing is changed: unit-1\.7\.0-r7-x64\.tar\.zst is published/);
  t.regex((await call('publish -r @repository --key @office.pem')).err, /Nothing waits/);
});

test('a staged file that somebody has edited is given up at the repository', async (t) => {
  const { call, at } = await halfSigned(t);
  await writeFile(at(targets), (await readFile(at(targets), 'utf8')).replaceAll('"release": 7', '"release": 9'));
  for (const words of ['publish -r @repository --key @office.pem', `add -r @repository @bundles/${eight}.target.json`])
    t.regex((await call(words)).err, /was changed after the key[\s\S]*atalaya-ota discard -r \S+repository$/);
  t.is((await call('discard -r @repository')).out, 'gave up: image.targets.json (damaged)');
  t.is((await call(`add -r @repository @bundles/${eight}.target.json`)).code, 0);
});

test('no key stands in two places, from the beginning on and by no rotation', async (t) => {
  const made = await foundedBench(t);
  const { call, at } = made;
  const [anna, online, office] = [
    await shortOf(made, 'anna'),
    await shortOf(made, 'online'),
    await shortOf(made, 'office'),
  ];
  const other = `repository new @other ${newRepository}`;
  const refusals = [
    [other.replace('--director @online', '--director @anna'), `the key ${anna} is a holder's and the director's`],
    [other.replace('--office @office', '--office @online'), `the key ${online} is the office's and the director's`],
    ['rotate -r @repository --of director --role targets --in-key @anna.pub.json', `the key ${anna} is a holder's and`],
    ['rotate -r @repository --of image --role snapshot --in-key @online.pub.json', `${online} is the office's and the`],
    ['rotate -r @repository --of image --role root --in-key @office.pub.json', `the key ${office} is a holder's and`],
  ] as const;
  for (const [words, why] of refusals) {
    const { code, err } = await call(words);
    t.is(code, 2, words);
    t.true(err.includes(why), err);
  }
  const all = await call(`${other} --threshold 3`);
  t.is(all.code, 0);
  t.regex(all.err, /All 3 holders have to sign/);
  await mkdir(at('empty'));
  const mistakes: readonly (readonly [string, RegExp])[] = [
    ['sign @other/staged/image.root.json --yes --key @anna.pub.json', /is the public half: give the \.pem/],
    ['sign @repository --key @anna.pem', /is a folder: name a file in it/],
    ['check @empty', /is no repository and no stick: it has no folders image and director/],
  ];
  for (const [words, why] of mistakes) {
    const { code, err } = await call(words);
    t.is(code, 2, words);
    t.regex(err, why);
  }
});
